import Tensors

// A configuration comes from a file: every number in it is bounded before anything is made of it.

extension Configuration {
  /// The most channels, blocks or classes that a network may have; the largest public one has
  /// 21,843 classes.
  static let maximumExtent = 1 << 20

  /// The most values that a feature map may become when it is flattened.
  static let maximumFlattened = 1 << 26

  /// The most layers of a head.
  static let maximumHeadLayers = 64

  /// Checks that the options describe a network.
  func validate() throws(ConfigurationError) {
    try validateInput()
    try validateStem()
    try validateStages()
    try validateBiases()
    try validateShortcut()
    try validate(norm, "norm")
    guard hasNormStatistics || norm == .batch(epsilon: 0) else {
      throw ConfigurationError("a norm without statistics has no ε and no groups")
    }
    if let epsilon = weightStandardizationEpsilon {
      try check(epsilon: epsilon, "weight standardisation")
    }
    if block.order == .postActivation, ending == .norm {
      throw ConfigurationError("a post-activation network has no norm at its end")
    }
    try validateHead()
  }

  private func validateInput() throws(ConfigurationError) {
    try check(input.channels, "number of input channels")
    guard input.hasNorm || input.hasNormScale else {
      throw ConfigurationError("an input without a norm has no norm without a scale")
    }
    for (values, name) in [(input.scale, "scales"), (input.offset, "offsets")] {
      guard values.isEmpty || values.count == input.channels else {
        throw ConfigurationError(
          "the input has \(values.count) \(name) for \(input.channels) channels")
      }
      guard values.allSatisfy(\.isFinite) else {
        throw ConfigurationError("the \(name) of the input are not all finite")
      }
    }
  }

  private func validateStem() throws(ConfigurationError) {
    try check(stem.convolutions.count, in: 1...8, "number of stem convolutions")
    for convolution in stem.convolutions {
      try check(convolution.kernel, in: 1...31, "stem kernel size")
      try check(convolution.stride, in: 1...8, "stem stride")
      try check(convolution.outputChannels, "number of stem channels")
    }
    if let pool = stem.pool {
      try check(pool.size, in: 1...31, "size of the stem's pool")
      try check(pool.stride, in: 1...8, "stride of the stem's pool")
    }
  }

  private func validateStages() throws(ConfigurationError) {
    try check(stages.count, in: 1...16, "number of stages")
    for stage in stages {
      try check(stage.blocks, in: 1...1024, "number of blocks of a stage")
      try check(stage.innerChannels, "number of inner channels of a stage")
      try check(stage.outputChannels, "number of output channels of a stage")
      try check(stage.stride, in: 1...8, "stride of a stage")
      try check(stage.dilation, in: 1...64, "dilation of a stage")
      if block.kind == .basic, stage.innerChannels != stage.outputChannels {
        throw ConfigurationError("a basic block has as many inner as output channels")
      }
    }
  }

  private func validateBiases() throws(ConfigurationError) {
    guard block.omitsSpatialBias else { return }
    guard block.kind == .bottleneck, block.hasInnerBiases else {
      throw ConfigurationError("only a bottleneck of inner biases can lack that of its 3×3")
    }
  }

  private func validateShortcut() throws(ConfigurationError) {
    if block.order == .postActivation, shortcut.input == .preActivated {
      throw ConfigurationError("a post-activation block has no pre-activated input")
    }
    if block.order == .postActivation, !block.firstBlockIsPreActivated {
      throw ConfigurationError("the first block of a post-activation network is like the others")
    }
    guard shortcut.kind.isParameterFree else { return }
    if shortcut.hasBias {
      throw ConfigurationError("a shortcut without parameters has no bias")
    }
    var channels = stem.convolutions.last?.outputChannels ?? 0
    for stage in stages {
      guard stage.outputChannels >= channels else {
        throw ConfigurationError(
          "a shortcut of channels of zeros cannot go from \(channels) to \(stage.outputChannels)")
      }
      channels = stage.outputChannels
    }
  }

  private func validateHead() throws(ConfigurationError) {
    var channels = stages.last?.outputChannels ?? 0
    if case .flatten(let height, let width, _) = head.pooling {
      try check(height, "height of the flattened image")
      try check(width, "width of the flattened image")
      // Each is at most 2²⁰, so that the product is less than 2⁶¹.
      channels *= height * width
      try check(channels, in: 1...Self.maximumFlattened, "number of flattened values")
    }
    try check(head.layers.count, in: 0...Self.maximumHeadLayers, "number of layers of the head")
    for layer in head.layers {
      switch layer {
      case .dense(let outputs, _): try check(outputs, "number of outputs of a dense layer")
      case .norm(let norm, _, _): try validate(norm, "head's norm")
      case .activation(let activation): try validate(activation)
      }
    }
  }

  private func validate(_ norm: Norm, _ name: String) throws(ConfigurationError) {
    switch norm {
    case .batch(let epsilon): try check(epsilon: epsilon, name)
    case .group(let count, let epsilon):
      try check(count, "number of groups of the \(name)")
      try check(epsilon: epsilon, name)
    }
  }

  private func validate(_ activation: ActivationFunction) throws(ConfigurationError) {
    guard let number = activation.number, !(number.magnitude <= 1000) else { return }
    throw ConfigurationError(
      "the parameter of \(activation.title) is \(number), not within −1000…1000")
  }

  private func check(
    _ value: Int, in range: ClosedRange<Int> = 1...Configuration.maximumExtent, _ name: String
  ) throws(ConfigurationError) {
    guard range.contains(value) else {
      throw ConfigurationError(
        "the \(name) is \(value), not within \(range.lowerBound)…\(range.upperBound)")
    }
  }

  private func check(epsilon: Double, _ name: String) throws(ConfigurationError) {
    guard epsilon >= 0, epsilon < 1 else {
      throw ConfigurationError("the ε of the \(name) is \(epsilon), not within 0..<1")
    }
  }
}

extension Graph {
  /// The most parameters of a network, so that counts of them and of their bytes do not overflow.
  private static let maximumParameters = 1 << 56

  /// Checks that every group norm finds channels that its groups divide.
  func checkGroups() throws(ConfigurationError) {
    for node in nodes {
      guard case .norm(.group(let count, _), let channels, _) = node.operation,
        !channels.isMultiple(of: count)
      else { continue }
      throw ConfigurationError(
        "\(node.name) has \(count) groups, by which \(channels) channels cannot be divided")
    }
  }

  func checkParameterCount() throws(ConfigurationError) {
    var count = 0
    for parameter in parameters {
      // A single tensor has fewer than 2⁵¹ elements.
      count += parameter.shape.elementCount
      guard count <= Self.maximumParameters else {
        throw ConfigurationError("the network has more than 2⁵⁶ parameters")
      }
    }
  }
}

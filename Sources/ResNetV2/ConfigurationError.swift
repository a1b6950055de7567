/// Why a configuration is not a network.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, in one line.
  public let description: String

  init(_ description: String) {
    self.description = description
  }
}

extension Configuration {
  /// The most channels, blocks or classes that a network may have; the largest public one has
  /// 21,843 classes.
  static let maximumExtent = 1 << 20

  /// Checks that the options describe a network.
  func validate() throws(ConfigurationError) {
    try check(stages.count, in: 1...16, "number of stages")
    try check(inputChannels, "number of input channels")
    try check(stem.convolutions.count, in: 1...8, "number of stem convolutions")
    for convolution in stem.convolutions {
      try check(convolution.kernel, in: 1...31, "stem kernel size")
      try check(convolution.stride, in: 1...8, "stem stride")
      try check(convolution.outputChannels, "number of stem channels")
    }
    for stage in stages {
      try check(stage.blocks, in: 1...1024, "number of blocks of a stage")
      try check(stage.innerChannels, "number of inner channels of a stage")
      try check(stage.outputChannels, "number of output channels of a stage")
      try check(stage.stride, in: 1...8, "stride of a stage")
      if block.kind == .basic, stage.innerChannels != stage.outputChannels {
        throw ConfigurationError("a basic block has as many inner as output channels")
      }
    }
    switch norm {
    case .batch(let epsilon): try check(epsilon: epsilon, "norm")
    case .group(let count, let epsilon):
      try check(count, "number of norm groups")
      try check(epsilon: epsilon, "norm")
    }
    if let epsilon = weightStandardizationEpsilon {
      try check(epsilon: epsilon, "weight standardisation")
    }
    try check(head.classes, in: 0...Configuration.maximumExtent, "number of classes")
    if head.classes > 0, !head.hasPooling {
      throw ConfigurationError("a dense head needs pooled features")
    }
    if head.hasSoftmax, head.classes == 0 {
      throw ConfigurationError("a softmax needs classes")
    }
    if block.order == .postActivation, shortcut.input == .preActivated {
      throw ConfigurationError("a post-activation block has no pre-activated input")
    }
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

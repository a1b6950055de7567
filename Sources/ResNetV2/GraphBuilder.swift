/// Turns the options of a configuration into nodes, in the order in which a forward pass would be
/// written down.
struct GraphBuilder {
  private let configuration: Configuration
  private(set) var nodes: [Node] = []

  /// The node that the next one continues, and the number of channels of its value.
  private var current = 0
  private var channels = 0

  init(_ configuration: Configuration) {
    self.configuration = configuration
  }

  mutating func build() {
    channels = configuration.inputChannels
    current = append("input", .input(channels: channels), inputs: [])
    if configuration.normalizesInput {
      norm("input.norm")
    }
    stem()
    for (index, stage) in configuration.stages.enumerated() {
      for block in 0..<stage.blocks {
        self.block("stage\(index + 1).block\(block + 1)", of: stage, index: block)
      }
    }
    if configuration.block.order == .preActivation {
      norm("final.norm")
      relu("final.relu")
    }
    head()
  }

  // MARK: - Parts of the network

  private mutating func stem() {
    let stem = configuration.stem
    let isDeep = stem.convolutions.count > 1
    for (index, conv) in stem.convolutions.enumerated() {
      let suffix = isDeep ? "\(index + 1)" : ""
      convolution(
        "stem.conv\(suffix)", kernel: conv.kernel, stride: conv.stride, to: conv.outputChannels,
        hasBias: conv.hasBias)
      let isLast = index == stem.convolutions.count - 1
      if !isLast || stem.hasNorm {
        norm("stem.norm\(suffix)")
        relu("stem.relu\(suffix)")
      }
    }
    let padding: Operation.Pool.Padding =
      switch stem.poolPadding {
      case .zero: .zero(1)
      case .negativeInfinity: .ignored(1)
      case .same: .same
      }
    then("stem.pool", .maxPool(.init(size: 3, stride: 2, padding: padding)))
  }

  private mutating func block(_ name: String, of stage: Configuration.Stage, index: Int) {
    let strided =
      switch configuration.block.stridedBlock {
      case .first: index == 0
      case .last: index == stage.blocks - 1
      }
    let shape = BlockShape(
      stride: strided ? stage.stride : 1, isFirst: index == 0, inputChannels: channels,
      innerChannels: stage.innerChannels, outputChannels: stage.outputChannels)
    switch configuration.block.order {
    case .preActivation: preActivationBlock(name, shape)
    case .postActivation: postActivationBlock(name, shape)
    }
  }

  private mutating func preActivationBlock(_ name: String, _ shape: BlockShape) {
    let raw = current
    norm("\(name).norm1")
    relu("\(name).relu1")
    let preActivated = current
    let side = shortcut(name, shape, raw: raw, preActivated: preActivated)
    (current, channels) = (preActivated, shape.inputChannels)
    for (index, conv) in convolutions(of: shape).enumerated() {
      if index > 0 {
        norm("\(name).norm\(index + 1)")
        relu("\(name).relu\(index + 1)")
      }
      convolution("\(name).conv\(index + 1)", conv)
    }
    current = append("\(name).add", .add, inputs: [side, current])
  }

  private mutating func postActivationBlock(_ name: String, _ shape: BlockShape) {
    let raw = current
    let side = shortcut(name, shape, raw: raw, preActivated: raw)
    (current, channels) = (raw, shape.inputChannels)
    let convolutions = convolutions(of: shape)
    for (index, conv) in convolutions.enumerated() {
      convolution("\(name).conv\(index + 1)", conv)
      norm("\(name).norm\(index + 1)")
      if index < convolutions.count - 1 {
        relu("\(name).relu\(index + 1)")
      }
    }
    current = append("\(name).add", .add, inputs: [side, current])
    relu("\(name).relu")
  }

  /// Builds the side path of a block and returns its last node.
  private mutating func shortcut(
    _ name: String, _ shape: BlockShape, raw: Int, preActivated: Int
  ) -> Int {
    let shortcut = configuration.shortcut
    let changesShape = shape.stride != 1 || shape.inputChannels != shape.outputChannels
    guard shape.isFirst, shortcut.placement == .everyStage || changesShape else {
      guard shape.stride != 1 else { return raw }
      return append("\(name).shortcut.subsample", .subsample(stride: shape.stride), inputs: [raw])
    }
    (current, channels) = (shortcut.input == .raw ? raw : preActivated, shape.inputChannels)
    var stride = shape.stride
    if shortcut.kind == .averagePoolConvolution, stride != 1 {
      then(
        "\(name).shortcut.pool",
        .averagePool(.init(size: stride, stride: stride, padding: .same)))
      stride = 1
    }
    convolution(
      "\(name).shortcut.conv", kernel: 1, stride: stride, to: shape.outputChannels,
      hasBias: shortcut.hasBias)
    if shortcut.kind == .convolutionNorm {
      norm("\(name).shortcut.norm")
    }
    return current
  }

  private mutating func head() {
    let head = configuration.head
    guard head.hasPooling else { return }
    then("head.pool", .globalAverage)
    guard head.classes > 0 else { return }
    then(
      "head.dense",
      .dense(inputChannels: channels, outputChannels: head.classes, hasBias: true))
    channels = head.classes
    if head.hasSoftmax {
      then("head.softmax", .softmax)
    }
  }

  /// The convolutions of a block's main path, first to last.
  private func convolutions(of shape: BlockShape) -> [BlockConvolution] {
    let block = configuration.block
    switch block.kind {
    case .basic:
      return [
        .init(3, shape.stride, to: shape.innerChannels, hasBias: block.hasInnerBiases),
        .init(3, 1, to: shape.outputChannels, hasBias: block.hasLastBias),
      ]
    case .bottleneck:
      let stridesFirst = block.stridedConvolution == .first
      return [
        .init(
          1, stridesFirst ? shape.stride : 1, to: shape.innerChannels,
          hasBias: block.hasInnerBiases),
        .init(
          3, stridesFirst ? 1 : shape.stride, to: shape.innerChannels,
          hasBias: block.hasInnerBiases),
        .init(1, 1, to: shape.outputChannels, hasBias: block.hasLastBias),
      ]
    }
  }

  // MARK: - Single nodes

  private mutating func convolution(_ name: String, _ conv: BlockConvolution) {
    convolution(
      name, kernel: conv.kernel, stride: conv.stride, to: conv.outputChannels,
      hasBias: conv.hasBias)
  }

  private mutating func convolution(
    _ name: String, kernel: Int, stride: Int, to outputChannels: Int, hasBias: Bool
  ) {
    then(
      name,
      .convolution(
        .init(
          kernel: kernel, stride: stride, padding: kernel / 2, inputChannels: channels,
          outputChannels: outputChannels, hasBias: hasBias,
          weightStandardizationEpsilon: configuration.weightStandardizationEpsilon)))
    channels = outputChannels
  }

  private mutating func norm(_ name: String) {
    then(name, .norm(configuration.norm, channels: channels))
  }

  private mutating func relu(_ name: String) {
    then(name, .relu)
  }

  /// Adds a node that reads the current one and becomes it.
  private mutating func then(_ name: String, _ operation: Operation) {
    current = append(name, operation, inputs: [current])
  }

  private mutating func append(_ name: String, _ operation: Operation, inputs: [Int]) -> Int {
    nodes.append(Node(name: name, operation: operation, inputs: inputs))
    return nodes.count - 1
  }
}

/// The extents of one block.
private struct BlockShape {
  let stride: Int
  let isFirst: Bool
  let inputChannels: Int
  let innerChannels: Int
  let outputChannels: Int
}

/// One convolution of a block's main path.
private struct BlockConvolution {
  let kernel: Int
  let stride: Int
  let outputChannels: Int
  let hasBias: Bool

  init(_ kernel: Int, _ stride: Int, to outputChannels: Int, hasBias: Bool) {
    self.kernel = kernel
    self.stride = stride
    self.outputChannels = outputChannels
    self.hasBias = hasBias
  }
}

import Tensors

/// Turns the options of a configuration into nodes, in the order in which a forward pass would be
/// written down.
struct GraphBuilder {
  private let configuration: Configuration
  private(set) var nodes: [Node] = []

  /// The node that the next one continues, and the number of channels of its value.
  private var current = 0
  private(set) var channels = 0

  /// The part of the network that the next node belongs to.
  private var place = Node.Place.input

  init(_ configuration: Configuration) {
    self.configuration = configuration
  }

  mutating func build() {
    input()
    place = .stem
    stem()
    for (index, stage) in configuration.stages.enumerated() {
      for block in 0..<stage.blocks {
        place = .stage(index + 1, block: block + 1, .main)
        self.block("stage\(index + 1).block\(block + 1)", of: stage, index: block)
      }
    }
    place = .head
    ending()
    head()
  }

  // MARK: - Parts of the network

  private mutating func input() {
    let input = configuration.input
    channels = input.channels
    current = append("input", .input(channels: channels), inputs: [])
    if input.isAdjusted {
      then(
        "input.adjust",
        .adjust(
          scale: input.scale, offset: input.offset, reversesChannels: input.reversesChannels))
    }
    if input.hasNorm {
      norm("input.norm", hasScale: input.hasNormScale)
    }
  }

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
    guard let pool = stem.pool else { return }
    let padding: Operation.Pool.Padding =
      switch pool.padding {
      case .zero: .zero((pool.size - 1) / 2)
      case .negativeInfinity: .ignored((pool.size - 1) / 2)
      case .same: .same
      case .valid: .ignored(0)
      }
    then("stem.pool", .maxPool(.init(size: pool.size, stride: pool.stride, padding: padding)))
  }

  private mutating func ending() {
    guard configuration.block.order == .preActivation, configuration.ending != .sum else { return }
    norm("final.norm")
    if configuration.ending == .activation {
      relu("final.relu")
    }
  }

  private mutating func block(_ name: String, of stage: Configuration.Stage, index: Int) {
    let strided =
      switch configuration.block.stridedBlock {
      case .first: index == 0
      case .last: index == stage.blocks - 1
      }
    let shape = BlockShape(
      stride: strided ? stage.stride : 1, dilation: stage.dilation, isFirst: index == 0,
      isVeryFirst: place == .stage(1, block: 1, .main),
      isVeryLast: place == veryLast, inputChannels: channels,
      innerChannels: stage.innerChannels, outputChannels: stage.outputChannels)
    switch configuration.block.order {
    case .preActivation: preActivationBlock(name, shape)
    case .postActivation: postActivationBlock(name, shape)
    }
  }

  private mutating func preActivationBlock(_ name: String, _ shape: BlockShape) {
    let raw = current
    if configuration.block.firstBlockIsPreActivated || !shape.isVeryFirst {
      norm("\(name).norm1", isAlone: false)
      relu("\(name).relu1")
    }
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
    if configuration.ending == .activation || !shape.isVeryLast {
      relu("\(name).relu")
    }
  }

  private var veryLast: Node.Place {
    .stage(
      configuration.stages.count, block: configuration.stages.last?.blocks ?? 0, .main)
  }

  /// Builds the side path of a block and returns its last node.
  private mutating func shortcut(
    _ name: String, _ shape: BlockShape, raw: Int, preActivated: Int
  ) -> Int {
    let main = place
    if case .stage(let stage, let block, _) = main { place = .stage(stage, block: block, .side) }
    defer { place = main }
    let shortcut = configuration.shortcut
    let changesShape = shape.stride != 1 || shape.inputChannels != shape.outputChannels
    guard shape.isFirst, shortcut.placement == .everyStage || changesShape else {
      guard shape.stride != 1 else { return raw }
      return append("\(name).shortcut.subsample", .subsample(stride: shape.stride), inputs: [raw])
    }
    (current, channels) = (shortcut.input == .raw ? raw : preActivated, shape.inputChannels)
    guard !shortcut.kind.isParameterFree else {
      padChannels(name, shape)
      return current
    }
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

  /// A side path without parameters: fewer pixels, and channels of zeros.
  private mutating func padChannels(_ name: String, _ shape: BlockShape) {
    if shape.stride != 1 {
      then("\(name).shortcut.subsample", .subsample(stride: shape.stride))
    }
    let missing = shape.outputChannels - shape.inputChannels
    guard missing > 0 else { return }
    let before = configuration.shortcut.kind == .zeroChannelsAround ? missing / 2 : 0
    then("\(name).shortcut.pad", .padChannels(before: before, after: missing - before))
  }

  private mutating func head() {
    let head = configuration.head
    switch head.pooling {
    case .average: then("head.pool", .globalAverage)
    case .max: then("head.pool", .globalMaximum)
    case .flatten(let height, let width, let channelsFirst):
      then(
        "head.flatten", .flatten(height: height, width: width, channelsFirst: channelsFirst))
      channels *= height * width
    case .none: break
    }
    for (name, layer) in zip(head.layerNames, head.layers) {
      switch layer {
      case .dense(let outputs, let hasBias):
        then(name, .dense(inputChannels: channels, outputChannels: outputs, hasBias: hasBias))
        channels = outputs
      case .norm(let norm, let hasScale, let hasShift):
        then(
          name,
          .norm(norm, channels: channels, affine: .init(hasScale: hasScale, hasShift: hasShift)))
      case .activation(let activation):
        then(name, .activation(activation))
      }
    }
  }

  /// The convolutions of a block's main path, first to last.
  private func convolutions(of shape: BlockShape) -> [BlockConvolution] {
    let block = configuration.block
    switch block.kind {
    case .basic:
      return [
        .init(
          3, shape.stride, shape.dilation, to: shape.innerChannels,
          hasBias: block.hasInnerBiases),
        .init(3, 1, shape.dilation, to: shape.outputChannels, hasBias: block.hasLastBias),
      ]
    case .bottleneck:
      let stridesFirst = block.stridedConvolution == .first
      return [
        .init(
          1, stridesFirst ? shape.stride : 1, to: shape.innerChannels,
          hasBias: block.hasInnerBiases),
        .init(
          3, stridesFirst ? 1 : shape.stride, shape.dilation, to: shape.innerChannels,
          hasBias: block.hasInnerBiases && !block.omitsSpatialBias),
        .init(1, 1, to: shape.outputChannels, hasBias: block.hasLastBias),
      ]
    }
  }

  // MARK: - Single nodes

  private mutating func convolution(_ name: String, _ conv: BlockConvolution) {
    convolution(
      name, kernel: conv.kernel, stride: conv.stride, dilation: conv.dilation,
      to: conv.outputChannels, hasBias: conv.hasBias)
  }

  private mutating func convolution(
    _ name: String, kernel: Int, stride: Int, dilation: Int = 1, to outputChannels: Int,
    hasBias: Bool
  ) {
    then(
      name,
      .convolution(
        .init(
          kernel: kernel, stride: stride, dilation: dilation,
          padding: padding(kernel: kernel, stride: stride, dilation: dilation),
          inputChannels: channels,
          outputChannels: outputChannels, hasBias: hasBias,
          weightStandardizationEpsilon: configuration.weightStandardizationEpsilon)))
    channels = outputChannels
  }

  private func padding(kernel: Int, stride: Int, dilation: Int) -> Operation.Convolution.Padding {
    // An odd kernel without a stride has the same border either way.
    let isSymmetric = kernel == 1 || (stride == 1 && !kernel.isMultiple(of: 2))
    return configuration.convolutionPadding == .same && !isSymmetric
      ? .same : .each(kernel / 2 * dilation)
  }

  /// Appends a norm, unless it has been folded into the convolution that it would read.
  ///
  /// - Parameter isAlone: whether nothing else reads that convolution.
  private mutating func norm(_ name: String, hasScale: Bool = true, isAlone: Bool = true) {
    if configuration.foldsNorms, isAlone, case .convolution = nodes[current].operation { return }
    let affine = Operation.Affine(
      hasScale: configuration.hasNormScales && hasScale, hasShift: configuration.hasNormShifts,
      hasStatistics: configuration.hasNormStatistics)
    then(name, .norm(configuration.norm, channels: channels, affine: affine))
  }

  private mutating func relu(_ name: String) {
    then(name, .relu)
  }

  /// Adds a node that reads the current one and becomes it.
  private mutating func then(_ name: String, _ operation: Operation) {
    current = append(name, operation, inputs: [current])
  }

  private mutating func append(_ name: String, _ operation: Operation, inputs: [Int]) -> Int {
    nodes.append(Node(name: name, place: place, operation: operation, inputs: inputs))
    return nodes.count - 1
  }
}

/// The extents of one block.
private struct BlockShape {
  let stride: Int
  let dilation: Int
  /// Whether it is the first of its stage.
  let isFirst: Bool
  /// Whether it is the first of the network.
  let isVeryFirst: Bool
  /// Whether it is the last of the network.
  let isVeryLast: Bool
  let inputChannels: Int
  let innerChannels: Int
  let outputChannels: Int
}

/// One convolution of a block's main path.
private struct BlockConvolution {
  let kernel: Int
  let stride: Int
  let dilation: Int
  let outputChannels: Int
  let hasBias: Bool

  init(
    _ kernel: Int, _ stride: Int, _ dilation: Int = 1, to outputChannels: Int, hasBias: Bool
  ) {
    self.kernel = kernel
    self.stride = stride
    self.dilation = dilation
    self.outputChannels = outputChannels
    self.hasBias = hasBias
  }
}

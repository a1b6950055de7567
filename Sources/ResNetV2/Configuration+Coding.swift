// A configuration as JSON. What version 1.0 of the file format can say has the keys of that version;
// what is new has keys that are there only where they say something else than version 1.0 would. A
// key that is not known is refused: it would be an option of a network that is not understood.

extension Configuration {
  /// The major version of the file format that can express the network.
  public var formatMajor: Int {
    let isPlain =
      !input.isAdjusted && input.hasNormScale && hasNormScales && hasNormShifts
      && hasNormStatistics && !foldsNorms
      && convolutionPadding == .symmetric && stages.allSatisfy { $0.dilation == 1 }
      && ending == .activation && block.firstBlockIsPreActivated && !block.omitsSpatialBias
      && !shortcut.kind.isParameterFree && stem.hasUsualPool && head.isPlainClassifier
    return isPlain ? 1 : 2
  }
}

extension Configuration: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case block, stages, stem, shortcut, norm, head
    case inputChannels, normalizesInput, weightStandardizationEpsilon
    case inputScale, inputOffset, reversesInputChannels
    case hasInputNormScale, hasNormScales, hasNormShifts, hasNormStatistics
    case foldsNorms, convolutionPadding, ending
  }

  /// Reads a configuration.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.strictContainer(keyedBy: Key.self)
    let input = Input(
      channels: try values.decode(Int.self, forKey: .inputChannels),
      scale: try values.decodeIfPresent([Double].self, forKey: .inputScale) ?? [],
      offset: try values.decodeIfPresent([Double].self, forKey: .inputOffset) ?? [],
      reversesChannels: try values.decodeIfPresent(Bool.self, forKey: .reversesInputChannels)
        ?? false,
      hasNorm: try values.decode(Bool.self, forKey: .normalizesInput),
      hasNormScale: try values.decodeIfPresent(Bool.self, forKey: .hasInputNormScale) ?? true)
    self.init(
      block: try values.decode(Block.self, forKey: .block),
      stages: try values.decode([Stage].self, forKey: .stages),
      stem: try values.decode(Stem.self, forKey: .stem),
      shortcut: try values.decode(Shortcut.self, forKey: .shortcut),
      norm: try values.decode(Norm.self, forKey: .norm),
      head: try values.decode(Head.self, forKey: .head),
      input: input,
      hasNormScales: try values.decodeIfPresent(Bool.self, forKey: .hasNormScales) ?? true,
      hasNormShifts: try values.decodeIfPresent(Bool.self, forKey: .hasNormShifts) ?? true,
      hasNormStatistics: try values.decodeIfPresent(Bool.self, forKey: .hasNormStatistics) ?? true,
      foldsNorms: try values.decodeIfPresent(Bool.self, forKey: .foldsNorms) ?? false,
      convolutionPadding: try values.decodeIfPresent(
        ConvolutionPadding.self, forKey: .convolutionPadding) ?? .symmetric,
      weightStandardizationEpsilon: try values.decodeIfPresent(
        Double.self, forKey: .weightStandardizationEpsilon),
      ending: try values.decodeIfPresent(Ending.self, forKey: .ending) ?? .activation)
  }

  /// Writes the configuration.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(block, forKey: .block)
    try values.encode(stages, forKey: .stages)
    try values.encode(stem, forKey: .stem)
    try values.encode(shortcut, forKey: .shortcut)
    try values.encode(norm, forKey: .norm)
    try values.encode(head, forKey: .head)
    try values.encode(input.channels, forKey: .inputChannels)
    try values.encode(input.hasNorm, forKey: .normalizesInput)
    try values.encodeIfPresent(
      weightStandardizationEpsilon, forKey: .weightStandardizationEpsilon)
    try values.encode(input.scale, forKey: .inputScale, unless: [])
    try values.encode(input.offset, forKey: .inputOffset, unless: [])
    try values.encode(input.reversesChannels, forKey: .reversesInputChannels, unless: false)
    try values.encode(input.hasNormScale, forKey: .hasInputNormScale, unless: true)
    try values.encode(hasNormScales, forKey: .hasNormScales, unless: true)
    try values.encode(hasNormShifts, forKey: .hasNormShifts, unless: true)
    try values.encode(hasNormStatistics, forKey: .hasNormStatistics, unless: true)
    try values.encode(foldsNorms, forKey: .foldsNorms, unless: false)
    try values.encode(convolutionPadding, forKey: .convolutionPadding, unless: .symmetric)
    try values.encode(ending, forKey: .ending, unless: .activation)
  }
}

extension Configuration.Block: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case kind, order, stridedConvolution, stridedBlock, hasInnerBiases, hasLastBias
    case omitsSpatialBias, firstBlockIsPreActivated
  }

  /// Reads the options of a block.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.strictContainer(keyedBy: Key.self)
    self.init(
      kind: try values.decode(Kind.self, forKey: .kind),
      order: try values.decode(Order.self, forKey: .order),
      stridedConvolution: try values.decode(
        StridedConvolution.self, forKey: .stridedConvolution),
      stridedBlock: try values.decode(StridedBlock.self, forKey: .stridedBlock),
      hasInnerBiases: try values.decode(Bool.self, forKey: .hasInnerBiases),
      omitsSpatialBias: try values.decodeIfPresent(Bool.self, forKey: .omitsSpatialBias) ?? false,
      hasLastBias: try values.decode(Bool.self, forKey: .hasLastBias),
      firstBlockIsPreActivated: try values.decodeIfPresent(
        Bool.self, forKey: .firstBlockIsPreActivated) ?? true)
  }

  /// Writes the options of a block.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(kind, forKey: .kind)
    try values.encode(order, forKey: .order)
    try values.encode(stridedConvolution, forKey: .stridedConvolution)
    try values.encode(stridedBlock, forKey: .stridedBlock)
    try values.encode(hasInnerBiases, forKey: .hasInnerBiases)
    try values.encode(omitsSpatialBias, forKey: .omitsSpatialBias, unless: false)
    try values.encode(hasLastBias, forKey: .hasLastBias)
    try values.encode(firstBlockIsPreActivated, forKey: .firstBlockIsPreActivated, unless: true)
  }
}

extension Configuration.Stage: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case blocks, innerChannels, outputChannels, stride, dilation
  }

  /// Reads a stage.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.strictContainer(keyedBy: Key.self)
    self.init(
      blocks: try values.decode(Int.self, forKey: .blocks),
      innerChannels: try values.decode(Int.self, forKey: .innerChannels),
      outputChannels: try values.decode(Int.self, forKey: .outputChannels),
      stride: try values.decode(Int.self, forKey: .stride),
      dilation: try values.decodeIfPresent(Int.self, forKey: .dilation) ?? 1)
  }

  /// Writes the stage.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(blocks, forKey: .blocks)
    try values.encode(innerChannels, forKey: .innerChannels)
    try values.encode(outputChannels, forKey: .outputChannels)
    try values.encode(stride, forKey: .stride)
    try values.encode(dilation, forKey: .dilation, unless: 1)
  }
}

extension Configuration.Shortcut: Decodable {
  private enum Key: String, CodingKey, CaseIterable {
    case placement, input, kind, hasBias
  }

  /// Reads the options of a shortcut.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.strictContainer(keyedBy: Key.self)
    self.init(
      placement: try values.decode(Placement.self, forKey: .placement),
      input: try values.decode(Input.self, forKey: .input),
      kind: try values.decode(Kind.self, forKey: .kind),
      hasBias: try values.decode(Bool.self, forKey: .hasBias))
  }
}

extension Configuration.Norm: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case batch, group
  }

  private struct Settings: Codable {
    var count: Int?
    var epsilon: Double

    enum CodingKeys: String, CodingKey, CaseIterable {
      case count, epsilon
    }

    init(count: Int? = nil, epsilon: Double) {
      (self.count, self.epsilon) = (count, epsilon)
    }

    init(from decoder: any Decoder) throws {
      let values = try decoder.strictContainer(keyedBy: CodingKeys.self)
      count = try values.decodeIfPresent(Int.self, forKey: .count)
      epsilon = try values.decode(Double.self, forKey: .epsilon)
    }
  }

  /// Reads a norm.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.strictContainer(keyedBy: Key.self)
    let key = try values.onlyKey()
    let settings = try values.decode(Settings.self, forKey: key)
    switch (key, settings.count) {
    case (.batch, nil): self = .batch(epsilon: settings.epsilon)
    case (.group, let count?): self = .group(count: count, epsilon: settings.epsilon)
    default:
      throw DecodingError.dataCorruptedError(
        forKey: key, in: values, debugDescription: "only a group norm has a count")
    }
  }

  /// Writes the norm.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    switch self {
    case .batch(let epsilon):
      try values.encode(Settings(epsilon: epsilon), forKey: .batch)
    case .group(let count, let epsilon):
      try values.encode(Settings(count: count, epsilon: epsilon), forKey: .group)
    }
  }
}

import Tensors

extension Configuration.Head: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case hasPooling, classes, hasSoftmax
    case pooling, layers
  }

  /// Whether version 1.0 of the file format can say it: the mean over the image and a dense layer with
  /// bias, perhaps with a softmax; or less.
  var isPlainClassifier: Bool {
    self
      == Configuration.Head(
        hasPooling: pooling != .none, classes: classes, hasSoftmax: lastActivation == .softmax)
      && (pooling == .average || layers.isEmpty) && (classes > 0 || layers.isEmpty)
  }

  /// Reads a head: three keys for a plain classifier, or else the pooling and the layers.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.strictContainer(keyedBy: Key.self)
    let isPlain = !values.contains(.pooling) && !values.contains(.layers)
    guard isPlain else {
      let known = try decoder.strictContainer(keyedBy: GeneralKey.self)
      self.init(
        pooling: try known.decode(Pooling.self, forKey: .pooling),
        layers: try known.decode([Layer].self, forKey: .layers))
      return
    }
    let hasPooling = try values.decode(Bool.self, forKey: .hasPooling)
    let classes = try values.decode(Int.self, forKey: .classes)
    let hasSoftmax = try values.decode(Bool.self, forKey: .hasSoftmax)
    guard (0...Configuration.maximumExtent).contains(classes) else {
      throw DecodingError.dataCorruptedError(
        forKey: .classes, in: values,
        debugDescription: "the number of classes is \(classes)")
    }
    guard hasPooling || classes == 0, classes > 0 || !hasSoftmax else {
      throw DecodingError.dataCorruptedError(
        forKey: .classes, in: values,
        debugDescription: "a dense head needs pooled features, and a softmax needs classes")
    }
    self.init(hasPooling: hasPooling, classes: classes, hasSoftmax: hasSoftmax)
  }

  private enum GeneralKey: String, CodingKey, CaseIterable {
    case pooling, layers
  }

  /// Writes the head.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    if isPlainClassifier {
      try values.encode(pooling == .average, forKey: .hasPooling)
      try values.encode(classes, forKey: .classes)
      try values.encode(lastActivation == .softmax, forKey: .hasSoftmax)
    } else {
      try values.encode(pooling, forKey: .pooling)
      try values.encode(layers, forKey: .layers)
    }
  }
}

extension Configuration.Head.Pooling: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case flatten
  }

  private enum FlattenKey: String, CodingKey, CaseIterable {
    case height, width, channelsFirst
  }

  /// Reads a pooling: a word, or an object for what has a size.
  public init(from decoder: any Decoder) throws {
    if let word = try? decoder.singleValueContainer().decode(String.self) {
      switch word {
      case "average": self = .average
      case "max": self = .max
      case "none": self = .none
      default: throw decoder.corrupted("\(word) is no pooling")
      }
      return
    }
    let values = try decoder.strictContainer(keyedBy: Key.self)
    let size = try values.superDecoder(forKey: .flatten).strictContainer(keyedBy: FlattenKey.self)
    self = .flatten(
      height: try size.decode(Int.self, forKey: .height),
      width: try size.decode(Int.self, forKey: .width),
      channelsFirst: try size.decode(Bool.self, forKey: .channelsFirst))
  }

  /// Writes the pooling.
  public func encode(to encoder: any Encoder) throws {
    var word = encoder.singleValueContainer()
    switch self {
    case .average: try word.encode("average")
    case .max: try word.encode("max")
    case .none: try word.encode("none")
    case .flatten(let height, let width, let channelsFirst):
      var values = encoder.container(keyedBy: Key.self)
      var size = values.nestedContainer(keyedBy: FlattenKey.self, forKey: .flatten)
      try size.encode(height, forKey: .height)
      try size.encode(width, forKey: .width)
      try size.encode(channelsFirst, forKey: .channelsFirst)
    }
  }
}

extension Configuration.Head.Layer: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case dense, norm, activation
  }

  private enum DenseKey: String, CodingKey, CaseIterable {
    case outputs, hasBias
  }

  private enum NormKey: String, CodingKey, CaseIterable {
    case kind, hasScale, hasShift
  }

  /// Reads a layer: an object with one key, its kind.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.strictContainer(keyedBy: Key.self)
    let key = try values.onlyKey()
    switch key {
    case .dense:
      let dense = try values.superDecoder(forKey: key).strictContainer(keyedBy: DenseKey.self)
      self = .dense(
        outputs: try dense.decode(Int.self, forKey: .outputs),
        hasBias: try dense.decode(Bool.self, forKey: .hasBias))
    case .norm:
      let norm = try values.superDecoder(forKey: key).strictContainer(keyedBy: NormKey.self)
      self = .norm(
        try norm.decode(Configuration.Norm.self, forKey: .kind),
        hasScale: try norm.decode(Bool.self, forKey: .hasScale),
        hasShift: try norm.decode(Bool.self, forKey: .hasShift))
    case .activation:
      self = .activation(try values.decode(ActivationFunction.self, forKey: key))
    }
  }

  /// Writes the layer.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    switch self {
    case .dense(let outputs, let hasBias):
      var dense = values.nestedContainer(keyedBy: DenseKey.self, forKey: .dense)
      try dense.encode(outputs, forKey: .outputs)
      try dense.encode(hasBias, forKey: .hasBias)
    case .norm(let kind, let hasScale, let hasShift):
      var norm = values.nestedContainer(keyedBy: NormKey.self, forKey: .norm)
      try norm.encode(kind, forKey: .kind)
      try norm.encode(hasScale, forKey: .hasScale)
      try norm.encode(hasShift, forKey: .hasShift)
    case .activation(let activation):
      try values.encode(activation, forKey: .activation)
    }
  }
}

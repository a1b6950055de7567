extension Configuration.Stem: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case convolutions, hasNorm, poolPadding, pool
  }

  /// Whether the pool is the 3×3 with stride 2 that version 1.0 of the file format knows.
  var hasUsualPool: Bool {
    pool.map { $0 == Pool(padding: $0.padding) && $0.padding != .valid } ?? false
  }

  /// Reads a stem: the padding of the usual pool, or else the pool itself, or `none`.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.strictContainer(keyedBy: Key.self)
    guard values.contains(.poolPadding) != values.contains(.pool) else {
      throw DecodingError.dataCorruptedError(
        forKey: .pool, in: values, debugDescription: "either poolPadding or pool is expected")
    }
    self.init(
      convolutions: try values.decode([Convolution].self, forKey: .convolutions),
      hasNorm: try values.decode(Bool.self, forKey: .hasNorm),
      pool: values.contains(.pool)
        ? try Self.pool(in: values)
        : Pool(padding: try values.decode(PoolPadding.self, forKey: .poolPadding)))
  }

  /// The pool of a stem that has another than the usual one: `none`, or its window.
  private static func pool(in values: KeyedDecodingContainer<Key>) throws -> Pool? {
    if let word = try? values.decode(String.self, forKey: .pool) {
      guard word == "none" else {
        throw DecodingError.dataCorruptedError(
          forKey: .pool, in: values, debugDescription: "\(word) is no pool")
      }
      return nil
    }
    return try values.decode(Pool.self, forKey: .pool)
  }

  /// Writes the stem.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(convolutions, forKey: .convolutions)
    try values.encode(hasNorm, forKey: .hasNorm)
    guard let pool else { return try values.encode("none", forKey: .pool) }
    if hasUsualPool {
      try values.encode(pool.padding, forKey: .poolPadding)
    } else {
      try values.encode(pool, forKey: .pool)
    }
  }
}

extension Configuration.Stem.Convolution: Decodable {
  private enum Key: String, CodingKey, CaseIterable {
    case kernel, stride, outputChannels, hasBias
  }

  /// Reads a convolution.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.strictContainer(keyedBy: Key.self)
    self.init(
      kernel: try values.decode(Int.self, forKey: .kernel),
      stride: try values.decode(Int.self, forKey: .stride),
      outputChannels: try values.decode(Int.self, forKey: .outputChannels),
      hasBias: try values.decode(Bool.self, forKey: .hasBias))
  }
}

extension Configuration.Stem.Pool: Decodable {
  private enum Key: String, CodingKey, CaseIterable {
    case size, stride, padding
  }

  /// Reads a pool.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.strictContainer(keyedBy: Key.self)
    self.init(
      size: try values.decode(Int.self, forKey: .size),
      stride: try values.decode(Int.self, forKey: .stride),
      padding: try values.decode(Configuration.Stem.PoolPadding.self, forKey: .padding))
  }
}

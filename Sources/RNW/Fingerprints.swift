import FoundationEssentials

/// What a file keeps of the values that its layers had on the probe of its certificate, so that the file alone finds the
/// first wrong layer of any engine.
///
/// ```swift
/// let file = try RNWFile(path: "resnet50v2.rnw")
/// if let fingerprints = try file.fingerprints() {
///   let check = fingerprints.check(activations)  // [String: TensorData], from the engine
///   print(check.firstWrong?.name ?? "all agree")
/// }
/// ```
public struct Fingerprints: Sendable {
  /// The layers, in the order in which they are computed.
  public let layers: [Layer]

  private let canonicalIndices: [String: Int]
  private let familyIndices: [String: Int]

  /// What is kept of a layer.
  public struct Layer: Sendable {
    /// The canonical name, such as `stage1.block1.norm1`.
    public let name: String
    /// What the family calls the layer; `nil` where it has no such layer, or the file does not say.
    public let familyName: String?
    /// The shape of its value for one image: [1, H, W, C], or [1, C].
    public var dimensions: [Int] { shape.dimensions }
    /// The largest error that it may have.
    ///
    /// It is the certificate's limit, but for functions that multiply the differences of what they read.
    public let limit: Double

    let shape: LayerShape
    /// `nil` where the values cannot be told by one, as some are not finite.
    let fingerprint: Fingerprint?
  }

  /// The layer of a canonical name, or of the family's; `nil` where there is none.
  public func layer(named name: String) -> Layer? {
    (canonicalIndices[name] ?? familyIndices[name]).map { layers[$0] }
  }
}

// MARK: - As a record

extension Fingerprints {
  /// What stands in the certificate.
  package struct Record: Codable, Sendable {
    /// The bytes of every layer's fingerprint, in the order in which layers are computed, in base64.
    package var sums: String
    /// For each layer in that order the place of its name among all names, sorted by their bytes: two bytes each, in base64.
    package var order: String
    /// The shapes of the layers by name; absent where they are those that were compared.
    package var layers: [String: [Int]]?
    /// What the family calls the layers, in that order, empty where it has no such layer; absent where no name is known.
    package var names: [String]?
    /// The limits of the layers that have one of their own, by name; absent where none has.
    package var limits: [String: Double]?
  }

  /// Reads the record of a certificate.
  ///
  /// - Parameter compared: the shapes of the compared layers.
  /// - Returns: `nil` where the record is none that a conversion writes.
  init?(_ record: Record, compared: [String: [Int]]?, limit: Double) {
    guard let shapes = record.layers ?? compared, !shapes.isEmpty,
      shapes.count <= Self.maximumCount,
      let order = Self.bytes(record.order), order.count == 2 * shapes.count,
      let sums = Self.bytes(record.sums), sums.count == Fingerprint.byteCount * shapes.count,
      record.names.map({ $0.count == shapes.count }) ?? true,
      record.limits?.allSatisfy({ shapes[$0] != nil && $1.isFinite && $1 >= 0 }) ?? true
    else { return nil }
    let sorted = shapes.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    var layers: [Layer] = []
    for index in sorted.indices {
      let place = Int(order[2 * index]) | Int(order[2 * index + 1]) << 8
      guard place < sorted.count, let shape = shapes[sorted[place]].flatMap(LayerShape.init) else {
        return nil
      }
      let own = record.names?[index] ?? ""
      let start = Fingerprint.byteCount * index
      layers.append(
        Layer(
          name: sorted[place], familyName: own.isEmpty ? nil : own,
          limit: record.limits?[sorted[place]] ?? limit, shape: shape,
          fingerprint: Fingerprint(bytes: sums[start..<start + Fingerprint.byteCount])))
    }
    guard Set(layers.map(\.name)).count == layers.count else { return nil }
    self.layers = layers
    let named = layers.enumerated()
    canonicalIndices = Dictionary(uniqueKeysWithValues: named.map { ($1.name, $0) })
    familyIndices = Dictionary(named.compactMap { i, l in l.familyName.map { ($0, i) } }) {
      first, _ in
      first
    }
  }

  /// What a name says.
  enum Meaning: Hashable {
    /// One layer's canonical name.
    case canonical(Int)
    /// What the family calls a layer.
    case family(Int)
    /// The canonical name of one layer, and what the family calls another.
    case both(canonical: Int, family: Int)
  }

  /// Which layer a name is of; `nil` where there is none.
  func meaning(of name: String) -> Meaning? {
    switch (canonicalIndices[name], familyIndices[name]) {
    case (let canonical?, let family?) where canonical != family:
      .both(canonical: canonical, family: family)
    case (let index?, _): .canonical(index)
    case (nil, let index?): .family(index)
    case (nil, nil): nil
    }
  }

  /// The record of fingerprints in the order in which the layers are computed; `nil` for more layers than can be told.
  package static func record(
    of layers: [(name: String, familyName: String?, shape: [Int], fingerprint: Fingerprint)],
    compared: [String: [Int]], limits: [String: Double] = [:]
  ) -> Record? {
    guard !layers.isEmpty, layers.count <= maximumCount else { return nil }
    let sorted = layers.map(\.name).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let places = Dictionary(uniqueKeysWithValues: zip(sorted, sorted.indices))
    let order = layers.flatMap { layer -> [UInt8] in
      let place = places[layer.name] ?? 0
      return [UInt8(truncatingIfNeeded: place), UInt8(truncatingIfNeeded: place >> 8)]
    }
    let shapes = Dictionary(uniqueKeysWithValues: layers.map { ($0.name, $0.shape) })
    return Record(
      sums: Data(layers.flatMap(\.fingerprint.bytes)).base64EncodedString(),
      order: Data(order).base64EncodedString(), layers: shapes == compared ? nil : shapes,
      names: layers.contains { $0.familyName != nil } ? layers.map { $0.familyName ?? "" } : nil,
      limits: limits.isEmpty ? nil : limits)
  }

  /// How many bytes a layer takes in the record at most, without names and shapes.
  package static let bytesPerLayer = 72

  private static let maximumCount = 1 << 16

  /// The bytes of a text that is exactly their base64.
  private static func bytes(_ text: String) -> [UInt8]? {
    guard let data = Data(base64Encoded: text), data.base64EncodedString() == text else {
      return nil
    }
    return [UInt8](data)
  }
}

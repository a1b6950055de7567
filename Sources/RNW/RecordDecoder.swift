import Safetensors

/// Decodes a record of a file: one reading of every number, and nothing that another language would
/// read otherwise.
///
/// A whole number has neither point nor exponent; a float may also be `"inf"`, `"-inf"` or `"nan"`.
struct RecordDecoder: Decoder {
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  private let value: RecordValue

  /// The record of a JSON text.
  ///
  /// - Throws: `DecodingError` or ``FormatFault`` where the text is not exactly that.
  static func decode<Record: Decodable>(
    _ type: Record.Type = Record.self, from value: RecordValue
  ) throws -> Record {
    try RecordDecoder(value, path: []).decode(type)
  }

  fileprivate init(_ value: RecordValue, path: [any CodingKey]) {
    self.value = value
    codingPath = path
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard case .object(let pairs) = value else { throw mismatch("an object") }
    return KeyedDecodingContainer(KeyedRecord(pairs, path: codingPath))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard case .list(let values) = value else { throw mismatch("a list") }
    return RecordList(values, path: codingPath)
  }

  func singleValueContainer() -> any SingleValueDecodingContainer { SingleRecord(decoder: self) }

  /// The value as a type.
  fileprivate func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    let result: Any? =
      switch type {
      case is String.Type: text
      case is Bool.Type: flag
      case is Double.Type: float(Double.self)
      case is Float.Type: float(Float.self)
      case let integer as any (FixedWidthInteger & Decodable).Type: whole(integer)
      default: try Value(from: self)
      }
    guard let result = result as? Value else { throw mismatch(Self.words(for: type)) }
    return result
  }

  private static func words(for type: any Any.Type) -> String {
    switch type {
    case is String.Type: "a text"
    case is Bool.Type: "true or false"
    case is Double.Type, is Float.Type: "a number"
    default: "a whole number"
    }
  }

  private var text: String? {
    if case .text(let text) = value { return text }
    return nil
  }

  private var flag: Bool? {
    if case .flag(let flag) = value { return flag }
    return nil
  }

  private func whole<Whole: FixedWidthInteger>(_ type: Whole.Type) -> Whole? {
    guard case .number(let digits) = value, digits != "-0" else { return nil }
    return Whole(digits)
  }

  private func float<Number: BinaryFloatingPoint & LosslessStringConvertible>(
    _ type: Number.Type
  ) -> Number? {
    switch value {
    case .number(let digits): Number(digits).flatMap { $0.isFinite ? $0 : nil }
    case .text("inf"): .infinity
    case .text("-inf"): -.infinity
    case .text("nan"): .nan
    default: nil
    }
  }

  private func mismatch(_ expected: String) -> DecodingError {
    DecodingError.dataCorrupted(
      .init(codingPath: codingPath, debugDescription: "\(expected) was expected"))
  }
}

/// The values of an object.
private struct KeyedRecord<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let codingPath: [any CodingKey]
  private let values: [String: RecordValue]
  private let keys: [String]

  init(_ pairs: [(key: String, value: RecordValue)], path: [any CodingKey]) {
    values = Dictionary(pairs.map { ($0, $1) }) { first, _ in first }
    keys = pairs.map(\.key)
    codingPath = path
  }

  var allKeys: [Key] { keys.compactMap { Key(stringValue: $0) } }

  func contains(_ key: Key) -> Bool { values[key.stringValue] != nil }

  // There is no null.
  func decodeNil(forKey key: Key) throws -> Bool { false }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    try decoder(for: key).decode(type)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    try decoder(for: key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try decoder(for: key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder {
    RecordDecoder(
      .object(keys.compactMap { key in values[key].map { (key, $0) } }), path: codingPath)
  }

  func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(for: key) }

  private func decoder(for key: Key) throws -> RecordDecoder {
    guard let value = values[key.stringValue] else {
      throw DecodingError.keyNotFound(
        key, .init(codingPath: codingPath, debugDescription: "\(key.stringValue) was expected"))
    }
    return RecordDecoder(value, path: codingPath + [key])
  }
}

/// The values of a list.
private struct RecordList: UnkeyedDecodingContainer {
  let codingPath: [any CodingKey]
  private(set) var currentIndex = 0
  private let values: [RecordValue]

  init(_ values: [RecordValue], path: [any CodingKey]) {
    self.values = values
    codingPath = path
  }

  var count: Int? { values.count }
  var isAtEnd: Bool { currentIndex == values.count }

  func decodeNil() -> Bool { false }

  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    try next().decode(type)
  }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> {
    try next().container(keyedBy: type)
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try next().unkeyedContainer()
  }

  mutating func superDecoder() throws -> any Decoder { try next() }

  private mutating func next() throws -> RecordDecoder {
    let path = codingPath + [Index(intValue: currentIndex)]
    guard !isAtEnd else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: path, debugDescription: "one more value was expected"))
    }
    defer { currentIndex += 1 }
    return RecordDecoder(values[currentIndex], path: path)
  }

  private struct Index: CodingKey {
    let intValue: Int?
    var stringValue: String { intValue.map(String.init) ?? "" }

    init(intValue: Int) { self.intValue = intValue }
    init?(stringValue: String) { nil }
  }
}

/// A value by itself.
private struct SingleRecord: SingleValueDecodingContainer {
  let decoder: RecordDecoder
  var codingPath: [any CodingKey] { decoder.codingPath }

  func decodeNil() -> Bool { false }
  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoder.decode(type) }
}

import Files

/// The fields of a message of protocol buffers, one after the other; every read is checked against what is left.
///
/// `nil` means that the message is damaged, or at its end where ``isAtEnd`` is true.
struct ProtocolBuffer<Bytes: RandomAccessCollection<UInt8>>
where Bytes.Index == Int, Bytes.SubSequence == Bytes {
  private let bytes: Bytes
  private var index: Int

  init(_ bytes: Bytes) {
    self.bytes = bytes
    index = bytes.startIndex
  }

  /// Whether nothing is left.
  var isAtEnd: Bool { index == bytes.endIndex }

  /// What stands in a field.
  enum Value {
    case number(UInt64)
    /// A text, a message or packed numbers: a part of the message's own bytes.
    case bytes(Bytes)

    /// The number, as one that is not negative.
    var count: Int? {
      if case .number(let value) = self { return Int(exactly: value) }
      return nil
    }

    var slice: Bytes? {
      if case .bytes(let slice) = self { return slice }
      return nil
    }

    var text: String? { slice.flatMap { String(validating: $0, as: UTF8.self) } }
  }

  /// The next field.
  mutating func next() -> (field: Int, value: Value)? {
    guard let key = readNumber(), let field = Int(exactly: key >> 3), field > 0 else { return nil }
    switch key & 7 {
    case 0: return readNumber().map { (field, .number($0)) }
    case 1: return read(count: 8).map { (field, .number(Self.littleEndian($0))) }
    case 2:
      guard let count = readCount(), let slice = read(count: count) else { return nil }
      return (field, .bytes(slice))
    case 5: return read(count: 4).map { (field, .number(Self.littleEndian($0))) }
    default: return nil
    }
  }

  /// All fields of a message; `nil` where it is damaged.
  static func fields(_ bytes: Bytes) -> [(field: Int, value: Value)]? {
    var message = ProtocolBuffer(bytes)
    var fields: [(field: Int, value: Value)] = []
    while !message.isAtEnd {
      guard let field = message.next() else { return nil }
      fields.append(field)
    }
    return fields
  }

  // MARK: - Parts

  /// A number of variable length, of at most ten bytes.
  mutating func readNumber() -> UInt64? {
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while shift < 70, let byte = readByte() {
      if shift == 63, byte > 1 { return nil }
      result |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return result }
      shift += 7
    }
    return nil
  }

  /// Such a number as an `Int`.
  mutating func readCount() -> Int? { readNumber().flatMap { Int(exactly: $0) } }

  mutating func readByte() -> UInt8? {
    guard index < bytes.endIndex else { return nil }
    defer { index += 1 }
    return bytes[index]
  }

  mutating func read(count: Int) -> Bytes? {
    guard count >= 0, count <= bytes.endIndex - index else { return nil }
    defer { index += count }
    return bytes[index..<index + count]
  }

  private static func littleEndian(_ bytes: Bytes) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

/// A range of a file as bytes that are read where they lie.
struct FileBytes: RandomAccessCollection {
  let file: MappedFile
  let startIndex: Int
  let endIndex: Int

  init(_ file: MappedFile) {
    self.init(file, 0..<file.count)
  }

  private init(_ file: MappedFile, _ range: Range<Int>) {
    (self.file, startIndex, endIndex) = (file, range.lowerBound, range.upperBound)
  }

  subscript(index: Int) -> UInt8 {
    precondition(startIndex <= index && index < endIndex)
    return file.withUnsafeBytes { $0[index] }
  }

  subscript(bounds: Range<Int>) -> FileBytes {
    precondition(startIndex <= bounds.lowerBound && bounds.upperBound <= endIndex)
    return FileBytes(file, bounds)
  }
}

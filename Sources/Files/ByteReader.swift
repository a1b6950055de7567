/// A cursor over untrusted bytes: every read is checked against what is left.
///
/// `nil` means that the bytes ended too early; nothing is consumed then.
package struct ByteReader: Sendable {
  private let bytes: [UInt8]

  /// The number of bytes read so far.
  package private(set) var offset = 0

  /// Starts at the first byte.
  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// The number of bytes left.
  package var remaining: Int { bytes.count - offset }

  /// Reads a little-endian unsigned integer.
  package mutating func read<Value: FixedWidthInteger & UnsignedInteger>(
    _ type: Value.Type = Value.self
  ) -> Value? {
    let width = Value.bitWidth / 8
    guard remaining >= width else { return nil }
    var value: Value = 0
    for index in 0..<width {
      value |= Value(bytes[offset + index]) << Value(8 * index)
    }
    offset += width
    return value
  }

  /// Reads so many bytes.
  package mutating func read(count: Int) -> ArraySlice<UInt8>? {
    guard count >= 0, count <= remaining else { return nil }
    defer { offset += count }
    return bytes[offset..<offset + count]
  }

  /// Reads so many bytes as UTF-8 text; `nil` too where they are none.
  package mutating func readText(count: Int) -> String? {
    guard count >= 0, count <= remaining,
      let text = String(validating: bytes[offset..<offset + count], as: UTF8.self)
    else { return nil }
    offset += count
    return text
  }

  /// Passes over so many bytes.
  package mutating func skip(_ count: Int) -> Bool {
    guard count >= 0, count <= remaining else { return false }
    offset += count
    return true
  }
}

/// The fields of a message of protocol buffers, written one after the other.
struct WireBytes {
  private(set) var bytes: [UInt8] = []

  mutating func number(_ field: Int, _ value: Int) {
    append(UInt64(field) << 3)
    append(UInt64(bitPattern: Int64(value)))
  }

  mutating func float(_ field: Int, _ value: Float) {
    append(UInt64(field) << 3 | 5)
    for byte in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> (8 * byte))) }
  }

  mutating func text(_ field: Int, _ text: String) {
    head(field, text.utf8.count)
    bytes += text.utf8
  }

  mutating func message(_ field: Int, _ message: WireBytes) {
    head(field, message.bytes.count)
    bytes += message.bytes
  }

  /// What stands before so many bytes.
  mutating func head(_ field: Int, _ count: Int) {
    append(UInt64(field) << 3 | 2)
    append(UInt64(count))
  }

  static func headCount(_ field: Int, _ count: Int) -> Int {
    var head = WireBytes()
    head.head(field, count)
    return head.bytes.count
  }

  private mutating func append(_ number: UInt64) {
    var number = number
    while number > 0x7F {
      bytes.append(UInt8(truncatingIfNeeded: number) | 0x80)
      number >>= 7
    }
    bytes.append(UInt8(number))
  }
}

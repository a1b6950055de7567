/// CRC-32C (Castagnoli, the polynomial 0x1EDC6F41), by tables for eight bytes at once.
enum CRC32C {
  /// The checksum of bytes.
  static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var sum = ~UInt32(0)
    var index = 0
    tables.withUnsafeBufferPointer { tables in
      while index + 8 <= bytes.count {
        let word = UInt64(
          littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
        let mixed = word ^ UInt64(sum)
        var next: UInt32 = 0
        for lane in 0..<8 {
          next ^= tables[(7 - lane) << 8 | Int(mixed >> UInt64(8 * lane) & 0xFF)]
        }
        sum = next
        index += 8
      }
      while index < bytes.count {
        sum = tables[Int((sum ^ UInt32(bytes[index])) & 0xFF)] ^ sum >> 8
        index += 1
      }
    }
    return ~sum
  }

  /// The form in which LevelDB and TensorFlow store a checksum, so that checksums of checksums are none by accident.
  static func masked(_ checksum: UInt32) -> UInt32 {
    (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
  }

  /// What a byte becomes with so many zeros after it: 256 entries for each of 0 … 7.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 << 8)
    for byte in 0..<256 {
      var value = UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
      tables[byte] = value
    }
    for index in 256..<tables.count {
      let before = tables[index - 256]
      tables[index] = tables[Int(before & 0xFF)] ^ before >> 8
    }
    return tables
  }()
}

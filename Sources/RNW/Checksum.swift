import CChecksum
import CZlib

/// CRC-32 as zlib, gzip and PNG have it.
package enum Checksum {
  /// The checksum of bytes.
  package static func crc32(of bytes: UnsafeRawBufferPointer) -> UInt32 {
    extend(0, by: bytes)
  }

  /// The checksum of what `checksum` is that of, followed by more bytes.
  package static func extend(_ checksum: UInt32, by bytes: UnsafeRawBufferPointer) -> UInt32 {
    guard let start = bytes.baseAddress else { return checksum }
    // By multiplication where the processor can, which is many times faster than zlib's tables.
    let folded = rnw_crc32_can_fold() != 0 && bytes.count >= 64 ? bytes.count & ~15 : 0
    let sum = folded == 0 ? checksum : rnw_crc32_fold(checksum, start, folded)
    let rest = (start + folded).assumingMemoryBound(to: UInt8.self)
    return UInt32(truncatingIfNeeded: crc32_z(uLong(sum), rest, bytes.count - folded))
  }

  /// The checksum of two parts in one, from those of the parts.
  static func combine(_ first: UInt32, _ second: UInt32, secondCount: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: crc32_combine(uLong(first), uLong(second), secondCount))
  }
}

import CZlib
import Files
import RNW
import Tensors

/// zlib, behind checked sizes.
enum Deflate {
  /// Decodes a raw deflate stream that must give exactly `count` bytes and use all of its input.
  ///
  /// Returns `nil` where it does not: nothing is allocated beyond `count`, whatever the stream
  /// says.
  static func inflate(_ input: UnsafeRawBufferPointer, count: Int) -> [UInt8]? {
    var stream = z_stream()
    guard
      inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { inflateEnd(&stream) }
    var isWhole = false
    // One byte more than is expected, to notice a stream that has too much.
    var output = [UInt8](unsafeUninitializedCapacity: count + 1) { buffer, initialized in
      isWhole = run(&stream, input, buffer)
      initialized = isWhole ? count : 0
    }
    guard isWhole, output.count == count else { return nil }
    output.reserveCapacity(count)
    return output
  }

  /// Decodes the first bytes of a raw deflate stream, at most `count` of them; `nil` where it is damaged
  /// before that.
  static func inflatePrefix(_ input: UnsafeRawBufferPointer, count: Int) -> [UInt8]? {
    var stream = z_stream()
    guard
      inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK,
      let source = input.baseAddress
    else { return nil }
    defer { inflateEnd(&stream) }
    var isRight = false
    let output = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      stream.next_in = UnsafeMutablePointer(mutating: source.assumingMemoryBound(to: UInt8.self))
      stream.avail_in = UInt32(clamping: input.count)
      stream.next_out = buffer.baseAddress
      stream.avail_out = UInt32(clamping: count)
      let status = CZlib.inflate(&stream, Z_SYNC_FLUSH)
      isRight = status == Z_OK || status == Z_STREAM_END
      initialized = isRight ? count - Int(stream.avail_out) : 0
    }
    return isRight ? output : nil
  }

  /// Drives the stream in pieces that fit zlib's 32-bit counters.
  private static func run(
    _ stream: inout z_stream, _ input: UnsafeRawBufferPointer,
    _ output: UnsafeMutableBufferPointer<UInt8>
  ) -> Bool {
    let piece = 1 << 30
    var consumed = 0
    var produced = 0
    while true {
      let available = min(input.count - consumed, piece)
      let room = min(output.count - produced, piece)
      guard let source = input.baseAddress, let target = output.baseAddress, room > 0 else {
        return false
      }
      stream.next_in = UnsafeMutablePointer(
        mutating: source.advanced(by: consumed).assumingMemoryBound(to: UInt8.self))
      stream.avail_in = UInt32(available)
      stream.next_out = target + produced
      stream.avail_out = UInt32(room)
      let status = CZlib.inflate(&stream, Z_NO_FLUSH)
      let used = available - Int(stream.avail_in)
      let made = room - Int(stream.avail_out)
      consumed += used
      produced += made
      switch status {
      case Z_STREAM_END:
        return consumed == input.count && produced == output.count - 1
      case Z_OK where used + made > 0:
        continue
      default:
        return false
      }
    }
  }

  /// The CRC-32 of bytes, and of those that follow them, as zip and gzip have it.
  static func checksum(
    _ bytes: UnsafeRawBufferPointer, then rest: UnsafeRawBufferPointer? = nil
  ) -> UInt32 {
    let first = Checksum.crc32(of: bytes)
    return rest.map { Checksum.extend(first, by: $0) } ?? first
  }

  /// The same of a range of a file.
  ///
  /// Of one that is too large to be held as a whole nothing stays in memory.
  static func checksum(_ range: Range<Int>, of file: MappedFile) -> UInt32 {
    let isLarge = !file.isCopied && file.count > WorkingMemory.whole
    var checksum: UInt32 = 0
    let pieceSize = 8 << 20
    for start in stride(from: range.lowerBound, to: range.upperBound, by: pieceSize) {
      let piece = start..<min(start + pieceSize, range.upperBound)
      checksum = file.withUnsafeBytes {
        Checksum.extend(checksum, by: UnsafeRawBufferPointer(rebasing: $0[piece]))
      }
      if isLarge { file.release(range.lowerBound..<piece.upperBound) }
    }
    return checksum
  }
}

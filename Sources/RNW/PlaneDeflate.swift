import CZlib

/// Raw deflate of one plane, with Huffman codes only: exponents repeat as values, not as sequences.
enum PlaneDeflate {
  /// The deflate stream of a plane, or `nil` where it would not be smaller.
  static func deflate(_ plane: [UInt8]) -> [UInt8]? {
    var stream = z_stream()
    guard
      deflateInit2_(
        &stream, 1, Z_DEFLATED, -MAX_WBITS, 9, Z_HUFFMAN_ONLY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { deflateEnd(&stream) }
    var isWhole = false
    let output = [UInt8](unsafeUninitializedCapacity: plane.count) { buffer, count in
      plane.withUnsafeBufferPointer { input in
        stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.avail_in = UInt32(input.count)
        stream.next_out = buffer.baseAddress
        stream.avail_out = UInt32(buffer.count)
        isWhole = CZlib.deflate(&stream, Z_FINISH) == Z_STREAM_END
      }
      count = isWhole ? buffer.count - Int(stream.avail_out) : 0
    }
    return isWhole ? output : nil
  }

  /// The plane of a deflate stream that gives exactly `count` bytes; `nil` where it does not.
  static func inflate(_ input: UnsafeRawBufferPointer, count: Int) -> [UInt8]? {
    var stream = z_stream()
    guard
      inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { inflateEnd(&stream) }
    var isWhole = false
    let output = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      stream.next_in = UnsafeMutablePointer(
        mutating: input.assumingMemoryBound(to: UInt8.self).baseAddress)
      stream.avail_in = UInt32(input.count)
      stream.next_out = buffer.baseAddress
      stream.avail_out = UInt32(count)
      let status = CZlib.inflate(&stream, Z_FINISH)
      isWhole = status == Z_STREAM_END && stream.avail_out == 0 && stream.avail_in == 0
      initialized = isWhole ? count : 0
    }
    return isWhole ? output : nil
  }
}

/// CRC-32 as zlib, gzip and PNG have it.
enum Checksum {
  /// The checksum of bytes, computed in pieces on several threads where there are many.
  static func crc32(of bytes: UnsafeRawBufferPointer) -> UInt32 {
    UInt32(
      truncatingIfNeeded: crc32_z(
        0, bytes.assumingMemoryBound(to: UInt8.self).baseAddress, bytes.count))
  }
}

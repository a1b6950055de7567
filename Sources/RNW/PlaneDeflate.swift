import CZlib

/// Deflated planes, decoded.
enum PlaneDeflate {
  /// A deflate stream, and where its bytes go: exactly as many as there is room for.
  struct Work {
    let input: UnsafeRawBufferPointer
    let output: UnsafeMutableBufferPointer<UInt8>
  }

  /// Decodes streams; whether each of them gave exactly what it should.
  static func inflate(_ works: [Work]) -> Bool {
    var others: [Work] = []
    var literals: [Work] = []
    var decoders: [LiteralDecoder] = []
    for work in works {
      if let decoder = LiteralDecoder(
        work.input, output: work.output, neighbour: decoders.last)
      {
        literals.append(work)
        decoders.append(decoder)
      } else {
        others.append(work)
      }
    }
    for (work, isDecoded) in zip(literals, LiteralDecoder.decode(decoders)) where !isDecoded {
      others.append(work)
    }
    return others.allSatisfy(inflateByZlib)
  }

  /// Decodes a stream of any kind.
  private static func inflateByZlib(_ work: Work) -> Bool {
    var stream = z_stream()
    guard
      inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return false }
    defer { inflateEnd(&stream) }
    stream.next_in = UnsafeMutablePointer(
      mutating: work.input.assumingMemoryBound(to: UInt8.self).baseAddress)
    stream.avail_in = UInt32(work.input.count)
    stream.next_out = work.output.baseAddress
    stream.avail_out = UInt32(work.output.count)
    let status = CZlib.inflate(&stream, Z_FINISH)
    return status == Z_STREAM_END && stream.avail_out == 0 && stream.avail_in == 0
  }
}

/// Deflate of bytes by Huffman codes only, in one block (RFC 1951): any zlib reads it.
///
/// The exponents of weights repeat as values, not as sequences, so that looking for sequences finds
/// nothing. Codes have at most 11 bits, which costs less than a ten-thousandth, and lets a decoder
/// look up several bytes at once.
struct LiteralEncoder {
  /// The longest code.
  static let longestCode = 11

  /// The symbol that ends a block.
  static let endOfBlock = 256

  /// The number of bytes of the stream.
  let byteCount: Int

  /// The header of the block: its bits, as pieces of a number and its length.
  private let header: [(bits: UInt64, count: UInt64)]

  /// For every byte its code and, from bit 16 on, the code's length; then the end of the block.
  private let codes: [UInt32]

  /// Plans the stream of bytes of which each occurs so many times.
  ///
  /// - Precondition: `histogram` has 256 counts, not all of them 0.
  init(histogram: [Int]) {
    self.init(histogram: histogram, code: Self.code(histogram: histogram))
  }

  /// Plans the streams of several pieces: with one code for all where that costs next to nothing,
  /// because streams of one code are faster to decode, else each with its own.
  ///
  /// - Precondition: each histogram has 256 counts, not all of them 0.
  static func plan(_ histograms: [[Int]]) -> [LiteralEncoder] {
    let own = histograms.map { LiteralEncoder(histogram: $0) }
    guard histograms.count > 1 else { return own }
    let all = (0..<256).map { value in histograms.reduce(0) { $0 + $1[value] } }
    let code = Self.code(histogram: all)
    let shared = histograms.map { LiteralEncoder(histogram: $0, code: code) }
    let bytes = { (plan: [LiteralEncoder]) in plan.reduce(0) { $0 + $1.byteCount } }
    return bytes(shared) - bytes(own) <= bytes(own) / 1024 ? shared : own
  }

  private static func code(histogram: [Int]) -> HuffmanCode {
    HuffmanCode(counts: histogram + [1], limit: longestCode)
  }

  private init(histogram: [Int], code: HuffmanCode) {
    header = Self.header(literalLengths: code.lengths)
    codes = zip(code.codes, code.lengths).map { UInt32($0) | UInt32($1) << 16 }
    var bits = header.reduce(0) { $0 + Int($1.count) } + Int(code.lengths[Self.endOfBlock])
    for (count, length) in zip(histogram, code.lengths) { bits += count * Int(length) }
    byteCount = (bits + 7) / 8
  }

  /// Writes the stream.
  ///
  /// - Precondition: the bytes are those of the histogram, and there is room for ``byteCount`` bytes
  ///   and 8 more.
  func encode(_ bytes: UnsafeBufferPointer<UInt8>, to output: UnsafeMutablePointer<UInt8>) {
    var writer = BitWriter(output)
    for piece in header { writer.write(piece.bits, count: piece.count) }
    codes.withUnsafeBufferPointer { codes in
      var index = 0
      // Four codes are joined before they are written: each alone would wait for the one before.
      while index + 4 <= bytes.count {
        let first = codes[Int(bytes[index])]
        let second = codes[Int(bytes[index &+ 1])]
        let third = codes[Int(bytes[index &+ 2])]
        let fourth = codes[Int(bytes[index &+ 3])]
        let front = Self.join(first, second)
        let back = Self.join(third, fourth)
        writer.write(
          front.bits | back.bits &<< front.count, count: front.count &+ back.count)
        index &+= 4
      }
      while index < bytes.count {
        writer.write(codes[Int(bytes[index])])
        index += 1
      }
      writer.write(codes[Self.endOfBlock])
    }
    writer.finish()
  }

  @inline(__always)
  private static func join(_ first: UInt32, _ second: UInt32) -> (bits: UInt64, count: UInt64) {
    let firstCount = UInt64(first &>> 16)
    return (
      UInt64(first & 0xFFFF) | UInt64(second & 0xFFFF) &<< firstCount,
      firstCount &+ UInt64(second &>> 16)
    )
  }

  // MARK: - Header

  /// The order in which the lengths of the codes of code lengths are written.
  static let lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

  /// What stands before the codes: last block, dynamic codes, and the lengths of all codes.
  private static func header(literalLengths: [UInt8]) -> [(bits: UInt64, count: UInt64)] {
    // Two distance codes of one bit, though none is used: some decoders want a complete code.
    let runs = runs(of: literalLengths + [1, 1])
    var counts = [Int](repeating: 0, count: 19)
    for run in runs { counts[run.symbol] += 1 }
    let code = HuffmanCode(counts: counts, limit: 7)
    let codes = code.codes
    let used = lengthOrder.lastIndex { code.lengths[$0] > 0 } ?? 0
    let written = max(used + 1, 4)
    var pieces: [(bits: UInt64, count: UInt64)] = [
      (1, 1), (2, 2), (0, 5), (1, 5), (UInt64(written - 4), 4),
    ]
    pieces += lengthOrder[..<written].map { (UInt64(code.lengths[$0]), 3) }
    for run in runs {
      pieces.append((UInt64(codes[run.symbol]), UInt64(code.lengths[run.symbol])))
      pieces.append((run.extra, run.extraCount))
    }
    return pieces
  }

  /// Code lengths as deflate abbreviates them.
  private static func runs(
    of lengths: [UInt8]
  ) -> [(symbol: Int, extra: UInt64, extraCount: UInt64)] {
    var result: [(symbol: Int, extra: UInt64, extraCount: UInt64)] = []
    var index = 0
    while index < lengths.count {
      let length = lengths[index]
      var run = lengths[index...].prefix { $0 == length }.count
      index += run
      if length > 0 {
        result.append((Int(length), 0, 0))
        run -= 1
      }
      while run >= 3 {
        if length > 0 {
          let part = min(run, 6)
          result.append((16, UInt64(part - 3), 2))
          run -= part
        } else {
          let part = min(run, 138)
          result.append(part > 10 ? (18, UInt64(part - 11), 7) : (17, UInt64(part - 3), 3))
          run -= part
        }
      }
      for _ in 0..<run { result.append((Int(length), 0, 0)) }
    }
    return result
  }
}

/// Bits that fill bytes from their lowest bit on.
private struct BitWriter {
  private var output: UnsafeMutablePointer<UInt8>
  private var bits: UInt64 = 0
  private var held: UInt64 = 0

  init(_ output: UnsafeMutablePointer<UInt8>) {
    self.output = output
  }

  /// Writes at most 56 bits; the 8 bytes from the current one on may change.
  @inline(__always)
  mutating func write(_ value: UInt64, count: UInt64) {
    bits |= value &<< held
    held &+= count
    UnsafeMutableRawPointer(output).storeBytes(of: bits.littleEndian, as: UInt64.self)
    output += Int(held &>> 3)
    bits &>>= held & 56
    held &= 7
  }

  /// Writes a code with its length.
  mutating func write(_ code: UInt32) {
    write(UInt64(code & 0xFFFF), count: UInt64(code >> 16))
  }

  /// Fills the last byte with zeros.
  func finish() {
    if held > 0 { output.pointee = UInt8(truncatingIfNeeded: bits) }
  }
}

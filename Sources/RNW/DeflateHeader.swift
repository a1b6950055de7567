/// Reads bits from the lowest of each byte on.
///
/// Behind the end of the bytes there are zeros.
struct BitReader {
  private let bytes: UnsafeRawBufferPointer

  /// The number of bits that have been passed over.
  private(set) var offset: Int

  init(_ bytes: UnsafeRawBufferPointer, offset: Int = 0) {
    self.bytes = bytes
    self.offset = offset
  }

  /// The next bits, at most 16, without passing over them.
  func peek(_ count: Int) -> UInt32 {
    var value: UInt32 = 0
    for index in 0..<3 where offset / 8 + index < bytes.count {
      value |= UInt32(bytes[offset / 8 + index]) << UInt32(8 * index)
    }
    return value >> UInt32(offset % 8) & (1 << UInt32(count) - 1)
  }

  /// Passes over bits; false where there are not so many.
  mutating func skip(_ count: Int) -> Bool {
    guard count <= bytes.count * 8 - offset else { return false }
    offset += count
    return true
  }

  /// Takes the next bits, at most 16; `nil` where there are not so many.
  mutating func read(_ count: Int) -> Int? {
    let value = peek(count)
    return skip(count) ? Int(value) : nil
  }
}

/// The header of a deflate block that holds literals only.
enum DeflateHeader {
  /// Reads the lengths of the codes of the literals and of the end of the block.
  ///
  /// `nil` where the block is not the last, not of dynamic codes, has codes for lengths, or is damaged.
  static func literalLengths(_ bits: inout BitReader) -> [UInt8]? {
    guard bits.read(1) == 1, bits.read(2) == 2, bits.read(5) == 0,
      let distances = bits.read(5).map({ $0 + 1 }), let written = bits.read(4).map({ $0 + 4 })
    else { return nil }
    var lengthLengths = [UInt8](repeating: 0, count: 19)
    for symbol in LiteralEncoder.lengthOrder[..<written] {
      guard let length = bits.read(3) else { return nil }
      lengthLengths[symbol] = UInt8(length)
    }
    guard let lengths = lengths(&bits, coded: lengthLengths, count: 257 + distances) else {
      return nil
    }
    return Array(lengths[..<257])
  }

  /// Reads code lengths, themselves coded.
  private static func lengths(
    _ bits: inout BitReader, coded lengths: [UInt8], count: Int
  ) -> [UInt8]? {
    guard HuffmanCode.isComplete(lengths, limit: 7) else { return nil }
    var symbols = [UInt8](repeating: 0, count: 128)
    for (symbol, code) in HuffmanCode.codes(lengths: lengths).enumerated() where lengths[symbol] > 0
    {
      for index in stride(from: Int(code), to: 128, by: 1 << Int(lengths[symbol])) {
        symbols[index] = UInt8(symbol)
      }
    }
    var result: [UInt8] = []
    while result.count < count {
      let symbol = symbols[Int(bits.peek(7))]
      guard bits.skip(Int(lengths[Int(symbol)])) else { return nil }
      switch symbol {
      case ..<16:
        result.append(symbol)
      case 16:
        guard let last = result.last, let extra = bits.read(2) else { return nil }
        result += repeatElement(last, count: extra + 3)
      default:
        guard let extra = bits.read(symbol == 17 ? 3 : 7) else { return nil }
        result += repeatElement(0, count: extra + (symbol == 17 ? 3 : 11))
      }
    }
    return result.count == count ? result : nil
  }
}

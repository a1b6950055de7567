import CPlanes

/// Decodes deflate streams that are one block of literals, as ``LiteralEncoder`` writes them.
///
/// Every other stream is legal too, and left to zlib.
struct LiteralDecoder {
  private let table: LiteralTable
  private let input: UnsafeRawBufferPointer
  private let output: UnsafeMutableBufferPointer<UInt8>

  /// Where the codes begin, in bits.
  private let start: Int

  /// Reads the header of a stream; `nil` where it is of another kind.
  ///
  /// - Parameters:
  ///   - output: what the stream must give exactly.
  ///   - neighbour: another stream, whose table is used again where it has the same header.
  init?(
    _ input: UnsafeRawBufferPointer, output: UnsafeMutableBufferPointer<UInt8>,
    neighbour: LiteralDecoder? = nil
  ) {
    self.input = input
    self.output = output
    if let neighbour, neighbour.hasHeader(of: input) {
      table = neighbour.table
      start = neighbour.start
      return
    }
    var bits = BitReader(input)
    guard let lengths = DeflateHeader.literalLengths(&bits),
      let table = LiteralTable(lengths: lengths)
    else { return nil }
    self.table = table
    start = bits.offset
  }

  /// Whether another stream begins with the same header, bit for bit.
  private func hasHeader(of other: UnsafeRawBufferPointer) -> Bool {
    guard other.count >= start / 8 + 1, input.count >= start / 8 + 1 else { return false }
    let difference = (input[start / 8] ^ other[start / 8]) & (1 << UInt8(start % 8) - 1)
    return difference == 0 && input[..<(start / 8)].elementsEqual(other[..<(start / 8)])
  }

  /// Decodes streams side by side, which takes little more time than one of them.
  ///
  /// Returns whether each was what this decoder is for, to the last bit. Where one was not, its
  /// output holds anything.
  static func decode(_ decoders: [LiteralDecoder]) -> [Bool] {
    var readers = decoders.map {
      LiteralReader($0.input, at: $0.start, table: $0.table, output: $0.output)
    }
    withExtendedLifetime(decoders) { LiteralReader.read(&readers) }
    return zip(decoders, readers).map { $0.finish($1) }
  }

  /// Decodes the last bytes one by one, up to the end of the block, of the stream and of the output.
  private func finish(_ reader: LiteralReader) -> Bool {
    var bits = BitReader(input, offset: reader.bitOffset(in: input))
    for index in reader.byteCount(in: output)..<output.count {
      guard let byte = table.symbol(&bits), byte < LiteralEncoder.endOfBlock else { return false }
      output[index] = UInt8(byte)
    }
    guard table.symbol(&bits) == LiteralEncoder.endOfBlock else { return false }
    // What fills the last byte is 0, so that no bit of a stream can change unnoticed.
    let padding = input.count * 8 - bits.offset
    return (0..<8).contains(padding) && bits.peek(padding) == 0
  }
}

/// For the next 11 bits of a stream: up to six bytes that they hold whole.
///
/// An entry has in its lowest 48 bits the bytes, from bit 48 on how many bits their codes take, and from
/// bit 56 on how many they are. The entry for the end of the block is 0: nothing goes on there.
private final class LiteralTable: Sendable {
  static let width = LiteralEncoder.longestCode
  static let mostBytes = 6

  /// The entries for 11 bits.
  nonisolated(unsafe) let entries: UnsafePointer<UInt64>

  // Immutable after `init`, so safe to share.
  nonisolated(unsafe) private let storage: UnsafeMutablePointer<UInt64>
  private let lengths: [UInt8]

  /// `nil` where the codes are too long, or some bits have no meaning.
  init?(lengths: [UInt8]) {
    guard HuffmanCode.isComplete(lengths, limit: Self.width) else { return nil }
    self.lengths = lengths
    let codes = HuffmanCode.codes(lengths: lengths)
    let used = lengths.indices.filter { lengths[$0] > 0 }
    storage = .allocate(capacity: 2 << Self.width)
    storage.initialize(repeating: 0, count: 2 << Self.width)
    entries = UnsafePointer(storage + 1 << Self.width)
    // The table for k bits lies at 2ᵏ. An entry is a byte joined with the entry of the bits left.
    for width in 1...Self.width {
      for symbol in used where lengths[symbol] <= width {
        let length = Int(lengths[symbol])
        let alone = Self.entry(symbol, length: length)
        let target = 1 << width | Int(codes[symbol])
        let rests = 1 << (width - length)
        // The end of the block has no entry: nothing goes on there.
        if alone == 0 { continue }
        for rest in 0..<rests {
          storage[target + rest << length] = Self.join(alone, storage[rests + rest])
        }
      }
    }
  }

  deinit {
    storage.deallocate()
  }

  private static func entry(_ symbol: Int, length: Int) -> UInt64 {
    symbol == LiteralEncoder.endOfBlock ? 0 : 1 << 56 | UInt64(length) << 48 | UInt64(symbol)
  }

  /// A byte and what follows it; the byte alone where that is nothing, full, or the end.
  ///
  /// Without a branch, which would be guessed wrong every other time.
  @inline(__always)
  private static func join(_ alone: UInt64, _ rest: UInt64) -> UInt64 {
    let counts = (alone &>> 48) &+ (rest &>> 48)
    let joined = counts &<< 48 | (rest & 0xFF_FFFF_FFFF) &<< 8 | alone & 0xFF
    return (rest &>> 56) &- 1 < UInt64(mostBytes - 1) ? joined : alone
  }

  /// The next symbol; `nil` where the stream ends before it does.
  func symbol(_ bits: inout BitReader) -> Int? {
    let entry = entries[Int(bits.peek(Self.width))]
    let symbol = entry == 0 ? LiteralEncoder.endOfBlock : Int(entry & 0xFF)
    return bits.skip(Int(lengths[symbol])) ? symbol : nil
  }
}

/// A stream that the loop of ``CPlanes`` decodes: pointers without checks, which ``rounds`` keeps in
/// bounds.
private struct LiteralReader {
  private var stream: rnw_literals
  private let inputEnd: UnsafePointer<UInt8>
  private let outputEnd: UnsafeMutablePointer<UInt8>
  /// The bits before the start, while the byte that they share with it is not yet read.
  private var skipped: UInt64

  /// Starts at a bit of a stream; the table must outlive the reader.
  ///
  /// - Precondition: neither the stream nor the output is empty, and the bit is within the stream.
  init(
    _ stream: UnsafeRawBufferPointer, at offset: Int, table: LiteralTable,
    output: UnsafeMutableBufferPointer<UInt8>
  ) {
    guard let start = stream.baseAddress, let target = output.baseAddress else {
      preconditionFailure("there is a stream and something to decode")
    }
    let input = start.assumingMemoryBound(to: UInt8.self)
    self.stream = rnw_literals(
      entries: table.entries, input: input + offset / 8, output: target, bits: 1)
    inputEnd = input + stream.count
    outputEnd = target + output.count
    skipped = UInt64(offset % 8)
  }

  /// How far the stream is decoded, in bits.
  func bitOffset(in bytes: UnsafeRawBufferPointer) -> Int {
    guard let start = bytes.baseAddress else { return 0 }
    return (UnsafeRawPointer(stream.input) - start) * 8 - held + Int(skipped)
  }

  /// How many bits were read and not yet used: those below the mark.
  private var held: Int { 63 - stream.bits.leadingZeroBitCount }

  /// How many bytes are decoded.
  func byteCount(in buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
    guard let start = buffer.baseAddress else { return 0 }
    return stream.output - start
  }

  /// Decodes streams until each of them is near its end, or at the end of its block.
  static func read(_ readers: inout [LiteralReader]) {
    var active = Array(readers.indices)
    while true {
      active.removeAll { readers[$0].rounds == 0 }
      let together = active.count >= 4 ? 4 : active.count >= 2 ? 2 : active.count
      guard let rounds = active[..<together].map({ readers[$0].rounds }).min() else { return }
      for index in active[..<together] { readers[index].takeFirstByte() }
      var streams = active[..<together].map { readers[$0].stream }
      rnw_literals_read(&streams, streams.count, rounds)
      for (index, stream) in zip(active, streams) { readers[index].stream = stream }
    }
  }

  /// How many rounds stay within the input and the output whatever is decoded; none at the end of
  /// the block.
  private var rounds: Int {
    let reads = (inputEnd - stream.input - Int(RNW_ROUND_READS)) / Int(RNW_ROUND_TAKES)
    let writes = (outputEnd - stream.output - Int(RNW_LOOKUP_WRITES)) / Int(RNW_ROUND_GIVES)
    let isAtEnd = held >= LiteralTable.width && nextEntry == 0
    return isAtEnd ? 0 : max(min(reads, writes), 0)
  }

  private mutating func takeFirstByte() {
    guard skipped > 0 else { return }
    stream.bits = (UInt64(stream.input.pointee) | 1 << 8) &>> skipped
    stream.input += 1
    skipped = 0
  }

  /// The entry of the next bits.
  private var nextEntry: UInt64 {
    stream.entries[Int(truncatingIfNeeded: stream.bits & (1 << UInt64(LiteralTable.width) - 1))]
  }
}

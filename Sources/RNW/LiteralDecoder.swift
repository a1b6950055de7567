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
  /// - Parameter output: what the stream must give exactly.
  init?(_ input: UnsafeRawBufferPointer, output: UnsafeMutableBufferPointer<UInt8>) {
    var bits = BitReader(input)
    guard let lengths = DeflateHeader.literalLengths(&bits),
      let table = LiteralTable(lengths: lengths)
    else { return nil }
    self.table = table
    self.input = input
    self.output = output
    start = bits.offset
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
/// An entry has in bits 0 to 5 how many bits the codes of its bytes take, from bit 8 on the bytes, and
/// from bit 56 on how many they are. The entry for the end of the block is 0: nothing goes on there.
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
    symbol == LiteralEncoder.endOfBlock ? 0 : 1 << 56 | UInt64(symbol) << 8 | UInt64(length)
  }

  /// A byte and what follows it; the byte alone where that is nothing, full, or the end.
  @inline(__always)
  private static func join(_ alone: UInt64, _ rest: UInt64) -> UInt64 {
    let count = rest >> 56
    guard alone != 0, count > 0, count < mostBytes else { return alone }
    let bytes = (rest & 0x0000_FFFF_FFFF_FF00) << 8 | alone & 0xFF00
    return (count + 1) << 56 | bytes | (rest &+ alone) & 0x3F
  }

  /// The next symbol; `nil` where the stream ends before it does.
  func symbol(_ bits: inout BitReader) -> Int? {
    let entry = entries[Int(bits.peek(Self.width))]
    let symbol = entry == 0 ? LiteralEncoder.endOfBlock : Int(entry >> 8 & 0xFF)
    return bits.skip(Int(lengths[symbol])) ? symbol : nil
  }
}

/// The state of the loop that decodes: pointers without checks, which ``rounds`` keeps in bounds.
private struct LiteralReader {
  /// So many codes are within the bits that are there after a refill.
  private static let lookupsPerRound = 56 / LiteralTable.width
  private static let bytesPerRound = lookupsPerRound * LiteralTable.mostBytes

  private var bits: UInt64 = 0
  /// How many bits there are, in the lowest six bits; above those there is anything.
  private var held: UInt64 = 0
  private var input: UnsafeRawPointer
  private var output: UnsafeMutableRawPointer
  private let entries: UnsafePointer<UInt64>
  private let inputEnd: UnsafeRawPointer
  private let outputEnd: UnsafeMutableRawPointer
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
    entries = table.entries
    input = start + offset / 8
    inputEnd = start + stream.count
    self.output = UnsafeMutableRawPointer(target)
    outputEnd = self.output + output.count
    skipped = UInt64(offset % 8)
  }

  /// How far the stream is decoded, in bits.
  func bitOffset(in stream: UnsafeRawBufferPointer) -> Int {
    guard let start = stream.baseAddress else { return 0 }
    return (input - start) * 8 - Int(held & 63) + Int(skipped)
  }

  /// How many bytes are decoded.
  func byteCount(in buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
    guard let start = buffer.baseAddress else { return 0 }
    return UnsafeRawPointer(output) - UnsafeRawPointer(start)
  }

  /// Decodes streams until each of them is near its end, or at the end of its block.
  static func read(_ readers: inout [LiteralReader]) {
    var active = Array(readers.indices)
    while true {
      active.removeAll { readers[$0].rounds == 0 }
      let together = active.count >= 4 ? 4 : active.count >= 2 ? 2 : active.count
      guard let rounds = active[..<together].map({ readers[$0].rounds }).min() else { return }
      for index in active[..<together] { readers[index].takeFirstByte() }
      switch together {
      case 4:
        readFour(&readers, active, rounds: rounds)
      case 2:
        readTwo(&readers, active, rounds: rounds)
      default:
        for _ in 0..<rounds { readers[active[0]].readRound() }
      }
    }
  }

  /// Decodes four streams side by side.
  ///
  /// A lookup waits for the one before it in its stream, but not for those of the other streams.
  private static func readFour(_ readers: inout [LiteralReader], _ active: [Int], rounds: Int) {
    var (a, b) = (readers[active[0]], readers[active[1]])
    var (c, d) = (readers[active[2]], readers[active[3]])
    for _ in 0..<rounds {
      a.refill()
      b.refill()
      c.refill()
      d.refill()
      for _ in 0..<lookupsPerRound {
        a.lookUp()
        b.lookUp()
        c.lookUp()
        d.lookUp()
      }
    }
    (readers[active[0]], readers[active[1]]) = (a, b)
    (readers[active[2]], readers[active[3]]) = (c, d)
  }

  private static func readTwo(_ readers: inout [LiteralReader], _ active: [Int], rounds: Int) {
    var (a, b) = (readers[active[0]], readers[active[1]])
    for _ in 0..<rounds {
      a.refill()
      b.refill()
      for _ in 0..<lookupsPerRound {
        a.lookUp()
        b.lookUp()
      }
    }
    (readers[active[0]], readers[active[1]]) = (a, b)
  }

  /// How many rounds stay within the input and the output whatever is decoded; none at the end of
  /// the block.
  private var rounds: Int {
    // A round reads eight bytes and goes on by at most seven; a lookup writes eight.
    let reads = (inputEnd - input - 8) / 7
    let writes = (outputEnd - output - 8) / Self.bytesPerRound
    let isAtEnd = held & 63 >= LiteralTable.width && nextEntry == 0
    return isAtEnd ? 0 : max(min(reads, writes), 0)
  }

  private mutating func takeFirstByte() {
    guard skipped > 0 else { return }
    bits = UInt64(input.load(as: UInt8.self)) &>> skipped
    held = 8 - skipped
    input += 1
    skipped = 0
  }

  /// The entry of the next bits.
  private var nextEntry: UInt64 {
    @inline(__always) get {
      entries[Int(truncatingIfNeeded: bits & (1 << UInt64(LiteralTable.width) - 1))]
    }
  }

  /// Fills up to at least 56 bits and decodes what they hold.
  private mutating func readRound() {
    refill()
    for _ in 0..<Self.lookupsPerRound { lookUp() }
  }

  @inline(__always)
  private mutating func refill() {
    bits |= UInt64(littleEndian: input.loadUnaligned(as: UInt64.self)) &<< held
    input += Int(truncatingIfNeeded: (held ^ 63) &>> 3 & 7)
    held |= 56
  }

  @inline(__always)
  private mutating func lookUp() {
    let entry = nextEntry
    // A shift takes the lowest six bits of its count, and those of an entry are the bits used.
    bits &>>= entry
    held &-= entry
    output.storeBytes(of: (entry &>> 8).littleEndian, as: UInt64.self)
    output += Int(truncatingIfNeeded: entry &>> 56)
  }
}

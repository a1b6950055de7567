@testable import WeightSources

/// A table of LevelDB as a test makes it, with whatever is wrong in it.
struct MadeTable {
  /// The entries of each block.
  var blocks: [[(key: [UInt8], value: [UInt8])]]
  /// What follows a block's content.
  var kind: UInt8 = 0
  /// Whether checksums are those of the bytes.
  var isSound = true

  init(_ entries: [(String, [UInt8])]) {
    blocks = [entries.map { (Array($0.0.utf8), $0.1) }]
  }

  var bytes: [UInt8] {
    var out: [UInt8] = []
    var root: [(key: [UInt8], value: [UInt8])] = []
    for entries in blocks {
      let block = Self.content(entries)
      root.append(
        (entries.last?.key ?? [], Self.number(out.count) + Self.number(block.count)))
      out += block + trailer(of: block, kind: kind)
    }
    var handles: [UInt8] = []
    for content in [Self.content([]), Self.content(root)] {
      handles += Self.number(out.count) + Self.number(content.count)
      out += content + trailer(of: content, kind: 0)
    }
    return out + handles + [UInt8](repeating: 0, count: 40 - handles.count) + Self.mark
  }

  static let mark: [UInt8] = [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]

  private func trailer(of content: [UInt8], kind: UInt8) -> [UInt8] {
    let sum = (content + [kind]).withUnsafeBytes { CRC32C.masked(CRC32C.checksum($0)) }
    return [kind] + Self.word(isSound ? sum : sum ^ 1)
  }

  /// Entries that share nothing with the ones before, and one restart.
  private static func content(_ entries: [(key: [UInt8], value: [UInt8])]) -> [UInt8] {
    entries.reduce(into: []) { bytes, entry in
      bytes += number(0) + number(entry.key.count) + number(entry.value.count)
      bytes += entry.key + entry.value
    } + word(0) + word(1)
  }

  static func word(_ value: UInt32) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  static func number(_ value: Int) -> [UInt8] {
    var rest = UInt64(bitPattern: Int64(value))
    var bytes: [UInt8] = []
    while rest > 127 {
      bytes.append(UInt8(rest & 127) | 128)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  /// A field of a message: a number.
  static func field(_ number: Int, _ value: Int) -> [UInt8] {
    self.number(number << 3) + self.number(value)
  }

  /// A field of a message: bytes.
  static func field(_ number: Int, _ value: [UInt8]) -> [UInt8] {
    self.number(number << 3 | 2) + self.number(value.count) + value
  }

  static func shape(_ sizes: [Int]) -> [UInt8] { sizes.flatMap { field(2, field(1, $0)) } }
}

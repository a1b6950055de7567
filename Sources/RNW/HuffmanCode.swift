/// A Huffman code whose codes have at most so many bits: the shortest such code for given counts.
struct HuffmanCode {
  /// The number of bits of each symbol's code; 0 for a symbol that does not occur.
  let lengths: [UInt8]

  /// Builds the code by the package-merge method (Larmore and Hirschberg, 1990).
  ///
  /// The same counts give the same code on every machine: ties are decided by the symbols' order.
  ///
  /// - Precondition: at most 2 to the `limit` symbols occur.
  init(counts: [Int], limit: Int) {
    let symbols = counts.indices.filter { counts[$0] > 0 }.sorted {
      (counts[$0], $0) < (counts[$1], $1)
    }
    var lengths = [UInt8](repeating: 0, count: counts.count)
    if let only = symbols.first, symbols.count == 1 { lengths[only] = 1 }
    if symbols.count > 1 {
      let levels = Self.levels(weights: symbols.map { counts[$0] }, count: limit)
      // Of the last list the first 2n − 2 are taken; the packages among them take, each, two of the
      // list before. A symbol's code has a bit for every list from which the symbol is taken.
      var taken = 2 * symbols.count - 2
      for isLeaf in levels.reversed() {
        let leaves = isLeaf[..<taken].count { $0 }
        for symbol in symbols[..<leaves] { lengths[symbol] += 1 }
        taken = 2 * (taken - leaves)
      }
    }
    self.lengths = lengths
  }

  /// For every list of the method, which of its items are leaves rather than packages.
  private static func levels(weights: [Int], count: Int) -> [[Bool]] {
    var packages: [Int] = []
    return (0..<count).map { _ in
      var items: [Int] = []
      var isLeaf: [Bool] = []
      var leaf = 0
      var package = 0
      while leaf < weights.count || package < packages.count {
        let takesLeaf =
          leaf < weights.count
          && (package == packages.count || weights[leaf] <= packages[package])
        items.append(takesLeaf ? weights[leaf] : packages[package])
        isLeaf.append(takesLeaf)
        if takesLeaf { leaf += 1 } else { package += 1 }
      }
      packages = stride(from: 1, to: items.count, by: 2).map { items[$0 - 1] + items[$0] }
      return isLeaf
    }
  }

  /// The codes, bits reversed as deflate writes them.
  var codes: [UInt16] { Self.codes(lengths: lengths) }

  /// The canonical codes of lengths (RFC 1951, 3.2.2), bits reversed.
  static func codes(lengths: [UInt8]) -> [UInt16] {
    var next = [UInt16](repeating: 0, count: 17)
    for length in lengths where length > 0 { next[Int(length) + 1] += 1 }
    for length in 1..<17 { next[length] = (next[length] &+ next[length - 1]) << 1 }
    return lengths.map { length in
      guard length > 0 else { return 0 }
      defer { next[Int(length)] &+= 1 }
      return next[Int(length)].bitReversed >> (16 - UInt16(length))
    }
  }

  /// Whether lengths give a code in which every sequence of bits means something.
  static func isComplete(_ lengths: some Sequence<UInt8>, limit: Int) -> Bool {
    var filled = 0
    for length in lengths where length > 0 {
      guard length <= limit else { return false }
      filled += 1 << (limit - Int(length))
    }
    return filled == 1 << limit
  }
}

extension UInt16 {
  /// The first bit last.
  fileprivate var bitReversed: UInt16 {
    var value = self
    value = value >> 8 | value << 8
    value = value >> 4 & 0x0F0F | value << 4 & 0xF0F0
    value = value >> 2 & 0x3333 | value << 2 & 0xCCCC
    return value >> 1 & 0x5555 | value << 1 & 0xAAAA
  }
}

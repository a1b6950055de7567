/// Snappy's raw format: the length, then literals and copies of what was put out before.
enum Snappy {
  /// A copy of 64 bytes takes three: nothing grows by more.
  private static let mostGrowth = 22

  /// Inflates bytes; `nil` where they are damaged.
  static func inflated(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
    var reader = ProtocolBuffer(bytes)
    guard let length = reader.readCount(), length <= bytes.count * mostGrowth + 64 else {
      return nil
    }
    var result: [UInt8] = []
    result.reserveCapacity(length)
    while let tag = reader.readByte() {
      var count = Int(tag >> 2) + 1
      var distance = 0
      switch tag & 3 {
      case 0:
        if count > 60 {
          guard let more = number(of: count - 60, from: &reader) else { return nil }
          count = more + 1
        }
        guard let literal = reader.read(count: count), literal.count <= length - result.count
        else { return nil }
        result.append(contentsOf: literal)
        continue
      case 1:
        guard let low = reader.readByte() else { return nil }
        count = Int(tag >> 2 & 7) + 4
        distance = Int(tag >> 5) << 8 | Int(low)
      case 2: distance = number(of: 2, from: &reader) ?? 0
      default: distance = number(of: 4, from: &reader) ?? 0
      }
      guard (1...max(result.count, 1)).contains(distance), !result.isEmpty,
        count <= length - result.count
      else { return nil }
      // A copy may read what it writes.
      for _ in 0..<count { result.append(result[result.count - distance]) }
    }
    return result.count == length ? result : nil
  }

  private static func number(of width: Int, from reader: inout ProtocolBuffer<ArraySlice<UInt8>>)
    -> Int?
  {
    reader.read(count: width)?.reversed().reduce(0) { $0 << 8 | Int($1) }
  }
}

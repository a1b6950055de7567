import Files

/// Bytes that a pickle holds.
///
/// Those of arrays are most of a file: they stay there until a tensor is read.
enum PickledBytes: Sendable {
  /// As they stand in the pickle.
  case place(Range<Int>)
  /// As the text in Latin-1 of which they are the codes: protocol 2 has no bytes.
  case latin1(Range<Int>)
  /// The few of a short text.
  case few([UInt8])

  /// The number of bytes; `nil` where a text is none in Latin-1.
  func count(in file: MappedFile) -> Int? {
    switch self {
    case .place(let range): range.count
    case .latin1(let range):
      file.withUnsafeBytes { bytes in
        var count = 0
        return Self.decode(bytes, range) { _ in count += 1 } ? count : nil
      }
    case .few(let bytes): bytes.count
    }
  }

  /// A copy of the bytes; `nil` where the file does not have them.
  func read(from file: MappedFile) -> [UInt8]? {
    switch self {
    case .place(let range): file.bytes(at: range.lowerBound, count: range.count)
    case .latin1(let range):
      file.withUnsafeBytes { bytes in
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        return Self.decode(bytes, range) { result.append($0) } ? result : nil
      }
    case .few(let bytes): bytes
    }
  }

  /// Gives the codes of a text in UTF-8; `false` where one is none of Latin-1, which takes at most two bytes.
  private static func decode(
    _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ body: (UInt8) -> Void
  ) -> Bool {
    guard range.lowerBound >= 0, range.upperBound <= bytes.count else { return false }
    var position = range.lowerBound
    while position < range.upperBound {
      let first = bytes[position]
      position += 1
      guard first >= 0x80 else {
        body(first)
        continue
      }
      guard first == 0xC2 || first == 0xC3, position < range.upperBound,
        bytes[position] & 0xC0 == 0x80
      else { return false }
      body(first << 6 | bytes[position] & 0x3F)
      position += 1
    }
    return true
  }
}

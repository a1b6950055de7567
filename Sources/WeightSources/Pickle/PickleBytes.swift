import Files

/// The bytes of a pickle: some in memory, or those of a file, of which only what is looked at is copied, piece by piece.
struct PickleBytes {
  /// How many there are.
  let count: Int

  private let file: MappedFile?
  private var piece: [UInt8]
  private var start = 0

  private static let pieceBytes = 1 << 16

  init(_ bytes: [UInt8]) {
    (file, piece, count) = (nil, bytes, bytes.count)
  }

  init(_ file: MappedFile) {
    (self.file, piece, count) = (file, [], file.count)
  }

  /// A range of them; `nil` where it does not lie within them.
  mutating func slice(at offset: Int, count: Int) -> ArraySlice<UInt8>? {
    guard offset >= 0, count >= 0, count <= self.count, offset <= self.count - count else {
      return nil
    }
    if offset < start || offset - start > piece.count - count {
      let length = min(max(count, Self.pieceBytes), self.count - offset)
      guard let read = file?.bytes(at: offset, count: length) else { return nil }
      (piece, start) = (read, offset)
    }
    return piece[offset - start..<offset - start + count]
  }
}

/// Reads the parts of which operations are made; each is checked against what is left.
struct PickleReader {
  /// Where the reading stands.
  private(set) var position: Int

  private var bytes: PickleBytes

  /// A longer text is no name; its bytes may be those of an array.
  static let maximumName = 1024

  init(_ bytes: PickleBytes, at position: Int) {
    (self.bytes, self.position) = (bytes, position)
  }

  mutating func byte() throws(PickleMachine.Fault) -> UInt8 {
    guard let byte = try take(1).first else { throw fault("ends too early") }
    return byte
  }

  mutating func take(_ count: Int) throws(PickleMachine.Fault) -> ArraySlice<UInt8> {
    guard let slice = bytes.slice(at: position, count: count) else {
      throw fault("ends too early")
    }
    position += count
    return slice
  }

  /// Goes past some bytes, which stay where they are.
  mutating func pass(_ count: Int) throws(PickleMachine.Fault) -> Range<Int> {
    guard count >= 0, count <= bytes.count - position else { throw fault("ends too early") }
    defer { position += count }
    return position..<position + count
  }

  /// A number without sign, its lowest byte first.
  mutating func number(_ width: Int) throws(PickleMachine.Fault) -> Int {
    let value = try take(width).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard let number = Int(exactly: value) else { throw fault("holds an impossible count") }
    return number
  }

  /// A text up to the end of a line.
  mutating func line() throws(PickleMachine.Fault) -> String {
    let length = min(max(bytes.count - position, 0), Self.maximumName + 1)
    guard let slice = bytes.slice(at: position, count: length),
      let end = slice.firstIndex(of: 0x0A),
      let text = String(validating: slice[..<end], as: UTF8.self)
    else { throw fault("holds a name without an end") }
    position += end - slice.startIndex + 1
    return text
  }

  func fault(_ problem: String) -> PickleMachine.Fault {
    PickleMachine.Fault(problem: problem, offset: max(position - 1, 0))
  }
}

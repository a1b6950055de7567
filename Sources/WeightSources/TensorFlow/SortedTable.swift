import Files

/// A table of LevelDB's format: keys in ascending order, each with a value, in blocks with checksums.
///
/// It is what both forms of TensorFlow's checkpoints are made of.
struct SortedTable {
  private let file: MappedFile

  /// A key and its value.
  struct Entry {
    let key: ArraySlice<UInt8>
    let value: ArraySlice<UInt8>
    /// Where the value's index 0 would stand in the file; `nil` in a compressed block.
    let origin: Int?
  }

  private struct Block {
    let bytes: [UInt8]
    let origin: Int?
  }

  private static let footerBytes = 48
  private static let mark: [UInt8] = [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]

  /// Whether a file ends as such a table does.
  static func isTable(_ file: MappedFile) -> Bool {
    file.count >= footerBytes && file.bytes(at: file.count - 8, count: 8) == mark
  }

  init(_ file: MappedFile) {
    self.file = file
  }

  /// Calls for every entry, in the order of the keys.
  func forEachEntry(_ body: (Entry) throws -> Void) throws {
    var last: [UInt8]?
    for handle in try blockHandles() {
      let block = try self.block(handle)
      try forEachEntry(in: block) { entry in
        if let last, !last.lexicographicallyPrecedes(entry.key) {
          throw fault("has keys out of order", at: handle.offset)
        }
        last = Array(entry.key)
        try body(entry)
      }
    }
  }

  // MARK: - Blocks

  private struct Handle {
    let offset: Int
    let count: Int

    init?(_ reader: inout ProtocolBuffer<ArraySlice<UInt8>>) {
      guard let offset = reader.readCount(), let count = reader.readCount() else { return nil }
      (self.offset, self.count) = (offset, count)
    }
  }

  /// The blocks that the index names: one after the other, none twice.
  private func blockHandles() throws -> [Handle] {
    let start = file.count - Self.footerBytes
    guard start >= 0, let footer = file.bytes(at: start, count: Self.footerBytes - 8) else {
      throw fault("is cut off", at: 0)
    }
    var reader = ProtocolBuffer(footer[...])
    guard let filters = Handle(&reader), let index = Handle(&reader) else {
      throw fault("has a damaged end", at: start)
    }
    // What would speed up a search is not needed, but it must be whole.
    _ = try block(filters)
    var handles: [Handle] = []
    var end = 0
    try forEachEntry(in: block(index)) { entry in
      var reader = ProtocolBuffer(entry.value)
      guard let handle = Handle(&reader), handle.offset >= end else {
        throw fault("has a damaged index", at: index.offset)
      }
      // Whether the sum lies in the file is seen when the block is read.
      end = handle.offset.addingReportingOverflow(handle.count).partialValue
      handles.append(handle)
    }
    return handles
  }

  /// A block's content: what stands there, or what it inflates to.
  private func block(_ handle: Handle) throws -> Block {
    let trailer = 5
    let (count, overflow) = handle.count.addingReportingOverflow(trailer)
    guard !overflow, let bytes = file.bytes(at: handle.offset, count: count) else {
      throw fault("is cut off: a block ends beyond its end", at: handle.offset)
    }
    let stored = bytes[(handle.count + 1)...].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    let sum = bytes.withUnsafeBytes {
      CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[...handle.count]))
    }
    guard CRC32C.masked(sum) == stored else {
      throw InputError(
        .badData, path: file.path, "has a block whose checksum differs from what was written",
        place: "byte \(handle.offset)", reason: .damaged)
    }
    switch bytes[handle.count] {
    case 0: return Block(bytes: Array(bytes[..<handle.count]), origin: handle.offset)
    case 1:
      guard let inflated = Snappy.inflated(bytes[..<handle.count]) else {
        throw fault("has a damaged block of Snappy's", at: handle.offset)
      }
      return Block(bytes: inflated, origin: nil)
    case let kind: throw fault("has a block of the unknown kind \(kind)", at: handle.offset)
    }
  }

  /// Calls for every entry of a block, whose keys share their beginnings with the ones before.
  private func forEachEntry(in block: Block, _ body: (Entry) throws -> Void) throws {
    let bytes = block.bytes
    let damaged = fault("has a damaged block", at: block.origin ?? 0)
    guard bytes.count >= 4 else { throw damaged }
    let restarts = bytes.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    let (size, overflow) = restarts.multipliedReportingOverflow(by: 4)
    guard !overflow, size <= bytes.count - 4 else { throw damaged }
    var reader = ProtocolBuffer(bytes[..<(bytes.count - 4 - size)])
    var key: [UInt8] = []
    while !reader.isAtEnd {
      guard let shared = reader.readCount(), let added = reader.readCount(),
        let count = reader.readCount(), shared <= key.count,
        let ending = reader.read(count: added), let value = reader.read(count: count),
        shared + ending.count <= Self.longestKey
      else { throw damaged }
      key = Array(key[..<shared]) + ending
      try body(Entry(key: key[...], value: value, origin: block.origin))
    }
  }

  /// More than any name of a tensor has: keys that share all but a byte would grow without end.
  private static let longestKey = 1 << 16

  private func fault(_ problem: String, at offset: Int) -> InputError {
    InputError(.badData, path: file.path, problem, place: "byte \(offset)")
  }
}

package import Files

/// Writes a zip archive, one member after the other.
///
/// Members are stored, their dates are fixed, and their data begins at multiples of 64 bytes: the same data gives the same
/// bytes, and a reader can map it.
package struct ZipWriter {
  private let output: OutputFile
  private var offset = 0
  private var entries: [Entry] = []

  private struct Entry {
    let name: [UInt8]
    let checksum: UInt32
    let size: Int
    let offset: Int
  }

  /// 1 January 1980, the first day that a zip archive can name.
  private static let date: UInt16 = 0x0021

  /// Starts an archive.
  package init(to output: OutputFile) {
    self.output = output
  }

  /// Appends a member.
  ///
  /// - Parameters:
  ///   - head: what comes before the data in the member.
  ///   - data: what begins at a multiple of 64 bytes.
  /// - Throws: `InputError` of kind `writeFailed`.
  package mutating func append(
    _ name: String, head: [UInt8] = [], _ data: UnsafeRawBufferPointer
  ) throws {
    let checksum = head.withUnsafeBytes { Deflate.checksum($0, then: data) }
    let entry = Entry(
      name: Array(name.utf8), checksum: checksum, size: head.count + data.count, offset: offset)
    let local = localHeader(entry, headCount: head.count)
    try output.write(local + head, at: offset)
    offset += local.count + head.count
    try output.write(data, at: offset)
    offset += data.count
    entries.append(entry)
  }

  /// Writes the directory; the archive is whole then, and the caller commits the output.
  package func finish() throws {
    var bytes: [UInt8] = []
    for entry in entries { bytes += directoryEntry(entry) }
    let size = bytes.count
    let end = offset + size
    // The zip64 records are always there: one form for every size.
    bytes.append(littleEndian: UInt32(0x0606_4B50))
    bytes.append(littleEndian: UInt64(44))
    bytes.append(littleEndian: UInt16(45))
    bytes.append(littleEndian: UInt16(45))
    bytes.append(littleEndian: UInt64(0))
    bytes.append(littleEndian: UInt64(entries.count))
    bytes.append(littleEndian: UInt64(entries.count))
    bytes.append(littleEndian: UInt64(size))
    bytes.append(littleEndian: UInt64(offset))
    bytes.append(littleEndian: UInt32(0x0706_4B50))
    bytes.append(littleEndian: UInt32(0))
    bytes.append(littleEndian: UInt64(end))
    bytes.append(littleEndian: UInt32(1))
    bytes.append(littleEndian: UInt32(0x0605_4B50))
    bytes.append(littleEndian: UInt32(0))
    bytes.append(littleEndian: UInt16(min(entries.count, 0xFFFF)))
    bytes.append(littleEndian: UInt16(min(entries.count, 0xFFFF)))
    bytes.append(littleEndian: UInt32(min(size, 0xFFFF_FFFF)))
    bytes.append(littleEndian: UInt32(min(offset, 0xFFFF_FFFF)))
    bytes.append(littleEndian: UInt16(0))
    try output.write(bytes, at: offset)
  }

  // MARK: - Headers

  /// A local header with the sizes in a zip64 field, padded so that the data begins aligned.
  private func localHeader(_ entry: Entry, headCount: Int) -> [UInt8] {
    let fixed = 30 + entry.name.count + 20
    let start = entry.offset + fixed + 4 + headCount
    let padding = (64 - start % 64) % 64
    var bytes: [UInt8] = []
    bytes.append(littleEndian: UInt32(0x0403_4B50))
    bytes += commonFields(entry)
    bytes.append(littleEndian: UInt16(20 + 4 + padding))
    bytes += entry.name
    bytes.append(littleEndian: UInt16(1))
    bytes.append(littleEndian: UInt16(16))
    bytes.append(littleEndian: UInt64(entry.size))
    bytes.append(littleEndian: UInt64(entry.size))
    // A field that readers pass over.
    bytes.append(littleEndian: UInt16(0x4E50))
    bytes.append(littleEndian: UInt16(padding))
    bytes += repeatElement(0, count: padding)
    return bytes
  }

  /// What the header of a member and its entry in the directory both say: the sizes are in the zip64 field.
  private func commonFields(_ entry: Entry) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: UInt16(45))
    bytes.append(littleEndian: UInt16(0x0800))
    bytes.append(littleEndian: UInt16(0))
    bytes.append(littleEndian: UInt16(0))
    bytes.append(littleEndian: Self.date)
    bytes.append(littleEndian: entry.checksum)
    bytes.append(littleEndian: UInt32.max)
    bytes.append(littleEndian: UInt32.max)
    bytes.append(littleEndian: UInt16(entry.name.count))
    return bytes
  }

  private func directoryEntry(_ entry: Entry) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: UInt32(0x0201_4B50))
    bytes.append(littleEndian: UInt16(0x032D))
    bytes += commonFields(entry)
    bytes.append(littleEndian: UInt16(28))
    bytes.append(littleEndian: UInt16(0))
    bytes.append(littleEndian: UInt16(0))
    bytes.append(littleEndian: UInt16(0))
    // A regular file that everyone may read.
    bytes.append(littleEndian: UInt32(0o100644 << 16))
    bytes.append(littleEndian: UInt32.max)
    bytes += entry.name
    bytes.append(littleEndian: UInt16(1))
    bytes.append(littleEndian: UInt16(24))
    bytes.append(littleEndian: UInt64(entry.size))
    bytes.append(littleEndian: UInt64(entry.size))
    bytes.append(littleEndian: UInt64(entry.offset))
    return bytes
  }
}

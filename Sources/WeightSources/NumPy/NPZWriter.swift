package import Files
package import Tensors

/// Writes arrays as a `.npz` archive, one after the other, so that only one is in memory at a time.
///
/// Members are stored, their dates are fixed, and their data begins at multiples of 64 bytes: the
/// same arrays give the same bytes, and a reader can map them.
package struct NPZWriter {
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

  /// Appends an array.
  ///
  /// - Throws: `InputError` of kind `writeFailed`.
  package mutating func append(_ name: String, _ data: TensorData) throws {
    let header = Self.arrayHeader(data)
    let checksum = data.withUnsafeBytes { elements in
      header.withUnsafeBytes { Deflate.checksum($0, then: elements) }
    }
    let entry = Entry(
      name: Array("\(name).npy".utf8), checksum: checksum, size: header.count + data.byteCount,
      offset: offset)
    let local = localHeader(entry, arrayHeaderCount: header.count)
    try output.write(local + header, at: offset)
    offset += local.count + header.count
    let start = offset
    try data.withUnsafeBytes { try output.write($0, at: start) }
    offset += data.byteCount
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

  /// A local header with the sizes in a zip64 field, padded so that the elements begin aligned.
  private func localHeader(_ entry: Entry, arrayHeaderCount: Int) -> [UInt8] {
    let fixed = 30 + entry.name.count + 20
    let start = entry.offset + fixed + 4 + arrayHeaderCount
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

  /// The header of an array file, version 1.0.
  private static func arrayHeader(_ data: TensorData) -> [UInt8] {
    let shape = data.shape.dimensions
    let tuple = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    let text = "{'descr': '\(descr(data.dtype))', 'fortran_order': False, 'shape': (\(tuple)), }"
    let total = (10 + text.utf8.count + 1 + 63) / 64 * 64
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
    bytes.append(littleEndian: UInt16(total - 10))
    bytes += text.utf8
    bytes += repeatElement(0x20, count: total - bytes.count - 1)
    bytes.append(0x0A)
    return bytes
  }

  /// NumPy has no bfloat16: its bits are written as the unsigned integers that they are.
  private static func descr(_ dtype: DType) -> String {
    switch dtype {
    case .float64: "<f8"
    case .float32: "<f4"
    case .float16: "<f2"
    case .bfloat16: "<u2"
    case .int64: "<i8"
    case .int32: "<i4"
    case .int16: "<i2"
    case .int8: "|i1"
    case .uint64: "<u8"
    case .uint32: "<u4"
    case .uint16: "<u2"
    case .uint8: "|u1"
    case .bool: "|b1"
    }
  }
}

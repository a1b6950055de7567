import Files
import Tensors

/// The first record of an HDF5 file, as far as it tells where the file ends.
enum HDF5Superblock {
  /// Throws where a file ends before its own end: the library only says that it is not whole.
  static func checkEnd(of file: MappedFile, range: Range<Int>) throws {
    guard let end = end(of: file, at: range.lowerBound), end > range.count else { return }
    throw InputError(
      .badData, path: file.path, "is cut off",
      place: "\(end) bytes of HDF5 were expected, \(range.count) are there")
  }

  /// The size that the file says it has, counted from its signature; `nil` where it says none.
  private static func end(of file: MappedFile, at start: Int) -> Int? {
    guard let bytes = file.bytes(at: start, count: min(64, file.count - start)), bytes.count > 13,
      bytes.starts(with: [0x89, 0x48, 0x44, 0x46])
    else { return nil }
    // Where the address stands depends on the version; only addresses of eight bytes are looked at.
    let place: (widthAt: Int, endAt: Int)
    switch bytes[8] {
    case 0: place = (13, 40)
    case 1: place = (13, 44)
    case 2, 3: place = (9, 28)
    default: return nil
    }
    guard bytes[place.widthAt] == 8, bytes.count >= place.endAt + 8 else { return nil }
    var reader = ByteReader(Array(bytes[place.endAt...]))
    return reader.read(UInt64.self).flatMap { Int(exactly: $0) }
  }
}

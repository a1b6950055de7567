import Files
import Tensors

/// Reads the central directory of a zip archive and the local headers that it points to.
///
/// Layout: PKWARE's APPNOTE 6.3, sections 4.3.7 (local header), 4.3.12 (directory), 4.3.14–16
/// (ends).
struct ZipDirectory {
  private let file: MappedFile
  private let count: Int
  private let range: Range<Int>

  /// Finds the directory by the record at the end of the file, which must be the file's very end.
  init(_ file: MappedFile) throws {
    self.file = file
    let end = try EndRecord(file)
    guard end.count <= ZipArchive.maximumMembers else {
      throw InputError(
        .badData, path: file.path, "has \(end.count) members",
        place: "at most \(ZipArchive.maximumMembers) are read")
    }
    guard end.start >= 0, end.size >= 0, end.size <= end.position,
      end.start == end.position - end.size
    else {
      throw InputError(
        .badData, path: file.path,
        "has a zip directory that does not end where its end record begins",
        place: "byte \(end.position)")
    }
    count = end.count
    range = end.start..<end.position
  }

  /// All members, checked.
  mutating func members() throws -> [ZipArchive.Member] {
    guard let bytes = file.bytes(at: range.lowerBound, count: range.count) else { throw truncated }
    var reader = ByteReader(bytes)
    var members: [ZipArchive.Member] = []
    var names: Set<String> = []
    for _ in 0..<count {
      let entry = try entry(&reader)
      guard names.insert(entry.name).inserted else {
        throw fault("has two members of one name", entry.name)
      }
      if entry.name.hasSuffix("/"), entry.size == 0 { continue }
      members.append(try member(entry))
    }
    guard reader.remaining == 0 else {
      throw fault("has more in its directory than it counts", nil)
    }
    return members
  }

  // MARK: - Entries

  private struct Entry {
    var name: String
    var flags: UInt16
    var method: UInt16
    var checksum: UInt32
    var packedSize: Int
    var size: Int
    var offset: Int
  }

  private func entry(_ reader: inout ByteReader) throws -> Entry {
    guard reader.read(UInt32.self) == 0x0201_4B50, reader.skip(4),
      let flags = reader.read(UInt16.self), let method = reader.read(UInt16.self), reader.skip(4),
      let checksum = reader.read(UInt32.self), let packed = reader.read(UInt32.self),
      let size = reader.read(UInt32.self), let nameCount = reader.read(UInt16.self),
      let extraCount = reader.read(UInt16.self), let commentCount = reader.read(UInt16.self),
      reader.skip(8), let offset = reader.read(UInt32.self)
    else { throw truncated }
    guard let name = reader.readText(count: Int(nameCount)), !name.utf8.contains(0) else {
      throw fault("has a member whose name is not text", nil)
    }
    guard let extra = reader.read(count: Int(extraCount)), reader.skip(Int(commentCount)) else {
      throw truncated
    }
    var wide = WideSizes(packed: packed, size: size, offset: offset)
    guard wide.read(Array(extra)), let packedSize = Int(exactly: wide.packed),
      let size = Int(exactly: wide.size), let offset = Int(exactly: wide.offset)
    else { throw fault("has impossible sizes", name) }
    guard flags & 0x2041 == 0 else { throw fault("has an encrypted member", name) }
    guard method == 0 || method == 8 else {
      throw fault(
        "has a member with compression method \(method)", "\(name); stored and deflated are read")
    }
    return Entry(
      name: name, flags: flags, method: method, checksum: checksum, packedSize: packedSize,
      size: size, offset: offset)
  }

  /// Checks the local header of an entry, and where its bytes lie.
  private func member(_ entry: Entry) throws -> ZipArchive.Member {
    guard entry.offset >= 0, entry.offset <= range.lowerBound,
      let header = file.bytes(at: entry.offset, count: 30)
    else { throw fault("has a member outside the file", entry.name) }
    var reader = ByteReader(header)
    guard reader.read(UInt32.self) == 0x0403_4B50, reader.skip(2),
      let flags = reader.read(UInt16.self), let method = reader.read(UInt16.self), reader.skip(4),
      let checksum = reader.read(UInt32.self), let packed = reader.read(UInt32.self),
      let size = reader.read(UInt32.self), let nameCount = reader.read(UInt16.self),
      let extraCount = reader.read(UInt16.self)
    else { throw fault("has a member without a local header", entry.name) }
    let rest = Int(nameCount) + Int(extraCount)
    guard let tail = file.bytes(at: entry.offset + 30, count: rest) else { throw truncated }
    var tailReader = ByteReader(tail)
    // Encrypted by one of three methods.
    guard flags & 0x2041 == 0 else { throw fault("has an encrypted member", entry.name) }
    guard tailReader.readText(count: Int(nameCount)) == entry.name, method == entry.method else {
      throw fault("has a member whose name or method differs in its local header", entry.name)
    }
    // With bit 3 the sizes stand behind the data; then the directory's are the only ones here.
    if flags & 8 == 0 {
      var wide = WideSizes(packed: packed, size: size, offset: 0)
      guard let extra = tailReader.read(count: Int(extraCount)), wide.read(Array(extra)),
        wide.packed == UInt64(entry.packedSize), wide.size == UInt64(entry.size),
        checksum == entry.checksum
      else {
        throw fault("has a member whose sizes or checksum differ in its local header", entry.name)
      }
    }
    let start = entry.offset + 30 + rest
    guard start <= range.lowerBound, entry.packedSize <= range.lowerBound - start else {
      throw fault("has a member outside the file", entry.name)
    }
    let isStored = entry.method == 0
    guard isStored ? entry.packedSize == entry.size : isPossible(entry) else {
      throw fault("has a member of an impossible size", "\(entry.name), \(entry.size) bytes")
    }
    return ZipArchive.Member(
      name: entry.name, count: entry.size, range: start..<start + entry.packedSize,
      isStored: isStored, checksum: entry.checksum)
  }

  private func isPossible(_ entry: Entry) -> Bool {
    entry.size / ZipArchive.maximumRatio <= entry.packedSize
  }

  private var truncated: InputError { fault("is a truncated zip archive", nil) }

  private func fault(_ problem: String, _ place: String?) -> InputError {
    InputError(.badData, path: file.path, problem, place: place)
  }
}

/// Sizes that may stand in the zip64 extra field: there where the 32-bit field is all ones.
private struct WideSizes {
  var packed: UInt64
  var size: UInt64
  var offset: UInt64

  init(packed: UInt32, size: UInt32, offset: UInt32) {
    self.packed = UInt64(packed)
    self.size = UInt64(size)
    self.offset = UInt64(offset)
  }

  /// Looks through the extra fields; `false` where they are damaged or lack what is needed.
  mutating func read(_ extra: [UInt8]) -> Bool {
    let placeholder = UInt64(UInt32.max)
    var needed = [size, packed, offset].count { $0 == placeholder }
    var reader = ByteReader(extra)
    while reader.remaining >= 4, needed > 0 {
      guard let kind = reader.read(UInt16.self), let count = reader.read(UInt16.self),
        let field = reader.read(count: Int(count))
      else { return false }
      guard kind == 1 else { continue }
      var values = ByteReader(Array(field))
      for key in [\WideSizes.size, \.packed, \.offset] where self[keyPath: key] == placeholder {
        guard let value = values.read(UInt64.self) else { return false }
        self[keyPath: key] = value
      }
      needed = 0
    }
    return needed == 0
  }
}

/// The record at the end of an archive.
private struct EndRecord {
  /// Where the record, or its zip64 form, begins.
  let position: Int
  let count: Int
  let size: Int
  let start: Int

  init(_ file: MappedFile) throws {
    let missing = InputError(
      .badData, path: file.path, "is a truncated zip archive",
      place: "it does not end in its directory")
    let plain = file.count - 22
    guard plain >= 0, let bytes = file.bytes(at: plain, count: 22) else { throw missing }
    var reader = ByteReader(bytes)
    guard reader.read(UInt32.self) == 0x0605_4B50, reader.read(UInt32.self) == 0,
      let here = reader.read(UInt16.self), let count = reader.read(UInt16.self), here == count,
      let size = reader.read(UInt32.self), let start = reader.read(UInt32.self),
      reader.read(UInt16.self) == 0
    else { throw missing }
    // Some writers always add the zip64 record; then the directory ends where that one begins.
    if let wide = EndRecord(wideBefore: plain, in: file) {
      self = wide
      return
    }
    guard count != .max, size != .max, start != .max else { throw missing }
    (position, self.count, self.size, self.start) = (plain, Int(count), Int(size), Int(start))
  }

  /// The zip64 record, found by its locator just before the plain record.
  private init?(wideBefore plain: Int, in file: MappedFile) {
    guard let locator = file.bytes(at: plain - 20, count: 20) else { return nil }
    var reader = ByteReader(locator)
    guard reader.read(UInt32.self) == 0x0706_4B50, reader.read(UInt32.self) == 0,
      let offset = reader.read(UInt64.self), let position = Int(exactly: offset),
      reader.read(UInt32.self) == 1, position == plain - 20 - 56,
      let record = file.bytes(at: position, count: 56)
    else { return nil }
    var wide = ByteReader(record)
    guard wide.read(UInt32.self) == 0x0606_4B50, wide.read(UInt64.self) == 44, wide.skip(4),
      wide.read(UInt64.self) == 0, let here = wide.read(UInt64.self),
      let all = wide.read(UInt64.self), here == all, let count = Int(exactly: all),
      let bytes = wide.read(UInt64.self), let size = Int(exactly: bytes),
      let first = wide.read(UInt64.self), let start = Int(exactly: first)
    else { return nil }
    (self.position, self.count, self.size, self.start) = (position, count, size, start)
  }
}

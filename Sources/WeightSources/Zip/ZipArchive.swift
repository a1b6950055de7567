import Files
import Tensors

/// A zip archive whose directory has been checked as a whole.
///
/// The central directory is the truth and every local header must agree with it; members may not
/// overlap; names are keys and never paths. What two readers could understand differently is
/// refused.
struct ZipArchive: Sendable {
  /// The most members: the largest public network has about a thousand tensors.
  static let maximumMembers = 100_000

  /// The most that deflate can expand its input, rounded up.
  static let maximumRatio = 1032

  /// One member.
  struct Member: Sendable {
    /// The name as it stands in the archive.
    let name: String
    /// The size of the content.
    let count: Int
    /// Where the member's bytes lie in the file.
    let range: Range<Int>
    /// Whether the bytes are the content itself rather than a deflate stream.
    let isStored: Bool
    /// The CRC-32 of the content.
    let checksum: UInt32

    /// The most that the content may have: so many bytes whatever the member takes in the file, and a multiple of that
    /// for larger ones; what is stored as it is costs nothing more than it already does.
    func limit(free: Int) -> Int {
      isStored ? count : max(free, range.count * ZipArchive.maximumExpansion)
    }
  }

  /// How many times its own size a large member may inflate to; weights compress to no less than a half.
  static let maximumExpansion = 16

  /// The members, in the order of the directory.
  let members: [Member]

  /// The file.
  let file: MappedFile

  /// Checks the directory of a file.
  ///
  /// - Throws: `InputError` for the first rule that is broken.
  init(_ file: MappedFile) throws {
    self.file = file
    var directory = try ZipDirectory(file)
    members = try directory.members()
    try Self.checkOverlap(members, in: file)
  }

  /// Whether a file begins as a zip archive does.
  static func isZip(_ file: MappedFile) -> Bool {
    let start = file.bytes(at: 0, count: 4)
    return start == [0x50, 0x4B, 0x03, 0x04] || start == [0x50, 0x4B, 0x05, 0x06]
  }

  /// The member of a name.
  func member(named name: String) -> Member? {
    members.first { $0.name == name }
  }

  /// The content of a member, its checksum verified.
  ///
  /// - Throws: `InputError` where the content is larger than the limit or damaged.
  func bytes(of member: Member, limit: Int) throws(InputError) -> [UInt8] {
    guard member.count <= limit else {
      throw InputError(
        .badData, path: file.path, "has a member of \(member.count) bytes",
        place: "\(member.name); at most \(limit) were expected")
    }
    guard MemoryProbe.canHave(member.count) else {
      throw InputError.noMemory(for: member.count, path: file.path)
    }
    let content = file.withUnsafeBytes { all -> [UInt8]? in
      let bytes = UnsafeRawBufferPointer(rebasing: all[member.range])
      guard !member.isStored else { return Array(bytes) }
      return member.count == 0 && bytes.isEmpty ? [] : Deflate.inflate(bytes, count: member.count)
    }
    guard let content, content.withUnsafeBytes({ Deflate.checksum($0) }) == member.checksum else {
      throw damaged(member)
    }
    return content
  }

  /// The first bytes of a member, at most `count` of them; their checksum is not known yet.
  func prefix(of member: Member, count: Int) throws -> [UInt8] {
    let count = min(count, member.count)
    guard !member.isStored else {
      return file.bytes(at: member.range.lowerBound, count: count) ?? []
    }
    let prefix = file.withUnsafeBytes { all in
      Deflate.inflatePrefix(UnsafeRawBufferPointer(rebasing: all[member.range]), count: count)
    }
    guard let prefix else { throw damaged(member) }
    return prefix
  }

  /// Verifies the checksum of a stored member, whose bytes can then be used where they lie.
  func verify(_ member: Member) throws(InputError) {
    guard Deflate.checksum(member.range, of: file) == member.checksum else { throw damaged(member) }
  }

  private func damaged(_ member: Member) -> InputError {
    InputError(
      .badData, path: file.path, "has a damaged member",
      place: "\(member.name); its checksum differs")
  }

  private static func checkOverlap(_ members: [Member], in file: MappedFile) throws {
    var end = 0
    for member in members.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
      guard member.range.lowerBound >= end else {
        throw InputError(
          .badData, path: file.path, "has members that overlap", place: member.name)
      }
      end = member.range.upperBound
    }
  }
}

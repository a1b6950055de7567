import Files
import FoundationEssentials
import Plain

/// What an item's record depends on: where all of it is the same, there is nothing to do again.
package struct ItemKey: Hashable, Sendable {
  /// The SHA-256 over all of it, as lowercase hexadecimal text.
  package let text: String
  /// The SHA-256 of the source: of one file that of its bytes; of several one over their names and theirs; `nil` where it
  /// cannot be read.
  package let source: String?
  /// The bytes of the source.
  package let sourceBytes: Int

  /// Computes the key of an item.
  ///
  /// - Parameters:
  ///   - companions: the files that belong to a source beside the one that it is named by, by their paths.
  ///   - version: the tool's.
  init(
    of item: BatchItem, isVerified: Bool, version: String,
    companions: (_ path: String) -> [String], digests: DigestCache
  ) {
    let (source, bytes) = Self.digest(of: item.source, companions(item.source), digests)
    (self.source, sourceBytes) = (source, bytes)
    let files = item.files.map { Self.digest(of: $0, [], digests).sha256 }
    let parts: [JSONValue] = [
      .text(Record.schema), .text(version), .text(item.name), .list(item.options.map { .text($0) }),
      .bool(isVerified), source.map { .text($0) } ?? .null,
      .list(files.map { digest in digest.map { .text($0) } ?? .null }),
    ]
    text = FileDigest.sha256(of: JSONValue.list(parts).json)
  }

  /// The digest of a file with those that belong to it, or of all that a folder holds.
  static func digest(
    of path: String, _ companions: [String], _ digests: DigestCache
  ) -> (sha256: String?, bytes: Int) {
    let isFolder = FileStamp.isFolder(path)
    let others = isFolder ? files(in: path, depth: 0) : companions
    guard isFolder || !others.isEmpty else {
      let digest = digests.digest(of: path)
      return (digest?.sha256, digest?.count ?? 0)
    }
    var parts: [JSONValue] = []
    var bytes = 0
    for file in (isFolder ? [] : [path]) + others {
      guard let digest = digests.digest(of: file) else { return (nil, 0) }
      let (sum, overflow) = bytes.addingReportingOverflow(digest.count)
      bytes = overflow ? .max : sum
      parts.append(.list([.text(file.lastName), .text(digest.sha256)]))
    }
    return (FileDigest.sha256(of: JSONValue.list(parts).json), bytes)
  }

  /// One digest of files wherever they are; `nil` where one cannot be read.
  static func digest(ofAll paths: [String], _ digests: DigestCache) -> String? {
    var parts: [JSONValue] = []
    for path in paths {
      guard let digest = digests.digest(of: path) else { return nil }
      parts.append(.text(digest.sha256))
    }
    return FileDigest.sha256(of: JSONValue.list(parts).json)
  }

  private static let deepest = 16

  /// All regular files of a folder and of those in it, in the order of their paths.
  static func files(in folder: String, depth: Int) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { !$0.hasPrefix(".") }.map(ByteText.init).sorted().flatMap { name in
      let path = folder.hasSuffix("/") ? folder + name.text : "\(folder)/\(name.text)"
      guard FileStamp.isFolder(path) else { return [path] }
      return depth < deepest && !FileStamp.isLink(path) ? files(in: path, depth: depth + 1) : []
    }
  }
}

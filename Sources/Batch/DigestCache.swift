import Files
import FoundationEssentials
import Plain
import Synchronization

/// The digests of files that are known from before, each only as long as the file is what it was: the same inode, size and
/// times to the nanosecond, that of its record among them, which nobody can set back.
package final class DigestCache: Sendable {
  /// What is known of one file, without a text of its own: a batch keeps two for each item.
  private struct Entry {
    let stamp: FileStamp
    let sha256: PackedDigest
    /// Whether this run has asked for it.
    var isUsed = false
  }

  private struct State {
    var known: [String: Entry] = [:]
    var hasNew = false
  }

  private let state = Mutex(State())
  private let path: String

  /// Reads what this part of a batch has kept, and what others have.
  ///
  /// - Parameters:
  ///   - folder: where each part keeps its own.
  ///   - name: the name of this part's.
  ///   - expected: how many files there will be, so that the memory for them does not grow.
  package init(folder: String, name: String, expecting expected: Int = 0) {
    path = "\(folder)/\(name)"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    var known: [String: Entry] = [:]
    known.reserveCapacity(expected)
    for name in names where !name.hasPrefix(".") {
      Self.read("\(folder)/\(name)", into: &known)
    }
    state.withLock { [known] in $0.known = known }
  }

  /// Reads a file of lines: digest, size, stamp and path; a line that is none is passed over.
  private static func read(_ path: String, into known: inout [String: Entry]) {
    guard let file = try? MappedFile(path: path), file.count < 1 << 30,
      let bytes = file.bytes(at: 0, count: file.count)
    else { return }
    for line in bytes.split(separator: 0x0A) {
      let words = line.split(separator: 0x09, maxSplits: 3)
        .map { String(decoding: $0, as: UTF8.self) }
      guard words.count == 4, let sha256 = PackedDigest(words[0]),
        let stamp = FileStamp(word: words[2]), words[1] == "\(stamp.count)"
      else { continue }
      known[words[3]] = Entry(stamp: stamp, sha256: sha256)
    }
  }

  /// The digest and size of a file; `nil` where it is none that can be read.
  package func digest(of path: String) -> (sha256: String, count: Int)? {
    guard let stamp = FileStamp(path: path) else { return nil }
    let known = state.withLock { state -> Entry? in
      guard state.known[path]?.stamp == stamp else { return nil }
      state.known[path]?.isUsed = true
      return state.known[path]
    }
    if let known { return (known.sha256.text, known.stamp.count) }
    guard let digest = FileDigest(path: path) else { return nil }
    // A file that was written just now could be written again without a trace.
    if digest.stamp.showsChanges { remember(digest, of: path) }
    return (digest.sha256, digest.count)
  }

  /// Keeps a digest, unless its path is no word of a line.
  package func remember(_ digest: FileDigest, of path: String) {
    guard !path.utf8.contains(where: { $0 == 0x0A }), let sha256 = PackedDigest(digest.sha256)
    else { return }
    let entry = Entry(stamp: digest.stamp, sha256: sha256, isUsed: true)
    state.withLock { state in
      state.known[path] = entry
      state.hasNew = true
    }
  }

  /// Writes what this run has used; what cannot be written is computed again.
  package func save() {
    let paths = state.withLock { state -> [String]? in
      let used = state.known.lazy.filter { $0.value.isUsed }.map(\.key)
      guard state.hasNew || used.count != state.known.count else { return nil }
      state.hasNew = false
      return Array(used)
    }
    guard let paths, let output = try? OutputFile(path: path, replacing: true) else { return }
    do {
      var writer = LineWriter(output)
      for path in paths.sorted(by: { ByteText($0) < ByteText($1) }) {
        guard let entry = state.withLock({ $0.known[path] }) else { continue }
        try writer.add(
          "\(entry.sha256.text)\t\(entry.stamp.count)\t\(entry.stamp.word)\t\(path)\n")
      }
      try writer.flush()
      try output.commit()
    } catch {}
  }
}

/// The bytes of a SHA-256, which take a third of what its text takes.
private struct PackedDigest {
  private let words: (UInt64, UInt64, UInt64, UInt64)

  /// Packs 64 hexadecimal digits; `nil` for anything else.
  init?(_ text: String) {
    let digits = Array(text.utf8)
    guard digits.count == 64 else { return nil }
    let words = stride(from: 0, to: 64, by: 16).compactMap {
      UInt64(String(decoding: digits[$0..<$0 + 16], as: UTF8.self), radix: 16)
    }
    guard words.count == 4 else { return nil }
    self.words = (words[0], words[1], words[2], words[3])
  }

  /// The digits, in lower case.
  var text: String {
    [words.0, words.1, words.2, words.3].map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }.joined()
  }
}

/// Writes a file in pieces, so that it need not stand in memory as a whole.
private struct LineWriter {
  private let output: OutputFile
  private var waiting: [UInt8] = []
  private var written = 0

  private static let pieceBytes = 1 << 16

  init(_ output: OutputFile) { self.output = output }

  mutating func add(_ line: String) throws {
    waiting += line.utf8
    if waiting.count >= Self.pieceBytes { try flush() }
  }

  mutating func flush() throws {
    try output.write(waiting, at: written)
    written += waiting.count
    waiting.removeAll(keepingCapacity: true)
  }
}

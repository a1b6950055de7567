import Files
import FoundationEssentials
import Plain
import Synchronization

/// The digests of files that are known from before, each only as long as the file is what it was: the same inode, size and
/// times to the nanosecond, that of its record among them, which nobody can set back.
package final class DigestCache: Sendable {
  private struct Entry {
    let stamp: String
    let sha256: String
    let count: Int
  }

  private struct State {
    var known: [String: Entry] = [:]
    var used: [String: Entry] = [:]
    var hasNew = false
  }

  private let state = Mutex(State())
  private let path: String

  /// Reads what this part of a batch has kept, and what others have.
  ///
  /// - Parameters:
  ///   - folder: where each part keeps its own.
  ///   - name: the name of this part's.
  package init(folder: String, name: String) {
    path = "\(folder)/\(name)"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    var known: [String: Entry] = [:]
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
      guard words.count == 4, words[0].count == 64,
        let count = Int(String(decoding: words[1], as: UTF8.self))
      else { continue }
      known[String(decoding: words[3], as: UTF8.self)] = Entry(
        stamp: String(decoding: words[2], as: UTF8.self),
        sha256: String(decoding: words[0], as: UTF8.self), count: count)
    }
  }

  /// The digest and size of a file; `nil` where it is none that can be read.
  package func digest(of path: String) -> (sha256: String, count: Int)? {
    guard let stamp = FileStamp(path: path) else { return nil }
    let word = stamp.word
    let known = state.withLock { $0.known[path] }
    if let known, known.stamp == word {
      state.withLock { $0.used[path] = known }
      return (known.sha256, known.count)
    }
    guard let digest = FileDigest(path: path) else { return nil }
    // A file that was written just now could be written again without a trace.
    if digest.stamp.showsChanges { remember(digest, of: path) }
    return (digest.sha256, digest.count)
  }

  /// Keeps a digest, unless its path is no word of a line.
  package func remember(_ digest: FileDigest, of path: String) {
    guard !path.utf8.contains(where: { $0 == 0x0A }) else { return }
    let entry = Entry(stamp: digest.stamp.word, sha256: digest.sha256, count: digest.count)
    state.withLock { state in
      state.used[path] = entry
      state.known[path] = entry
      state.hasNew = true
    }
  }

  /// Writes what this run has used; what cannot be written is computed again.
  package func save() {
    let used = state.withLock { state -> [String: Entry]? in
      guard state.hasNew || state.used.count != state.known.count else { return nil }
      state.hasNew = false
      return state.used
    }
    guard let used else { return }
    let lines = used.sorted { ByteText($0.key) < ByteText($1.key) }.map { path, entry in
      "\(entry.sha256)\t\(entry.count)\t\(entry.stamp)\t\(path)\n"
    }
    guard let output = try? OutputFile(path: path, replacing: true) else { return }
    try? output.write(Array(lines.joined().utf8), at: 0)
    try? output.commit()
  }
}

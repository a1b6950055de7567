import Families
import Files
import Tensors

/// A published file that the source is, or is called.
package struct Publication: Encodable, Hashable, Sendable {
  /// What the published file is.
  package let title: String
  /// The name under which it is published.
  package let file: String
  /// Whether the source has its content; else it only has its name.
  package let isSame: Bool
  /// How the digests are computed: `md5`, `sha1` or `sha256`.
  package let algorithm: String
  /// The published digest, or as much of it as is published.
  package let published: String
  /// The digest of the source.
  package let found: String

  /// In one line, for people.
  package var words: String {
    isSame
      ? "\(title) (\(algorithm) \(found))"
      : "not the published \(file) (\(title)), though it is called so: its \(algorithm) is \(found), "
        + "\(published) was expected"
  }
}

extension Model {
  /// The published file that the source is, or is called; `nil` where neither is known.
  package func publication() -> Publication? {
    guard converted == nil, source.files.count == 1, let opened = source.files.first?.file else {
      return nil
    }
    var digests: [PublishedFile.Algorithm: String] = [:]
    let match = family.publishedFile(name: fileName(of: source.path), byteCount: opened.count) {
      let text = digest(of: opened, by: $0)
      digests[$0] = text
      return text
    }
    guard let match else { return nil }
    let file = match.file
    return Publication(
      title: file.title, file: file.name, isSame: match.isSame,
      algorithm: file.digest.algorithm.rawValue, published: file.digest.digits,
      found: digests[file.digest.algorithm] ?? "")
  }
}

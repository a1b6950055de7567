/// A file of weights that is published under a name, and known by its digest.
package struct PublishedFile: Hashable, Sendable {
  /// The name under which it is published.
  package let name: String

  /// What people call it, such as `Keras Applications ResNet50V2, ImageNet, without top`.
  package let title: String

  /// What the bytes of the file come to.
  package let digest: Digest

  /// The size in bytes, where it is known.
  package var byteCount: Int?

  /// A digest, or as much of it as was published.
  package struct Digest: Hashable, Sendable {
    /// How it is computed.
    package let algorithm: Algorithm
    /// Lowercase hexadecimal digits; the first ones of the whole where fewer were published.
    package let digits: String
  }

  /// A way to compute a digest.
  package enum Algorithm: String, Hashable, Sendable {
    case md5, sha1, sha256
  }

  /// A published file that another file is, or is called.
  package struct Match: Hashable, Sendable {
    /// The published file.
    package let file: PublishedFile
    /// Whether the other has its content, whatever it is called; else it only has its name.
    package let isSame: Bool
  }
}

extension Family {
  /// Whether a file is one of the family's published ones, or only called so.
  ///
  /// Only where the name or the size is that of a published file a digest is asked for: it takes longer than to
  /// read the file.
  ///
  /// - Parameters:
  ///   - name: the name of the file, without its folder.
  ///   - digest: the whole digest of the file in lowercase hexadecimal digits.
  package func publishedFile(
    name: String, byteCount: Int, digest: (PublishedFile.Algorithm) -> String
  ) -> PublishedFile.Match? {
    let likely = published.filter { $0.name == name || $0.byteCount == byteCount }
    var found: [PublishedFile.Algorithm: String] = [:]
    for file in likely {
      found[file.digest.algorithm] = found[file.digest.algorithm] ?? digest(file.digest.algorithm)
    }
    for file in likely where found[file.digest.algorithm]?.hasPrefix(file.digest.digits) == true {
      return .init(file: file, isSame: true)
    }
    return likely.first { $0.name == name }.map { .init(file: $0, isSame: false) }
  }
}

extension PublishedFile {
  /// Files of Keras Applications, which are known by their MD5; read from `resnet.py` and `resnet_v2.py` of Keras 3.
  static func keras(
    _ title: String, _ name: String, md5 digits: String, withoutTop: String,
    byteCount: Int? = nil, withoutTopByteCount: Int? = nil
  ) -> [PublishedFile] {
    let file = "\(name)_weights_tf_dim_ordering_tf_kernels"
    let title = "Keras Applications \(title), ImageNet"
    return [
      .init(
        name: "\(file).h5", title: title, digest: .init(algorithm: .md5, digits: digits),
        byteCount: byteCount),
      .init(
        name: "\(file)_notop.h5", title: "\(title), without top",
        digest: .init(algorithm: .md5, digits: withoutTop), byteCount: withoutTopByteCount),
    ]
  }

  /// A file whose name ends in the first digits of its SHA-256, as PyTorch's hub names and checks them.
  static func torchHub(_ title: String, _ name: String, _ digits: String) -> PublishedFile {
    .init(
      name: "\(name)-\(digits).pth", title: title,
      digest: .init(algorithm: .sha256, digits: digits))
  }
}

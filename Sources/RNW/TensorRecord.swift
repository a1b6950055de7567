import FoundationEssentials
import Tensors

/// What `rnw.tensors` says of one tensor.
struct TensorRecord: Codable, Hashable, Sendable {
  /// The type of the elements, as safetensors names it.
  var dtype: String
  /// The dimensions.
  var shape: [Int]
  /// How the bytes in the file become the elements.
  var encoding: Encoding
  /// The CRC-32 of the little-endian elements.
  var crc32: UInt32
  /// The CRC-32 of the bytes in the file, where they are not the elements.
  var storedCRC32: UInt32?
  /// The name of the tensor that holds a scale for every output channel, where the elements are
  /// integers in units of those.
  var scales: String?
  /// The name of the tensor whose bytes are this one's as well.
  var sameAs: String?

  /// How the bytes in the file become the elements.
  enum Encoding: String, Codable, Sendable {
    /// They are the elements.
    case raw
    /// They are a stream of the codec `planes`.
    case planes
    /// There are none: the elements are those of another tensor.
    case same
  }
}

/// The keys of `__metadata__`.
enum MetadataKey {
  static let format = "format"
  static let version = "rnw.version"
  static let tensors = "rnw.tensors"
  static let configuration = "rnw.configuration"
  static let preprocessing = "rnw.preprocessing"
  static let source = "rnw.source"
  static let certificate = "rnw.certificate"
  static let checksum = "rnw.metadata-crc32"
}

extension [String: String] {
  /// The CRC-32 over all keys and values but the checksum's own, sorted by key, each followed by a
  /// NUL.
  var metadataChecksum: String {
    var bytes: [UInt8] = []
    for (key, value) in sorted(by: { $0.key < $1.key }) where key != MetadataKey.checksum {
      bytes += key.utf8
      bytes.append(0)
      bytes += value.utf8
      bytes.append(0)
    }
    return String(bytes.withUnsafeBytes { Checksum.crc32(of: $0) })
  }
}

/// The version of the format that is written, and the newest major version that is read.
enum FormatVersion {
  static let major = 1
  static let minor = 0
  static var text: String { "\(major).\(minor)" }
}

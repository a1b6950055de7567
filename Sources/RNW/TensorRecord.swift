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

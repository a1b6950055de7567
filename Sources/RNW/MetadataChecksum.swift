import Plain
import Safetensors

/// The checksum of a file's `__metadata__`.
enum MetadataChecksum {
  /// The CRC-32 over all keys and values but the checksum's own, sorted by the bytes of the keys, each
  /// followed by a NUL.
  static func text(of metadata: some Sequence<(key: String, value: String)>) -> String {
    var bytes: [UInt8] = []
    for (key, value) in metadata.sorted(by: { ByteText($0.key) < ByteText($1.key) })
    where key != MetadataKey.checksum {
      bytes += key.utf8
      bytes.append(0)
      bytes += value.utf8
      bytes.append(0)
    }
    return String(bytes.withUnsafeBytes { Checksum.crc32(of: $0) })
  }
}

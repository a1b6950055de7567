import Safetensors
import Tensors

/// The tensors of a file whose bytes are those of another tensor, and lie in it only once.
struct DuplicateTensors: Sendable {
  /// The tensor with the bytes, by the name of each that has none of its own.
  private(set) var places: [String: String] = [:]

  /// No duplicates.
  init() {}

  /// Finds tensors of one type, shape and content; the first of each is the one that is stored.
  init(in tensors: [(name: String, data: TensorData, checksum: UInt32)]) {
    var firsts: [Key: (name: String, data: TensorData)] = [:]
    for (name, data, checksum) in tensors where data.shape.elementCount > 0 {
      let key = Key(dtype: data.dtype, shape: data.shape.dimensions, checksum: checksum)
      if let first = firsts[key] {
        if first.data.hasSameBytes(as: data) { places[name] = first.name }
      } else {
        firsts[key] = (name, data)
      }
    }
  }

  /// Checks what the records of a file say, and gives each duplicate the record of the stored tensor.
  ///
  /// The other has bytes of its own, so that there are neither chains nor cycles.
  ///
  /// - Returns: the name of the first record that fits no other, or `nil`.
  mutating func resolve(_ records: inout [String: TensorRecord]) -> String? {
    let stored = records
    let same = stored.filter { $0.value.encoding == .same || $0.value.sameAs != nil }
    for (name, record) in same.sorted(by: { $0.key < $1.key }) {
      guard record.encoding == .same, record.storedCRC32 == nil, let other = record.sameAs,
        var resolved = stored[other], resolved.encoding == .planes,
        resolved.dtype == record.dtype, resolved.shape == record.shape,
        resolved.crc32 == record.crc32
      else { return name }
      resolved.scales = record.scales
      records[name] = resolved
      places[name] = other
    }
    return nil
  }

  private struct Key: Hashable {
    let dtype: DType
    let shape: [Int]
    let checksum: UInt32
  }
}

extension TensorData {
  fileprivate func hasSameBytes(as other: TensorData) -> Bool {
    withUnsafeBytes { own in other.withUnsafeBytes { own.elementsEqual($0) } }
  }
}

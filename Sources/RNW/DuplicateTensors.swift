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

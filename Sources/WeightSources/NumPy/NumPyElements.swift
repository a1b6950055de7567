import Tensors

/// How NumPy stores the elements of an array, in a file or in a pickle.
struct NumPyElements: Sendable {
  let dtype: DType
  let shape: Shape
  /// Whether the byte with the highest value comes first.
  let isBigEndian: Bool
  /// Whether the first index runs fastest.
  let isFortranOrder: Bool

  /// Whether they are little-endian and in row-major order already.
  var areInOrder: Bool { !isBigEndian && (!isFortranOrder || shape.rank < 2) }

  /// The array of these elements, little-endian and in row-major order.
  func tensor(from bytes: [UInt8]) -> TensorData {
    var bytes = bytes
    let width = dtype.byteWidth
    if isBigEndian {
      for start in stride(from: 0, to: bytes.count, by: width) {
        bytes[start..<start + width].reverse()
      }
    }
    guard isFortranOrder, shape.rank > 1 else {
      return TensorData(dtype: dtype, shape: shape, bytes: bytes)
    }
    var strides = [Int](repeating: 1, count: shape.rank)
    for axis in 1..<shape.rank { strides[axis] = strides[axis - 1] * shape[axis - 1] }
    let elements = StridedElements(dtype: dtype, shape: shape, strides: strides)
    return bytes.withUnsafeBytes { elements.gathered(from: $0) }
  }
}

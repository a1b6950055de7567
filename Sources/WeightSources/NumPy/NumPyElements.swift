import Tensors

/// How NumPy stores the elements of an array, in a file or in a pickle.
struct NumPyElements: Sendable {
  let dtype: DType
  let shape: Shape
  /// Whether the byte with the highest value comes first.
  let isBigEndian: Bool

  /// The elements between neighbours along each axis; `nil` where they are in row-major order.
  private let strides: [Int]?

  /// - Parameter isFortranOrder: whether the first index runs fastest, rather than the last.
  init(dtype: DType, shape: Shape, isBigEndian: Bool, isFortranOrder: Bool) {
    (self.dtype, self.shape, self.isBigEndian) = (dtype, shape, isBigEndian)
    // The product of all sizes is representable, hence that of any of them.
    let columns = shape.dimensions.indices.map { shape.dimensions[..<$0].reduce(1, *) }
    strides = isFortranOrder && shape.rank > 1 ? columns : nil
  }

  /// Those of an array in row-major order whose axes were then put in another order; `nil` where it has no such axes.
  init?(dtype: DType, before: Shape, axes: [Int], isBigEndian: Bool) {
    guard axes.sorted() == Array(0..<before.rank) else { return nil }
    (self.dtype, self.isBigEndian) = (dtype, isBigEndian)
    shape = Shape(axes.map { before[$0] })
    strides = axes.map { before.dimensions[($0 + 1)...].reduce(1, *) }
  }

  /// Whether they are little-endian and in row-major order already.
  var areInOrder: Bool { !isBigEndian && strides == nil }

  /// The array of these elements, little-endian and in row-major order.
  func tensor(from bytes: [UInt8]) -> TensorData {
    var bytes = bytes
    let width = dtype.byteWidth
    if isBigEndian {
      for start in stride(from: 0, to: bytes.count, by: width) {
        bytes[start..<start + width].reverse()
      }
    }
    guard let strides else {
      return TensorData(dtype: dtype, shape: shape, bytes: bytes)
    }
    let elements = StridedElements(dtype: dtype, shape: shape, strides: strides)
    return bytes.withUnsafeBytes { elements.gathered(from: $0) }
  }
}

import Tensors

/// Where the elements of a tensor stand that is no run of bytes in row-major order: transposed, sliced or expanded.
struct StridedElements {
  let dtype: DType
  let shape: Shape
  /// The elements between neighbours along each axis.
  let strides: [Int]
  /// The elements before the first.
  var offset = 0

  /// The elements in row-major order.
  ///
  /// - Precondition: whoever made the strides has checked that every element lies within the bytes.
  func gathered(from bytes: UnsafeRawBufferPointer, start: Int = 0) -> TensorData {
    let width = dtype.byteWidth
    var result: [UInt8] = []
    result.reserveCapacity(shape.elementCount * width)
    var index = [Int](repeating: 0, count: shape.rank)
    for _ in 0..<shape.elementCount {
      let element = start + zip(index, strides).reduce(offset) { $0 + $1.0 * $1.1 } * width
      result.append(contentsOf: bytes[element..<element + width])
      var axis = shape.rank - 1
      while axis >= 0 {
        index[axis] += 1
        if index[axis] < shape[axis] { break }
        index[axis] = 0
        axis -= 1
      }
    }
    return TensorData(dtype: dtype, shape: shape, bytes: result)
  }
}

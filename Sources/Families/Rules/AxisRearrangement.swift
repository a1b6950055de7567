import Tensors

/// How the axes of a tensor are rearranged: first those of length 1 are left out, then the rest are put in another order.
package struct Rearrangement: Hashable, Sendable {
  /// Whether axes of length 1 are left out.
  package var squeezes: Bool
  /// The stored axis for each axis of the result, counted from 0; empty for the same order.
  package var order: [Int]

  package init(squeezes: Bool = false, order: [Int] = []) {
    self.squeezes = squeezes
    self.order = order
  }

  /// Whether nothing is done.
  package var isIdentity: Bool { !squeezes && order == Array(order.indices) }

  /// The shape that a tensor of a shape gets; `nil` where it has not as many axes.
  func shape(of stored: Shape) -> Shape? {
    let sizes = squeezed(stored)
    guard !order.isEmpty else { return Shape(validating: sizes) }
    guard order.count == sizes.count, Set(order) == Set(sizes.indices) else { return nil }
    return Shape(validating: order.map { sizes[$0] })
  }

  /// A tensor with its axes rearranged; the shape was checked before.
  func applied(to tensor: TensorData) -> TensorData {
    let plain = tensor.reshaped(to: Shape(squeezed(tensor.shape)))
    return order == Array(order.indices) ? plain : plain.permuted(by: order)
  }

  private func squeezed(_ shape: Shape) -> [Int] {
    squeezes ? shape.dimensions.filter { $0 != 1 } : shape.dimensions
  }
}

extension TensorData {
  /// The elements as float32 with the axes in another order.
  fileprivate func permuted(by order: [Int]) -> TensorData {
    let sizes = shape.dimensions
    var strides = [Int](repeating: 1, count: sizes.count)
    for axis in sizes.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * sizes[axis + 1]
    }
    let (counts, steps) = (order.map { sizes[$0] }, order.map { strides[$0] })
    return withFloats { source in
      TensorData(shape: Shape(counts)) { target in
        var index = [Int](repeating: 0, count: counts.count)
        var position = 0
        for place in target.indices {
          target[place] = source[position]
          var axis = counts.count - 1
          while axis >= 0 {
            index[axis] += 1
            position += steps[axis]
            if index[axis] < counts[axis] { break }
            position -= steps[axis] * counts[axis]
            index[axis] = 0
            axis -= 1
          }
        }
      }
    }
  }
}

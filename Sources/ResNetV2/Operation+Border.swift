package import Tensors

/// The rows above an image and the columns left of it where a window begins.
package struct Border: Hashable, Sendable {
  /// The rows above.
  package let top: Int
  /// The columns left.
  package let left: Int

  /// So many on every side.
  init(_ each: Int) {
    (top, left) = (each, each)
  }

  /// TensorFlow's SAME: as few as are needed, the odd one below and right.
  init(same window: Int, stride: Int, input: Shape, output: Shape) {
    func before(_ axis: Int) -> Int {
      max((output[axis] - 1) * stride + window - input[axis], 0) / 2
    }
    (top, left) = (before(1), before(2))
  }
}

extension Operation.Convolution {
  /// The border of an image [N, H, W, C]; features [N, C] have none.
  package func border(input: Shape, output: Shape) -> Border {
    switch padding {
    case .each(let padding): Border(padding)
    case .same: Border(same: span, stride: stride, input: input, output: output)
    }
  }
}

extension Operation.Pool {
  /// The border of an image [N, H, W, C].
  package func border(input: Shape, output: Shape) -> Border {
    switch padding {
    case .zero(let padding), .ignored(let padding): Border(padding)
    case .same: Border(same: size, stride: stride, input: input, output: output)
    }
  }
}

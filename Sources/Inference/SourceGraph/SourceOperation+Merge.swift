import SourceGraph
import Tensors

extension SourceOperation.Merge {
  /// Several values of one shape put together.
  func values(of inputs: [[Float]]) -> [Float] {
    var result = inputs[0]
    for other in inputs.dropFirst() {
      for index in result.indices { result[index] = merged(result[index], other[index]) }
    }
    if self == .average {
      let count = Float(inputs.count)
      for index in result.indices { result[index] /= count }
    }
    return result
  }

  private func merged(_ first: Float, _ other: Float) -> Float {
    switch self {
    case .add, .average: first + other
    case .subtract: first - other
    case .multiply: first * other
    case .maximum: first.isNaN || other.isNaN ? .nan : Swift.max(first, other)
    case .minimum: first.isNaN || other.isNaN ? .nan : Swift.min(first, other)
    }
  }
}

extension [Activation] {
  /// All values side by side along an axis.
  func joined(along axis: Int, to shape: Shape) -> Activation {
    let outer = shape.dimensions[..<axis].reduce(1, *)
    var result: [Float] = []
    result.reserveCapacity(shape.elementCount)
    for index in 0..<outer {
      for part in self {
        let length = part.values.count / Swift.max(outer, 1)
        result += part.values[(index * length)..<((index + 1) * length)]
      }
    }
    return Activation(shape: shape, values: result)
  }
}

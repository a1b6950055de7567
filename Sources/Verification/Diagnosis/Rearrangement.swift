import Tensors

/// A mistake in the order of a tensor's values: its axes exchanged, reversed, or taken for others.
struct Rearrangement {
  /// What is wrong, following the tensor's word.
  let explanation: String
  private let kind: Kind

  private enum Kind {
    /// Axis i of what is right is axis `order[i]` of what is there.
    case permuted([Int])
    /// Channel i of what is there, along the input, is channel `order[i]` of what is right.
    case reordered([Int])
    /// These axes run backwards.
    case reversed(Set<Int>)
    /// The values are in the order of a layout with these axes, but were taken as they are.
    case reinterpreted([Int])
  }

  /// Every mistake that leaves a kernel [O, I, H, W] or a matrix [O, I] with the same shape.
  static func all(for shape: Shape) -> [Rearrangement] {
    let sizes = shape.dimensions
    switch sizes.count {
    case 4:
      let permutations: [([Int], String)] = [
        ([1, 0, 2, 3], "has input and output channels transposed"),
        ([0, 1, 3, 2], "has height and width transposed"),
        ([1, 0, 3, 2], "is transposed in channels and in space"),
      ]
      let reversals: [(Set<Int>, String)] = [
        ([2, 3], "is flipped in both directions"), ([2], "is flipped top to bottom"),
        ([3], "is flipped left to right"),
      ]
      let layouts: [([Int], String)] = [
        ([2, 3, 1, 0], "has values in the order height, width, input, output"),
        ([0, 2, 3, 1], "has values in the order output, height, width, input"),
        ([1, 0, 2, 3], "has values in the order input, output, height, width"),
      ]
      return permutations.filter { order, _ in
        order.map { sizes[$0] } == sizes && (sizes[2] > 1 || order.suffix(2) == [2, 3])
      }.map { Rearrangement(explanation: $1, kind: .permuted($0)) }
        + reversals.filter { axes, _ in axes.allSatisfy { sizes[$0] > 1 } }
        .map { Rearrangement(explanation: $1, kind: .reversed($0)) }
        + layouts.map { Rearrangement(explanation: $1, kind: .reinterpreted($0)) }
        + orders(of: sizes[1]).map { order in
          let list = order.map(String.init).joined(separator: ", ")
          return Rearrangement(
            explanation: "has its input channels in another order: \(list)", kind: .reordered(order)
          )
        }
    case 2:
      let square =
        sizes[0] == sizes[1]
        ? [Rearrangement(explanation: "is transposed", kind: .permuted([1, 0]))] : []
      return square + [
        Rearrangement(
          explanation: "has values in the order input, output", kind: .reinterpreted([1, 0]))
      ]
    default:
      return []
    }
  }

  /// Every order of so few channels that all can be tried: those of an image, such as blue, green, red.
  private static func orders(of count: Int) -> [[Int]] {
    guard (2...4).contains(count) else { return [] }
    func permutations(_ rest: [Int]) -> [[Int]] {
      guard !rest.isEmpty else { return [[]] }
      return rest.flatMap { first in
        permutations(rest.filter { $0 != first }).map { [first] + $0 }
      }
    }
    return permutations(Array(0..<count)).filter { $0 != Array(0..<count) }
  }

  /// What the tensor would be without the mistake.
  func undone(on tensor: TensorData) -> TensorData {
    let values = tensor.floats()
    let sizes = tensor.shape.dimensions
    let strides = rowMajorStrides(sizes)
    switch kind {
    case .permuted(let order):
      return gathered(values, tensor.shape, strides: order.map { strides[$0] }, start: 0)
    case .reordered(let order):
      return reordered(values, order, tensor.shape)
    case .reversed(let axes):
      let start = axes.map { (sizes[$0] - 1) * strides[$0] }.reduce(0, +)
      return gathered(
        values, tensor.shape,
        strides: strides.indices.map { axes.contains($0) ? -strides[$0] : strides[$0] },
        start: start)
    case .reinterpreted(let layout):
      // The strides of the layout that the values really have, by the axes of the tensor.
      let actual = rowMajorStrides(layout.map { sizes[$0] })
      var byAxis = strides
      for (position, axis) in layout.enumerated() { byAxis[axis] = actual[position] }
      return gathered(values, tensor.shape, strides: byAxis, start: 0)
    }
  }
}

/// The values with input channel i put where it belongs, at `order[i]`.
private func reordered(_ values: [Float], _ order: [Int], _ shape: Shape) -> TensorData {
  let window = shape[2] * shape[3]
  var result = values
  for output in 0..<shape[0] {
    for (channel, place) in order.enumerated() {
      let source = (output * shape[1] + channel) * window
      let target = (output * shape[1] + place) * window
      result.replaceSubrange(target..<target + window, with: values[source..<source + window])
    }
  }
  return TensorData(shape: shape, values: result)
}

private func rowMajorStrides(_ sizes: [Int]) -> [Int] {
  var strides = Array(repeating: 1, count: sizes.count)
  for axis in sizes.indices.dropLast().reversed() {
    strides[axis] = strides[axis + 1] * sizes[axis + 1]
  }
  return strides
}

/// A tensor of a shape whose element at an index is read at `start` plus the index times the
/// strides.
private func gathered(
  _ values: [Float], _ shape: Shape, strides: [Int], start: Int
) -> TensorData {
  var result: [Float] = []
  result.reserveCapacity(shape.elementCount)
  func visit(_ axis: Int, _ offset: Int) {
    guard axis < shape.rank else {
      result.append(values[offset])
      return
    }
    for index in 0..<shape[axis] { visit(axis + 1, offset + index * strides[axis]) }
  }
  visit(0, start)
  return TensorData(shape: shape, values: result)
}

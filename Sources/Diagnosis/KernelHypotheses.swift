import Comparison
import Inference
import ResNetV2
import Tensors

extension Diagnosis {
  /// A kernel that was already multiplied by the norm after it, which multiplies again.
  func multipliedKernel(of node: Node) -> [Hypothesis] {
    let graph = comparison.candidate.graph
    guard case .convolution = node.operation,
      let weight = node.parameters.first(where: { $0.role == .weight }),
      let index = graph.index(of: node.name)
    else { return [] }
    return graph.nodes.filter { $0.inputs == [index] }.compactMap { norm in
      guard case .norm(.batch(let epsilon), _, _) = norm.operation,
        let slopes = slopes(of: norm, epsilon: epsilon)
      else { return nil }
      let window = weight.shape.elementCount / weight.shape[0]
      let values = parameters[weight].floats().enumerated().map { index, value in
        Float(
          isOfEngine
            ? Double(value) * slopes[index / window] : Double(value) / slopes[index / window])
      }
      guard values.allSatisfy(\.isFinite) else { return nil }
      return Hypothesis(
        explanation: Explanation(
          "\(word(.weight)) is already multiplied by \(displayName(of: norm.name))",
          engine: "has a \(word(.weight)) that is multiplied by \(displayName(of: norm.name))"),
        change: .parameters([.weight: TensorData(shape: weight.shape, values: values)]))
    }
  }

  /// What a norm multiplies each channel by.
  private func slopes(of norm: Node, epsilon: Double) -> [Double]? {
    let tensors = Dictionary(
      uniqueKeysWithValues: norm.parameters.map { ($0.role, parameters[$0].floats()) })
    guard let scale = tensors[.scale], let variance = tensors[.variance] else { return nil }
    return zip(scale, variance).map { Double($0) / (Double($1) + epsilon).squareRoot() }
  }

  /// A kernel of the reference that knows no colours, or is rounded.
  func otherKernels(of node: Node) -> [Hypothesis] {
    guard let weight = node.parameters.first(where: { $0.role == .weight }) else { return [] }
    let tensor = parameters[weight]
    var result: [Hypothesis] = []
    if weight.shape.rank == 4, weight.shape[1] > 1 {
      result.append(
        Hypothesis(
          explanation: Explanation(
            "the reference's \(word(.weight)) is the mean of the input channels (grey)",
            engine: "has a \(word(.weight)) that is the mean of the input channels (grey)"),
          change: .parameters([.weight: tensor.averagedOverInputs])))
    }
    for rounding in ValueRounding.all {
      guard let rounded = rounding.rounded(tensor) else { continue }
      result.append(
        Hypothesis(
          explanation: Explanation(
            "the reference's \(word(.weight)) is \(rounding.explanation)",
            engine: "has its \(word(.weight)) \(rounding.explanation)"),
          change: .parameters([.weight: rounded])))
    }
    return result
  }
}

extension TensorData {
  /// A kernel with the mean of its input channels in each of them.
  fileprivate var averagedOverInputs: TensorData {
    let window = shape[2] * shape[3]
    var values = floats()
    for output in 0..<shape[0] {
      for tap in 0..<window {
        let places = (0..<shape[1]).map { (output * shape[1] + $0) * window + tap }
        let sum = places.reduce(0.0) { $0 + Double(values[$1]) }
        for place in places { values[place] = Float(sum / Double(places.count)) }
      }
    }
    return TensorData(shape: shape, values: values)
  }
}

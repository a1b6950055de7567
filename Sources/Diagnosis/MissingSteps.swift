import Comparison
import Inference
import ResNetV2
import Tensors

extension Diagnosis {
  /// What the reference does and the candidate does not, or the other way round, right at a layer;
  /// `nil` where no such step explains the difference.
  ///
  /// A framework that works in place hands out the value after the next step; and a bias can be missing
  /// from the network itself, not only from its values.
  func missingStep(of layer: LayerCase, limit: Double) throws -> Suspicion? {
    let node = comparison.candidate.graph.nodes[layer.node]
    let arithmetic = ReferenceArithmetic(pool: WorkerPool(threads: 1))
    var candidates: [(explanation: String, value: Activation)] = []
    switch node.operation {
    case .activation:
      let input = node.inputs.first.map { comparison.candidate.graph.nodes[$0].name }
      if let value = try input.flatMap({ try layer.input($0) }) {
        candidates.append(
          (
            words(
              "the reference has no \(node.operation.title) here",
              engine: "does not apply its \(node.operation.title)"), value
          ))
      }
    default:
      candidates.append(
        (
          words(
            "the reference's value is after a ReLU",
            engine: "gives its value after a ReLU, which is a layer of its own"),
          arithmetic.rectify(layer.found)
        ))
      if layer.found.shape.rank == 2 {
        candidates.append(
          (
            words(
              "the reference's value is after a softmax", engine: "gives its value after a softmax"),
            arithmetic.softmax(layer.found)
          ))
      }
    }
    if let value = layer.withMissingBias(of: node) {
      candidates.append(
        (
          words(
            "the reference adds a \(word(.bias)) here",
            engine: "adds a \(word(.bias)) that this network has not"), value
        ))
    }
    for (explanation, value) in candidates {
      let error = layer.error(of: value)
      if error <= limit, error < layer.error / 10 {
        return Suspicion(explanation: explanation, scaledError: error)
      }
    }
    return nil
  }
}

extension LayerCase {
  /// The candidate's value with a constant added to each channel, so that its mean is the expected one;
  /// `nil` for a layer that has no place for a bias, or has one.
  fileprivate func withMissingBias(of node: Node) -> Activation? {
    let takesBias =
      switch node.operation {
      case .convolution(let conv): !conv.hasBias
      case .dense(_, _, let hasBias): !hasBias
      default: false
      }
    let channels = found.shape[found.shape.rank - 1]
    // A constant for each channel explains any difference of one pixel.
    guard takesBias, found.values.count > channels else { return nil }
    let bias = meanDifference(expected, found, channels: channels)
    return Activation(
      shape: found.shape,
      values: found.values.enumerated().map { index, value in
        Float(Double(value) + bias[index % channels])
      })
  }
}

/// The mean over the pixels of what each channel of one value has more than that of another.
func meanDifference(_ first: Activation, _ second: Activation, channels: Int) -> [Double] {
  var sums = [Double](repeating: 0, count: channels)
  for (index, pair) in zip(first.values, second.values).enumerated() {
    sums[index % channels] += Double(pair.0) - Double(pair.1)
  }
  let count = Double(first.values.count / channels)
  return sums.map { $0 / count }
}

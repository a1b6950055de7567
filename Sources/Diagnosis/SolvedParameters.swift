import Comparison
import Inference
import ResNetV2
import Tensors

extension Diagnosis {
  /// What is wrong with one parameter of a layer, found by solving for it.
  ///
  /// From the layer's inputs and the values that it should have, a bias and each parameter of a
  /// norm follow if the others are right; of weights a common factor does, and all of them where
  /// there are enough pixels. Where that makes the layer agree, the difference from what is there
  /// is the mistake.
  func solvedParameter(of layer: LayerCase, limit: Double) throws -> Suspicion? {
    if let norm = rectifiedNorm(of: layer) {
      return try solvedParameter(of: layer, rectified: norm, limit: limit)
    }
    let node = comparison.candidate.graph.nodes[layer.node]
    // A norm is solved from what it reads: where that was not compared, it may itself be wrong.
    let input = layer.chain.count == 1 ? node.inputs.first : nil
    let values = try input.flatMap { try layer.input(comparison.candidate.graph.nodes[$0].name) }
    let channels = layer.expected.shape[layer.expected.shape.rank - 1]
    // One unknown follows from any one value: only a second one proves anything.
    let isProven = layer.expected.values.count / channels > 1
    var found: [SolvedChange] = []
    for parameter in node.parameters {
      for tensor in solved(parameter, of: node, input: values, layer: layer) {
        guard let error = try self.error(of: layer, under: .parameters([parameter.role: tensor])),
          layer.isExplained(error, limit: limit)
        else { continue }
        // What is solved for is as exact as float32 activations are.
        let own = parameters[parameter]
        let (right, wrong) = isOfEngine ? (own, tensor) : (tensor, own)
        let change = ValueChange(
          from: right, to: wrong, tolerance: 1e-4, words: channelWords(of: node))
        guard isProven || change.isSimple else { continue }
        found.append(solvedChange(change, of: parameter.role, error: error))
        break
      }
    }
    if let likely = likeliest(of: found) { return likely }
    return try values.flatMap { try solvedNorm(of: layer, input: $0, limit: limit) }
  }

  /// What was done to a parameter, in words.
  func solvedChange(
    _ change: ValueChange, of role: Parameter.Role, error: Double
  ) -> SolvedChange {
    let word = word(role)
    return SolvedChange(
      explanation: words(
        "\(word) \(change.explanation)", engine: "has a \(word) that \(change.explanation)"),
      isSimple: change.isSimple, error: error)
  }

  /// Several parameters can do the same to a layer: a mistake that is simply said is the likelier
  /// one.
  func likeliest(of found: [SolvedChange]) -> Suspicion? {
    let simple = found.filter(\.isSimple)
    let likely = simple.isEmpty ? found : simple
    guard let error = likely.map(\.error).max() else { return nil }
    return Suspicion(
      explanation: likely.map(\.explanation).joined(separator: ", or "), scaledError: error)
  }

  /// The values of a parameter with which the layer would agree, the simplest change first; none
  /// where they do not follow.
  private func solved(
    _ parameter: Parameter, of node: Node, input: Activation?, layer: LayerCase
  ) -> [TensorData] {
    guard parameter.role == .weight else {
      return [solvedVector(parameter, of: node, input: input, layer: layer)].compactMap { $0 }
    }
    let bias = bias(of: node, channels: parameter.shape[0])
    let values = input.flatMap {
      SolvedWeight(node.operation)?.values(input: $0, output: layer.expected, bias: bias)
    }
    return [
      scaledWeight(parameter, bias: bias, layer: layer),
      values.map { TensorData(shape: parameter.shape, values: $0) },
    ].compactMap { $0 }
  }

  private func solvedVector(
    _ parameter: Parameter, of node: Node, input: Activation?, layer: LayerCase
  ) -> TensorData? {
    let channels = parameter.shape.elementCount
    guard parameter.shape.rank == 1, layer.expected.values.count.isMultiple(of: channels) else {
      return nil
    }
    if parameter.role == .bias {
      let shift = meanDifference(layer.expected, layer.found, channels: channels)
      let bias = parameters[parameter].floats()
      return TensorData(
        shape: parameter.shape, values: zip(bias, shift).map { Float(Double($0) + $1) })
    }
    guard case .norm(.batch(let epsilon), _, _) = node.operation, let input else { return nil }
    let norm = BatchNorm(node, parameters, epsilon: epsilon)
    let values = norm.solved(
      parameter.role, input: input.values, output: layer.expected.values)
    return values.map { TensorData(shape: parameter.shape, values: $0) }
  }

  /// The weights times the factor between what the layer gives and what it should, beside its bias.
  private func scaledWeight(
    _ weight: Parameter, bias: [Double], layer: LayerCase
  ) -> TensorData? {
    let channels = bias.count
    var product = 0.0
    var square = 0.0
    for (index, pair) in zip(layer.found.values, layer.expected.values).enumerated() {
      let found = Double(pair.0) - bias[index % channels]
      product += found * (Double(pair.1) - bias[index % channels])
      square += found * found
    }
    let factor = product / square
    guard factor.isFinite else { return nil }
    return TensorData(
      shape: weight.shape, values: parameters[weight].floats().map { Float(Double($0) * factor) })
  }
}

/// A change of one parameter with which a layer agrees.
struct SolvedChange {
  let explanation: String
  /// Whether one thing was done to all values.
  let isSimple: Bool
  let error: Double
}

import Comparison
import Inference
import ResNetV2
import Tensors

extension Diagnosis {
  /// Other functions in the place of a layer's own.
  func functions(of index: Int, _ layer: LayerCase) throws -> [Hypothesis] {
    let graph = comparison.candidate.graph
    let node = graph.nodes[index]
    guard index == layer.node, case .activation(let own) = node.operation,
      let input = try node.inputs.first.flatMap({ try layer.input(graph.nodes[$0].name) })
    else { return [] }
    let arithmetic = ReferenceArithmetic(pool: WorkerPool(threads: 1))
    return ActivationFunction.usual.filter { $0 != own }.map { function in
      Hypothesis(
        explanation: Explanation(
          "it should be \(function.title)",
          engine: "computes \(function.title); this network computes \(own.title)"),
        change: .value { arithmetic.apply(function, to: input) })
    }
  }

  /// What an engine reads that passes over a layer before: its input in the place of its value.
  func layersPassedOver(before index: Int, _ layer: LayerCase) throws -> [Hypothesis] {
    let executor = comparison.candidate
    let graph = executor.graph
    let node = graph.nodes[index]
    guard isOfEngine, index == layer.node else { return [] }
    let inputs = try node.inputs.compactMap { try layer.input(graph.nodes[$0].name) }
    guard inputs.count == node.inputs.count else { return [] }
    return try node.inputs.indices.flatMap { place in
      let passedOver = graph.nodes[node.inputs[place]]
      return try passedOver.inputs.compactMap { before -> Hypothesis? in
        guard let value = try layer.input(graph.nodes[before].name),
          value.shape == inputs[place].shape
        else { return nil }
        let (own, other) = (
          displayName(of: passedOver.name), displayName(of: graph.nodes[before].name)
        )
        return Hypothesis(
          explanation: Explanation(
            "it should read \(other), not \(own)",
            engine: "reads \(other); in this network it reads \(own)"),
          change: .value {
            var changed = inputs
            changed[place] = value
            return try executor.evaluate(index, inputs: changed)
          })
      }
    }
  }

  /// Values that only the reference has, in the place of what a layer reads: those of a layer that was left out.
  func layersLeftOut(before index: Int, _ layer: LayerCase) throws -> [Hypothesis] {
    let executor = comparison.candidate
    let graph = executor.graph
    let node = graph.nodes[index]
    guard index == layer.node else { return [] }
    let inputs = try node.inputs.compactMap { try layer.input(graph.nodes[$0].name) }
    guard inputs.count == node.inputs.count else { return [] }
    return try inputs.indices.flatMap { place in
      try layer.onlyOfReference(inputs[place].shape).map { name, value in
        Hypothesis(
          explanation: Explanation(
            "it should read \(name), which is no layer here",
            engine: "reads \(name), which is no layer of this network"),
          change: .value {
            var changed = inputs
            changed[place] = value
            return try executor.evaluate(index, inputs: changed)
          })
      }
    }
  }
}

extension ActivationFunction {
  /// The functions as they are mostly used, the simplest first.
  fileprivate static let usual: [ActivationFunction] = [
    .relu, .softmax, .sigmoid, .tanh, .relu6, .leakyRelu(slope: 0.01), .leakyRelu(slope: 0.1),
    .leakyRelu(slope: 0.2), .leakyRelu(slope: 0.3), .elu(alpha: 1), .selu, .gelu, .geluTanh, .silu,
    .softplus, .hardSigmoid(slope: 1 / 6), .hardSigmoid(slope: 0.2), .hardSwish,
  ]
}

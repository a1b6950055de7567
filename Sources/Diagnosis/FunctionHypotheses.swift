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
    guard isOfEngine, let reading = try reading(of: index, layer) else { return [] }
    let nodes = comparison.candidate.graph.nodes
    return try nodes[index].inputs.enumerated().flatMap { place, passedOver in
      try nodes[passedOver].inputs.compactMap { before -> Hypothesis? in
        guard let value = try layer.input(nodes[before].name),
          value.shape == reading.values[place].shape
        else { return nil }
        let (own, other) = (
          displayName(of: nodes[passedOver].name), displayName(of: nodes[before].name)
        )
        return Hypothesis(
          explanation: Explanation(
            "it should read \(other), not \(own)",
            engine: "reads \(other); in this network it reads \(own)"),
          change: reading.with(value, place))
      }
    }
  }

  /// Values that only the reference has, in the place of what a layer reads: those of a layer that was left out.
  func layersLeftOut(before index: Int, _ layer: LayerCase) throws -> [Hypothesis] {
    guard let reading = try reading(of: index, layer) else { return [] }
    return try reading.values.enumerated().flatMap { place, read in
      try layer.onlyOfReference(read.shape).map { name, value in
        Hypothesis(
          explanation: Explanation(
            "it should read \(name), which is no layer here",
            engine: "reads \(name), which is no layer of this network"),
          change: reading.with(value, place))
      }
    }
  }

  /// What the layer itself reads; `nil` for one before it, or where some of that is not known.
  private func reading(of index: Int, _ layer: LayerCase) throws -> Reading? {
    let executor = comparison.candidate
    let node = executor.graph.nodes[index]
    guard index == layer.node else { return nil }
    let values = try node.inputs.compactMap { try layer.input(executor.graph.nodes[$0].name) }
    guard values.count == node.inputs.count else { return nil }
    return Reading(values: values, executor: executor, node: index)
  }
}

/// The values that a layer reads.
private struct Reading {
  let values: [Activation]
  let executor: any Executor
  let node: Int

  /// What the layer gives with another value in one place.
  func with(_ value: Activation, _ place: Int) -> Hypothesis.Change {
    .value {
      var changed = values
      changed[place] = value
      return try executor.evaluate(node, inputs: changed)
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

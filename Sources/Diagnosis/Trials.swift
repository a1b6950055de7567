import Comparison
import Inference
import ResNetV2
import Tensors

extension Diagnosis {
  /// The simplest of the hypotheses that put a layer right; `nil` where none does.
  func bestHypothesis(
    for layer: LayerCase, values: () throws -> TrueValues, limit: Double
  ) throws -> Suspicion? {
    var found: [(explanation: String, layouts: LayoutMistake?, error: Double)] = []
    for index in layer.chain {
      let probe = try probe(of: index, layer, limit: limit)
      for hypothesis in try hypotheses(for: index, of: layer, probe: probe) {
        guard let error = try self.error(of: layer, under: hypothesis.change, at: index, probe),
          layer.isExplained(error, limit: limit)
        else { continue }
        // A layer that could not be compared itself is named.
        let name = comparison.candidate.graph.nodes[index].name
        let other = index == layer.node ? "" : "\(displayName(of: name)): "
        var layouts: LayoutMistake?
        if case .rearrangement(let rearrangement) = hypothesis.change {
          layouts = rearrangement.layouts
        }
        found.append((other + words(hypothesis.explanation), layouts, error))
      }
    }
    // What differs by noise only explains equally well: of that the simplest, which comes first.
    let least = found.map(\.error).min() ?? 0
    let best = found.first { $0.error <= max(Limits.float32Noise, 2 * least) }
    return try best.map { best in
      let ofMany =
        isOfEngine
        ? nil : try best.layouts.flatMap { try mistake($0, ofAll: values, limit: limit) }
      return Suspicion(explanation: ofMany ?? best.explanation, scaledError: best.error)
    }
  }

  /// A few values of a layer that depend on the weights of one of its nodes alone; `nil` where there are
  /// none.
  func probe(of index: Int, _ layer: LayerCase, limit: Double) throws -> WeightProbe? {
    let graph = comparison.candidate.graph
    let node = graph.nodes[index]
    let rest = layer.chain.drop { $0 != index }.dropFirst()
    let isAfterSoftmax = rest.count == 1 && graph.nodes[layer.node].operation == .softmax
    guard rest.isEmpty || isAfterSoftmax, layer.chain.first == index,
      let weight = node.parameters.first(where: { $0.role == .weight }),
      let input = try node.inputs.first.flatMap({ try layer.input(graph.nodes[$0].name) })
    else { return nil }
    return WeightProbe(
      node.operation, weight: weight.shape, input: input, expected: layer.expected,
      bias: bias(of: node, channels: weight.shape[0]), limit: limit,
      isAfterSoftmax: isAfterSoftmax)
  }

  /// What is added to each output channel.
  func bias(of node: Node, channels: Int) -> [Double] {
    node.parameters.first { $0.role == .bias }.map { parameters[$0].floats().map(Double.init) }
      ?? Array(repeating: 0, count: channels)
  }

  /// The layer's scaled error with a change; `nil` where the change does not fit the network, or a probe
  /// tells that it puts nothing right.
  func error(
    of layer: LayerCase, under change: Hypothesis.Change, at index: Int? = nil,
    _ probe: WeightProbe? = nil
  ) throws -> Double? {
    let graph = comparison.candidate.graph
    let node = graph.nodes[index ?? layer.node]
    switch change {
    case .parameters(let tensors):
      if let probe, let weight = tensors[.weight], tensors.count == 1,
        !weight.withFloats({ probe.allows($0) })
      {
        return nil
      }
      var parameters = parameters
      for parameter in node.parameters {
        guard let tensor = tensors[parameter.role] else { continue }
        parameters = parameters.replacing(parameter, with: tensor)
      }
      return try layer.error(of: try makeExecutor(graph, parameters))
    case .rearrangement(let rearrangement):
      guard let weight = node.parameters.first(where: { $0.role == .weight }) else { return nil }
      let found = parameters[weight]
      if let lost = rearrangement.lost {
        guard let index, index == layer.node else { return nil }
        return try error(of: layer, under: rearrangement, without: lost, weight)
      }
      if let probe, !found.withFloats({ probe.allows(rearrangement, on: $0) }) { return nil }
      return try error(
        of: layer, under: .parameters([.weight: rearrangement.undone(on: found)]), at: index)
    case .configuration(let configuration):
      guard let changed = try? Graph(configuration) else { return nil }
      return try layer.error(of: try makeExecutor(changed, parameters))
    case .value(let makeValue):
      return try makeValue().map { layer.error(of: $0) }
    }
  }

  /// The error with weights in their order, the lost ones among them by least squares.
  private func error(
    of layer: LayerCase, under rearrangement: Rearrangement, without lost: Rearrangement.Lost,
    _ weight: Parameter
  ) throws -> Double? {
    let graph = comparison.candidate.graph
    let node = graph.nodes[layer.node]
    guard layer.chain.count == 1, let solver = SolvedWeight(node.operation),
      let input = try node.inputs.first.flatMap({ try layer.input(graph.nodes[$0].name) })
    else { return nil }
    let window = weight.shape.elementCount / weight.shape[0]
    // Weights that nearly all follow from what the layer should give would fit anything.
    let pixels = layer.expected.values.count / weight.shape[0]
    guard lost.taps.count * 2 <= window, pixels > lost.taps.count + 2 else { return nil }
    var values = rearrangement.undone(on: parameters[weight]).floats()
    for output in lost.outputs {
      for tap in lost.taps { values[output * window + tap] = 0 }
    }
    let known = try makeExecutor(
      graph,
      parameters.replacing(weight, with: TensorData(shape: weight.shape, values: values)))
    guard let value = try layer.value(of: known) else { return nil }
    let rest = Activation(
      shape: value.shape, values: zip(layer.expected.values, value.values).map { $0 - $1 })
    let none = [Double](repeating: 0, count: weight.shape[0])
    guard
      let solved = solver.values(
        input: input, output: rest, bias: none, taps: lost.taps, outputs: lost.outputs)
    else { return nil }
    for (number, output) in lost.outputs.enumerated() {
      for (place, tap) in lost.taps.enumerated() {
        values[output * window + tap] = solved[number * lost.taps.count + place]
      }
    }
    return try error(
      of: layer,
      under: .parameters([.weight: TensorData(shape: weight.shape, values: values)]))
  }
}

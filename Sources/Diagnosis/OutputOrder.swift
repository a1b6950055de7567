import Comparison
import Inference
import ResNetV2
import Tensors

extension Diagnosis {
  /// The output channels or classes of a layer in another order: with their biases, or of the weights
  /// alone.
  func outputOrder(of layer: LayerCase, limit: Double) throws -> Suspicion? {
    let graph = comparison.candidate.graph
    let own = graph.nodes[layer.node]
    // A head's layer may include the softmax, which keeps the order.
    let weighted =
      own.operation == .softmax && layer.chain.count == 2 ? graph.nodes[layer.chain[0]] : own
    let outputs = channelWords(of: weighted).outputs
    let channels = layer.expected.shape[layer.expected.shape.rank - 1]
    guard channels > 1 else { return nil }
    let whole = ChannelValues(layer.found, layer.expected, bias: nil, limit: limit)
    if let order = whole.order() {
      let error = layer.error(of: layer.found.reordered(order))
      if layer.isExplained(error, limit: limit) {
        return Suspicion(
          explanation: words(
            "its \(outputs) are in another order: \(order.explanation)",
            engine: "has its \(outputs) in another order: \(order.inverse.explanation)"),
          scaledError: error)
      }
    }
    guard let weight = weighted.parameters.first(where: { $0.role == .weight }),
      let sizes = Rearrangement.Sizes(weight.shape), sizes.outputs == channels,
      weighted.parameters.contains(where: { $0.role == .bias })
    else { return nil }
    let bias = bias(of: weighted, channels: channels)
    var pair = ChannelValues(layer.found, layer.expected, bias: bias, limit: limit)
    if weighted.name != own.name {
      guard
        let logits = try layer.beforeSoftmax(
          of: weighted, bias: bias, makeExecutor(graph, parameters))
      else { return nil }
      pair = logits
    }
    guard let order = pair.order() else { return nil }
    let rearrangement = Rearrangement("", sizes) { sizes.index(order.places[$0], $1, $2, $3) }
    let error = try self.error(
      of: layer, under: .rearrangement(rearrangement), at: graph.index(of: weighted.name))
    guard let error, layer.isExplained(error, limit: limit) else { return nil }
    return Suspicion(
      explanation: words(
        "\(word(.weight)) has its \(outputs) in another order, its \(word(.bias)) not: "
          + order.explanation,
        engine: "has a \(word(.weight)) with its \(outputs) in another order, and its "
          + "\(word(.bias)) not: \(order.inverse.explanation)"), scaledError: error)
  }
}

extension LayerCase {
  /// What a matrix gives before its softmax, and what it should, without its bias: of each image, less
  /// the mean over the classes, which a softmax forgets.
  fileprivate func beforeSoftmax(
    of dense: Node, bias: [Double], _ executor: any Executor
  ) throws -> ChannelValues? {
    guard let index = executor.graph.index(of: dense.name),
      let input = try input(executor.graph.nodes[dense.inputs[0]].name)
    else { return nil }
    let channels = bias.count
    let found = try executor.evaluate(index, inputs: [input]).values.map(Double.init)
    let logits = expected.values.map { naturalLogarithm(Double($0)) }
    guard found.count == logits.count, logits.allSatisfy(\.isFinite) else { return nil }
    func centred(_ values: [Double]) -> [Double] {
      var result = values.enumerated().map { $1 - bias[$0 % channels] }
      for start in stride(from: 0, to: result.count, by: channels) {
        let mean = result[start..<start + channels].reduce(0, +) / Double(channels)
        for place in start..<start + channels { result[place] -= mean }
      }
      return result
    }
    let (values, right) = (centred(found), centred(logits))
    let scale = right.map(\.magnitude).max() ?? 0
    // Probabilities are known to a few units of their last place, and so are their logarithms.
    return ChannelValues(values, right, channels: channels, tolerance: 1e-4 * scale)
  }
}

extension Activation {
  /// The value with every channel put where it belongs.
  fileprivate func reordered(_ order: ChannelOrder) -> Activation {
    let channels = order.places.count
    return Activation(
      shape: shape,
      values: values.indices.map {
        values[$0 - $0 % channels + order.places[$0 % channels]]
      })
  }
}

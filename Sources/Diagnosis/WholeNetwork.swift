import Comparison
import Inference
import ResNetV2
import Tensors

extension Diagnosis {
  /// What is suspected of one kernel, said of all that have the same mistake: a file in another framework's
  /// order; `nil` where it is the only one.
  func mistake(
    _ layouts: LayoutMistake, ofAll values: () throws -> TrueValues, limit: Double
  ) throws -> String? {
    guard layouts.actual.axes.count == 4 else { return nil }
    let graph = comparison.candidate.graph
    let truth = try values()
    var count = 0
    var affected = 0
    for node in graph.nodes {
      guard case .convolution = node.operation,
        let weight = node.parameters.first(where: { $0.role == .weight }),
        let sizes = Rearrangement.Sizes(weight.shape)
      else { continue }
      count += 1
      let rearrangement = layouts.rearrangement(sizes)
      let found = parameters[weight]
      if let right = referenceTensor(of: weight) {
        if !matches(found, right), matches(rearrangement.undone(on: found), right) { affected += 1 }
        continue
      }
      // The values are asked for in the order of the graph, as they may be computed as they come.
      guard let expected = try truth.expected(node.name),
        let input = try node.inputs.first.flatMap({ try truth.input(graph.nodes[$0].name) }),
        let probe = WeightProbe(
          node.operation, weight: weight.shape, input: input, expected: expected,
          bias: bias(of: node, channels: weight.shape[0]), limit: limit)
      else { continue }
      let isAffected = found.withFloats { values in
        !probe.allows(values) && probe.allows(rearrangement, on: values)
      }
      if isAffected { affected += 1 }
    }
    guard affected > 1 else { return nil }
    let kernels = affected == count ? "all \(count) kernels" : "\(affected) of \(count) kernels"
    return layouts.explanation(of: kernels)
  }

  /// The reference's tensor for a parameter, where it has one of the same shape.
  private func referenceTensor(of parameter: Parameter) -> TensorData? {
    reference.flatMap { reference in
      reference.graph.parameters.first {
        $0.name == parameter.name && $0.shape == parameter.shape
      }.map { reference.parameters[$0] }
    }
  }
}

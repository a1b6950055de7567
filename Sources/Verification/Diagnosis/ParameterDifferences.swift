import Inference
import ResNetV2
import Tensors

extension Diagnosis {
  /// What is wrong with the parameters of a layer, by looking at the reference's own; `nil` where
  /// it has none, or they are the same.
  func differingParameters(of node: Int, _ layer: LayerCase?) throws -> Suspicion? {
    let node = comparison.candidate.graph.nodes[node]
    guard let reference,
      let other = reference.graph.index(of: node.name).map({ reference.graph.nodes[$0] })
    else { return nil }
    let expected = Dictionary(
      uniqueKeysWithValues: other.parameters.map { ($0.role, reference.parameters[$0]) })
    let differing = node.parameters.filter { parameter in
      expected[parameter.role].map { !matches(parameters[parameter], $0) } ?? true
    }
    guard !differing.isEmpty else { return nil }
    let text =
      explanationOfSwap(differing, expected: expected)
      ?? differing.map { explanation(of: $0, expected: expected[$0.role]) }.joined(separator: "; ")
    let corrected = expected.filter { role, tensor in
      differing.contains { $0.role == role && $0.shape == tensor.shape }
    }
    let error = try layer.flatMap { try self.error(of: $0, under: .parameters(corrected)) }
    return Suspicion(explanation: text, scaledError: error)
  }

  private func explanationOfSwap(
    _ differing: [Parameter], expected: [Parameter.Role: TensorData]
  ) -> String? {
    guard differing.count == 2, let first = expected[differing[0].role],
      let second = expected[differing[1].role], matches(parameters[differing[0]], second),
      matches(parameters[differing[1]], first)
    else { return nil }
    return "\(word(differing[0].role)) and \(word(differing[1].role)) are swapped"
  }

  private func explanation(of parameter: Parameter, expected: TensorData?) -> String {
    let word = word(parameter.role)
    guard let expected, expected.shape == parameter.shape else {
      return "the reference has no such \(word) here"
    }
    let found = parameters[parameter]
    if let place = place(of: found, for: parameter) { return "\(word) is that of \(place)" }
    for rearrangement in Rearrangement.all(for: parameter.shape)
    where matches(rearrangement.undone(on: found), expected) {
      return "\(word) \(rearrangement.explanation)"
    }
    return "\(word) " + ValueChange(from: expected, to: found).explanation
  }

  /// The layer, or the other tensor of this layer, that a tensor really belongs to.
  private func place(of tensor: TensorData, for parameter: Parameter) -> String? {
    guard let reference, parameter.shape.elementCount > 1 else { return nil }
    let others = reference.graph.parameters.filter {
      $0.name != parameter.name && $0.shape == parameter.shape
    }
    // The first values decide for nearly all tensors, so that few are read as a whole.
    guard let place = others.first(where: { matches(tensor, reference.parameters[$0]) }) else {
      return nil
    }
    if place.node == parameter.node { return word(place.role) }
    let name = displayName(of: place.node)
    return place.role == parameter.role ? name : "\(name), \(word(place.role))"
  }

  /// Whether two tensors have the same values, up to the rounding of the precision that is
  /// compared.
  private func matches(_ first: TensorData, _ second: TensorData) -> Bool {
    guard first.shape == second.shape else { return false }
    let tolerance = comparison.limits.isolated > 10 * Limits.float32 ? 1e-2 : 1e-6
    return first.withFloats { first in
      second.withFloats { second in
        let head = min(first.count, 64)
        // A rough look at the first values spares reading most tensors as a whole.
        let start = DifferenceStatistics(
          candidate: UnsafeBufferPointer(rebasing: first[..<head]),
          reference: UnsafeBufferPointer(rebasing: second[..<head]), limit: .infinity)
        guard start.scaledError <= 64 * tolerance else { return false }
        return DifferenceStatistics(candidate: first, reference: second, limit: .infinity)
          .scaledError <= tolerance
      }
    }
  }
}

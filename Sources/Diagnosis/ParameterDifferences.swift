import Comparison
import Inference
import ResNetV2
import Tensors

extension Diagnosis {
  /// What is wrong with the parameters of a layer, by looking at the reference's own; `nil` where
  /// it has none, or they are the same.
  func differingParameters(
    of node: Int, _ layer: LayerCase?, values: () throws -> TrueValues, limit: Double
  ) throws -> Suspicion? {
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
      ?? defaults(of: node, among: Set(differing.map(\.role)))
      ?? explanationOfOrder(differing, of: node, expected: expected)
      ?? explanationOfNorm(differing, of: node, expected: expected)
      ?? explanationOfMultiplication(differing, of: node, expected: expected)
      ?? differing.map { explanation(of: $0, in: node, expected: expected[$0.role]) }
      .joined(separator: "; ")
    let corrected = expected.filter { role, tensor in
      differing.contains { $0.role == role && $0.shape == tensor.shape }
    }
    let error = try layer.flatMap { try self.error(of: $0, under: .parameters(corrected)) }
    let only = differing.count == 1 ? differing.first : nil
    let layouts = only.flatMap { only in
      expected[only.role].flatMap { rearrangement(from: $0, to: parameters[only])?.layouts }
    }
    let ofMany = try layouts.flatMap {
      text.contains($0.explanation) ? try mistake($0, ofAll: values, limit: limit) : nil
    }
    return Suspicion(explanation: ofMany ?? text, scaledError: error)
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

  /// All tensors of the layer have their channels in the same other order.
  private func explanationOfOrder(
    _ differing: [Parameter], of node: Node, expected: [Parameter.Role: TensorData]
  ) -> String? {
    let channels = node.parameters.first?.shape[0]
    var result: ChannelOrder?
    for parameter in differing {
      guard let right = expected[parameter.role], right.shape == parameter.shape,
        parameter.shape[0] == channels,
        let order = ValueChange(from: right, to: parameters[parameter]).channelOrder,
        order.isOutput, result == nil || order.order == result
      else { return nil }
      result = order.order
    }
    guard let result, differing.count == node.parameters.count, differing.count > 1 else {
      return nil
    }
    let words =
      if case .norm = node.operation { "channels" } else { channelWords(of: node).outputs }
    return "its \(words) are in another order: \(result.explanation)"
  }

  /// A norm's statistics in another form, or applied already.
  private func explanationOfNorm(
    _ differing: [Parameter], of node: Node, expected: [Parameter.Role: TensorData]
  ) -> String? {
    guard differing.count == 1, let right = expected[differing[0].role] else { return nil }
    return statistics(of: node).first { hypothesis in
      guard case .parameters(let tensors) = hypothesis.change,
        let tensor = tensors[differing[0].role]
      else { return false }
      return DifferenceStatistics(tensor.floats(), right.floats()).scaledError <= 1e-5
    }?.explanation.ofNetwork
  }

  /// A kernel that was already multiplied by the norm after it.
  private func explanationOfMultiplication(
    _ differing: [Parameter], of node: Node, expected: [Parameter.Role: TensorData]
  ) -> String? {
    guard differing.count == 1, let right = expected[.weight] else { return nil }
    return multipliedKernel(of: node).first { hypothesis in
      guard case .parameters(let tensors) = hypothesis.change, let tensor = tensors[.weight] else {
        return false
      }
      return DifferenceStatistics(tensor.floats(), right.floats()).scaledError <= 1e-5
    }?.explanation.ofNetwork
  }

  private func explanation(
    of parameter: Parameter, in node: Node, expected: TensorData?
  ) -> String {
    let word = word(parameter.role)
    guard let expected, expected.shape == parameter.shape else {
      return "the reference has no such \(word) here"
    }
    let found = parameters[parameter]
    if let place = place(of: found, for: parameter) { return "\(word) is that of \(place)" }
    let change = ValueChange(from: expected, to: found, words: channelWords(of: node))
    // Small kernels may be explained in more than one way: what keeps channels whole is the simpler.
    if let order = change.channelOrder, parameter.shape.rank == 2 || !order.isOutput {
      return "\(word) \(change.explanation)"
    }
    if let rearrangement = rearrangement(from: expected, to: found) {
      return "\(word) \(rearrangement.explanation)"
    }
    return "\(word) " + change.explanation
  }

  /// The mistake in the order of the values.
  func rearrangement(from right: TensorData, to found: TensorData) -> Rearrangement? {
    found.withFloats { found in
      right.withFloats { expected in
        guard let largest = expected.map(\.magnitude).max(), largest.isFinite else { return nil }
        return Rearrangement.all(for: right.shape).first {
          $0.explains(found, expected, tolerance: Float(tolerance) * largest)
        }
      }
    }
  }

  /// Up to which scaled difference tensors are the same: the rounding of the precision compared.
  private var tolerance: Double { comparison.limits.isolated > 10 * Limits.float32 ? 1e-2 : 1e-6 }

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
  func matches(_ first: TensorData, _ second: TensorData) -> Bool {
    guard first.shape == second.shape else { return false }
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

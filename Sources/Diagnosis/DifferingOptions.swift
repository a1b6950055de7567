import Comparison
import Families
import Inference
import ResNetV2

extension Diagnosis {
  /// What the layer computes otherwise than the reference's; `nil` where it is the same, or not
  /// known.
  func differingOptions(of node: Int, truth: any LayerTruth) -> Suspicion? {
    let graph = comparison.candidate.graph
    let own = graph.nodes[node]
    guard let other = truth.layer(of: own) ?? layerOfReference(node) else { return nil }
    var differences =
      other.operation.map { own.operation.differences(from: $0) }
      ?? ["it is \(own.operation.title), the reference's is \(other.title)"]
    var (inputs, otherInputs) = (own.inputs.map { graph.nodes[$0].name }, other.inputs)
    // A sum is the same in either order.
    if own.operation == .add { (inputs, otherInputs) = (inputs.sorted(), otherInputs.sorted()) }
    if inputs != otherInputs {
      let names = [inputs, otherInputs].map { $0.map(displayName).joined(separator: " and ") }
      differences.append("it reads \(names[0]), the reference's reads \(names[1])")
    }
    guard !differences.isEmpty else { return nil }
    return Suspicion(explanation: differences.joined(separator: "; "), scaledError: nil)
  }

  private func layerOfReference(_ node: Int) -> LayerDescription? {
    let graph = comparison.candidate.graph
    guard let other = reference?.graph, let index = graph.counterpart(of: node, in: other)
    else { return nil }
    return LayerDescription(
      operation: other.nodes[index].operation, inputs: other.inputNames(of: index, namedLike: graph)
    )
  }
}

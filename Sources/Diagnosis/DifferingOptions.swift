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
    guard let other = truth.layer(of: own) ?? layerOfReference(own) else { return nil }
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

  private func layerOfReference(_ node: Node) -> LayerDescription? {
    guard let reference, let index = reference.graph.index(of: node.name) else { return nil }
    let other = reference.graph.nodes[index]
    return LayerDescription(
      operation: other.operation, inputs: other.inputs.map { reference.graph.nodes[$0].name })
  }
}

extension Operation {
  /// The options in which two operations differ, each as a phrase.
  fileprivate func differences(from other: Operation) -> [String] {
    func difference<Value: Equatable>(
      _ name: String, _ value: Value, _ expected: Value, _ text: (Value) -> String
    ) -> [String] {
      value == expected
        ? [] : ["\(name) is \(text(value)), the reference's is \(text(expected))"]
    }
    switch (self, other) {
    case (.convolution(let own), .convolution(let other)):
      return difference("the stride", own.stride, other.stride) { "\($0)" }
        + difference("the padding", own.padding, other.padding) { $0.title }
        + difference("the bias", own.hasBias, other.hasBias) { $0 ? "there" : "missing" }
        + difference(
          "ε of weight standardisation", own.weightStandardizationEpsilon,
          other.weightStandardizationEpsilon
        ) { $0.map { "\($0)" } ?? "missing" }
    case (.norm(.batch(let own), _, _), .norm(.batch(let other), _, _)):
      return difference("ε", own, other) { "\($0)" }
    case (
      .norm(.group(let count, let own), _, _), .norm(.group(let otherCount, let other), _, _)
    ):
      return difference("ε", own, other) { "\($0)" }
        + difference("the number of groups", count, otherCount) { "\($0)" }
    case (.maxPool(let own), .maxPool(let other)), (.averagePool(let own), .averagePool(let other)):
      return difference("the border", own.padding, other.padding) { $0.title }
        + difference("the stride", own.stride, other.stride) { "\($0)" }
    case (.subsample(let own), .subsample(let other)):
      return difference("the stride", own, other) { "\($0)" }
    default:
      return difference("it", title, other.title) { $0 }
    }
  }
}

extension Operation.Convolution.Padding {
  /// The border, in a few words.
  fileprivate var title: String {
    switch self {
    case .each(let padding): "\(padding)"
    case .same: "TensorFlow's SAME"
    }
  }
}

extension Operation.Pool.Padding {
  /// How the border is filled, in a few words.
  fileprivate var title: String {
    switch self {
    case .zero: "zeros"
    case .ignored: "left out"
    case .same: "TensorFlow's SAME"
    }
  }
}

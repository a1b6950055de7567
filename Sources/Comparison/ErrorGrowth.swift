/// How the propagated error grows from layer to layer.
package struct ErrorGrowth: Hashable, Sendable {
  /// The layers in the order of the graph.
  package let steps: [Step]

  /// One layer: what came in, what goes out.
  package struct Step: Hashable, Sendable {
    /// The index of the node.
    package let node: Int
    /// The name that people know.
    package let displayName: String
    /// The layer's propagated scaled error.
    package let error: Double
    /// The largest propagated error of the compared layers that it reads; 0 where it reads the input.
    package let carried: Double
    /// The error that it makes from inputs that are right, where that was measured.
    package let own: Double?

    /// What the layer adds to the error; negative where the error shrinks.
    package var added: Double { error - carried }
  }

  /// The layer that adds most.
  package var largest: Step? {
    steps.filter { $0.added.isFinite }.max { ($0.added, $1.node) < ($1.added, $0.node) }
  }
}

extension Comparison.Outcome {
  /// How the propagated error grows; no steps where only isolated layers were compared.
  package var growth: ErrorGrowth {
    let byNode = Dictionary(uniqueKeysWithValues: layers.map { ($0.node, $0) })
    let steps = layers.compactMap { layer -> ErrorGrowth.Step? in
      guard let error = layer.propagated?.scaledError else { return nil }
      let inputs = comparedInputs(of: layer.node, among: byNode).compared
      return ErrorGrowth.Step(
        node: layer.node, displayName: layer.displayName, error: error,
        carried: inputs.compactMap { $0.propagated?.scaledError }.max() ?? 0,
        own: layer.isolated?.scaledError)
    }
    return ErrorGrowth(steps: steps)
  }
}

import Families
package import Inference
package import ResNetV2
import Tensors

/// Finds out why a comparison failed: which layer is wrong by itself, and what is wrong with it.
///
/// Layers are run alone on the reference's values, so what is found does not depend on what went
/// wrong before. Hypotheses are tried on the one layer only; they cost as much as that layer each.
package struct Diagnosis: Sendable {
  /// The comparison that failed.
  package let comparison: Comparison

  /// The candidate's parameters.
  package let parameters: Parameters

  /// The reference's network and parameters, where it has any.
  package let reference: Network?

  /// What the family calls the parameters, such as `gamma`; canonical words where it says nothing.
  package let words: [Parameter.Role: String]

  /// When the search ends, found or not.
  package let deadline: Deadline?

  /// Makes an executor of a changed network.
  package let makeExecutor: @Sendable (Graph, Parameters) throws -> any Executor

  /// A graph with its parameters.
  package struct Network: Sendable {
    let graph: Graph
    let parameters: Parameters

    /// Puts both together.
    package init(graph: Graph, parameters: Parameters) {
      self.graph = graph
      self.parameters = parameters
    }
  }

  /// Prepares a diagnosis.
  package init(
    of comparison: Comparison, parameters: Parameters, reference: Network? = nil,
    words: [Parameter.Role: String] = [:], deadline: Deadline? = nil,
    makeExecutor: @escaping @Sendable (Graph, Parameters) throws -> any Executor
  ) {
    self.deadline = deadline
    self.comparison = comparison
    self.parameters = parameters
    self.reference = reference
    self.words = words
    self.makeExecutor = { graph, parameters in
      let executor = try makeExecutor(graph, parameters)
      guard let deadline else { return executor }
      return BoundedExecutor(base: executor, deadline: deadline)
    }
  }
}

extension Diagnosis {
  /// Completes a failed comparison with another executor.
  ///
  /// Adds isolated figures up to the first failure, and the suspicion.
  ///
  /// - Parameters:
  ///   - result: the comparison; one that passes comes back as it is.
  ///   - executor: the reference.
  ///   - input: one input on which the comparison failed.
  /// - Returns: the completed comparison.
  /// - Throws: what an executor throws.
  package func explain(
    _ result: Comparison.Outcome, against executor: any Executor, input: Activation
  ) throws -> Comparison.Outcome {
    try explain(result) { isolated in
      try isolated.run(against: executor, inputs: [input])
    } values: {
      let values = LiveValues(executor)
      try values.begin(with: input)
      return values
    }
  }

  /// Completes a failed comparison with an archive in the same way.
  package func explain(
    _ result: Comparison.Outcome, against archive: ActivationArchive
  ) throws -> Comparison.Outcome {
    try explain(result, against: archive, input: try archive.input())
  }

  /// Completes a failed comparison with any truth in the same way.
  package func explain(
    _ result: Comparison.Outcome, against truth: some LayerTruth, input: Activation
  ) throws -> Comparison.Outcome {
    try explain(result, truth: truth) { isolated in
      try isolated.run(against: truth, input: input)
    } values: {
      try TrueValues(truth, candidate: comparison.candidate, input: input)
    }
  }

  private func explain(
    _ result: Comparison.Outcome, truth: (any LayerTruth)? = nil,
    isolate: (Comparison) throws -> Comparison.Outcome,
    values: () throws -> any ReferenceValues
  ) throws -> Comparison.Outcome {
    var result = result
    do {
      try complete(&result, truth: truth, isolate: isolate, values: values)
    } catch is Deadline.Passed {
      result.searchedSeconds = deadline?.seconds
    }
    return result
  }

  private func complete(
    _ result: inout Comparison.Outcome, truth: (any LayerTruth)?,
    isolate: (Comparison) throws -> Comparison.Outcome,
    values: () throws -> any ReferenceValues
  ) throws {
    guard let failure = result.layers.first(where: { !$0.passes }) else { return }
    if !result.layers.contains(where: { $0.isolated != nil }) {
      var isolated = comparison
      isolated.mode = .isolated
      isolated.nodes = result.ancestors(of: failure.node)
      isolated.progress = nil
      isolated.checkpoint = deadline?.check
      result.takeIsolated(from: try isolate(isolated))
    }
    guard let culprit = result.culprit else { return }
    let unseen = result.isFromArchive ? result.unseenNodes(before: culprit.node) : []
    let layer = try LayerCase(
      culprit, unseen: unseen, of: comparison.candidate, values: try values())
    let limit = comparison.limits.limit(
      name: culprit.name, familyName: culprit.familyName, isolated: true)
    result.suspicion =
      try suspicion(of: culprit.node, layer, truth: truth, limit: limit)
      ?? result.layer(of: culprit.node)?.problem
      .map { Suspicion(explanation: $0, scaledError: nil) }
  }

  /// The first explanation of a kind: what can be seen directly, what can be tried, what can be
  /// computed, where the error is.
  private func suspicion(
    of node: Int, _ layer: LayerCase?, truth: (any LayerTruth)?, limit: Double
  ) throws -> Suspicion? {
    if let seen = try differingParameters(of: node, layer)
      ?? differingOptions(of: node, truth: truth)
    {
      return seen
    }
    guard let layer else { return nil }
    return try notFiniteParameter(of: layer)
      ?? bestHypothesis(for: layer, limit: limit)
      ?? negativeVariance(of: layer)
      ?? missingStep(of: layer, limit: limit)
      ?? solvedParameter(of: layer, limit: limit)
      ?? layer.placeOfError(
        limit: limit,
        bias: comparison.candidate.graph.nodes[node].parameters
          .first { $0.role == .bias }.map { parameters[$0].floats() })
  }

  private func bestHypothesis(for layer: LayerCase, limit: Double) throws -> Suspicion? {
    var best: Suspicion?
    for node in layer.chain {
      for hypothesis in hypotheses(for: node) {
        guard let error = try self.error(of: layer, under: hypothesis.change, at: node),
          error <= limit, error < min(layer.error, best?.scaledError ?? .infinity)
        else { continue }
        // A layer that could not be compared itself is named.
        let other =
          node == layer.node
          ? nil
          : comparison.layerNames.name(
            of: comparison.candidate.graph.nodes[node].name)
        let explanation = (other.map { "\($0): " } ?? "") + hypothesis.explanation
        best = Suspicion(explanation: explanation, scaledError: error)
      }
    }
    return best
  }

  /// The layer's scaled error with a change; `nil` where the change does not fit the network.
  func error(
    of layer: LayerCase, under change: Hypothesis.Change, at node: Int? = nil
  ) throws -> Double? {
    let graph = comparison.candidate.graph
    switch change {
    case .parameters(let tensors):
      var parameters = parameters
      for parameter in graph.nodes[node ?? layer.node].parameters {
        guard let tensor = tensors[parameter.role] else { continue }
        parameters = parameters.replacing(parameter, with: tensor)
      }
      return try layer.error(of: try makeExecutor(graph, parameters))
    case .configuration(let configuration):
      guard let changed = try? Graph(configuration) else { return nil }
      return try layer.error(of: try makeExecutor(changed, parameters))
    }
  }

  /// What people call a parameter of the layer.
  func word(_ role: Parameter.Role) -> String {
    words[role] ?? role.rawValue
  }
}

extension Comparison.Outcome {
  fileprivate mutating func takeIsolated(from other: Comparison.Outcome) {
    for layer in other.layers {
      if let index = layers.firstIndex(where: { $0.node == layer.node }) {
        layers[index].isolated = layer.isolated
        layers[index].isolatedChannel = layer.isolatedChannel
        layers[index].problem = layers[index].problem ?? layer.problem
      }
    }
  }
}

package import Comparison
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
  /// Completes a failed comparison.
  ///
  /// Adds isolated figures up to the first failure, and the suspicion.
  ///
  /// - Parameters:
  ///   - result: the comparison; one that passes comes back as it is.
  ///   - truth: what it was compared with.
  ///   - input: one input on which the comparison failed; that which the truth was recorded for where none is given.
  /// - Returns: the completed comparison.
  /// - Throws: what an executor or the truth throws.
  package func explain(
    _ result: Comparison.Outcome, against truth: some LayerTruth, input: Activation? = nil
  ) throws -> Comparison.Outcome {
    var result = result
    guard let input = try input ?? truth.recordedInput() else { return result }
    do {
      try complete(&result, against: truth, input: input)
    } catch is Deadline.Passed {
      result.searchedSeconds = deadline?.seconds
    }
    return result
  }

  /// Completes a failed comparison with another executor.
  package func explain(
    _ result: Comparison.Outcome, against executor: any Executor, input: Activation
  ) throws -> Comparison.Outcome {
    try explain(result, against: comparison.truth(of: executor), input: input)
  }

  private func complete(
    _ result: inout Comparison.Outcome, against truth: some LayerTruth, input: Activation
  ) throws {
    guard let failure = result.layers.first(where: { !$0.passes }) else {
      result.suspicion = try suspicionOfDefinition(of: result, truth: truth, input: input)
      return
    }
    if !result.layers.contains(where: { $0.isolated != nil }) {
      var isolated = comparison
      isolated.mode = .isolated
      isolated.nodes = result.ancestors(of: failure.node)
      isolated.progress = nil
      isolated.checkpoint = deadline?.check
      result.takeIsolated(from: try isolated.run(against: truth, input: input))
      if result.culprit?.evidence == .propagated {
        // Nothing up to there is wrong by itself: rounding has grown. The cause comes later.
        isolated.nodes = nil
        result.takeIsolated(from: try isolated.run(against: truth, input: input))
      }
    }
    guard let culprit = result.culprit else { return }
    // Values are asked for in the order of the graph, so each look at all of them begins anew.
    let values = {
      try TrueValues(truth, candidate: comparison.candidate, input: input)
    }
    if result.layer(of: result.graph.outputIndex)?.passes == true,
      let same = try sameFunction(input, values: values)
    {
      result.suspicion = same
      return
    }
    let layer = try LayerCase(
      culprit, unseen: result.unseenNodes(before: culprit.node), of: comparison.candidate,
      values: try values())
    let limit =
      comparison.limits.limit(
        name: culprit.name, familyName: culprit.familyName, isolated: true)
      + (isOfEngine ? truth.allowance(for: culprit.name, isolated: true) : 0)
    let found = try suspicion(of: culprit.node, layer, truth: truth, values: values, limit: limit)
    result.suspicion =
      (isOfEngine ? found.map { $0.ofEngine(layer: culprit.displayName) } : found)
      ?? result.layer(of: culprit.node)?.problem
      .map { Suspicion(explanation: $0, scaledError: nil) }
  }

  /// What differs in a layer whose values do not show it.
  private func suspicionOfDefinition(
    of result: Comparison.Outcome, truth: any LayerTruth, input: Activation
  ) throws -> Suspicion? {
    guard let culprit = result.culprit else { return nil }
    let limit = comparison.limits.limit(
      name: culprit.name, familyName: culprit.familyName, isolated: true)
    return try differingParameters(
      of: culprit.node, nil,
      values: { try TrueValues(truth, candidate: comparison.candidate, input: input) },
      limit: limit) ?? differingOptions(of: culprit.node, truth: truth)
  }

  /// The first explanation of a kind: what can be seen directly, what can be tried, what can be
  /// computed, where the error is.
  private func suspicion(
    of node: Int, _ layer: LayerCase?, truth: any LayerTruth,
    values: @escaping () throws -> TrueValues, limit: Double
  ) throws -> Suspicion? {
    guard !isOfEngine else {
      return try layer.flatMap { try suspicion(ofEngine: $0, values: values, limit: limit) }
    }
    if let seen = try differingParameters(
      of: node, layer, values: values, limit: limit)
      ?? differingOptions(of: node, truth: truth)
    {
      return seen
    }
    guard let layer else { return nil }
    // What can be put right comes before what can only be seen.
    let trials: [() throws -> Suspicion?] = [
      { notFiniteParameter(of: layer) },
      { try outputOrder(of: layer, limit: limit) },
      { try bestHypothesis(for: layer, values: values, limit: limit) },
      { negativeVariance(of: layer) },
      { try missingStep(of: layer, limit: limit) },
      { try roundedWeight(of: layer) },
      { repeatedTensor(of: layer) },
      { try solvedParameter(of: layer, limit: limit) },
      { greyWeight(of: layer) },
      { defaultNorm(of: layer) },
      { layer.placeOfError(limit: limit, isOfEngine: false) },
    ]
    return try trials.firstResult()
  }

  /// The first explanation of what an engine computed: its tensors and options cannot be seen, only tried.
  private func suspicion(
    ofEngine layer: LayerCase, values: @escaping () throws -> TrueValues, limit: Double
  ) throws -> Suspicion? {
    try [
      { try outputOrder(of: layer, limit: limit) },
      { try bestHypothesis(for: layer, values: values, limit: limit) },
      { try missingStep(of: layer, limit: limit) },
      { try solvedParameter(of: layer, limit: limit) },
      { layer.placeOfError(limit: limit, isOfEngine: true) },
    ].firstResult()
  }

  /// What people call a parameter of the layer.
  func word(_ role: Parameter.Role) -> String {
    words[role] ?? role.rawValue
  }
}

extension [() throws -> Suspicion?] {
  /// What the first of them finds.
  fileprivate func firstResult() throws -> Suspicion? {
    for trial in self {
      if let suspicion = try trial() { return suspicion }
    }
    return nil
  }
}

extension Suspicion {
  /// The same of a layer of the user's own engine.
  fileprivate func ofEngine(layer: String) -> Suspicion {
    Suspicion(explanation: "your \(layer) \(explanation)", scaledError: scaledError)
  }
}

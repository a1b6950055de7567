import Families
import Inference
import ResNetV2
import Tensors

@testable import Comparison
@testable import Diagnosis

/// A fault put into one layer of a random network, and what the comparison said of it.
struct FaultTrial: Sendable {
  let fault: Fault
  let family: String
  let truth: Truth
  /// The layer that the fault was put into.
  let place: String
  /// Whether any layer was out of its limit.
  let isVisible: Bool
  /// Whether the culprit is the first layer with the fault, or, where an archive cannot tell, that
  /// layer is named beside it.
  let isFound: Bool
  /// Whether the suspicion says what the fault is.
  let isExplained: Bool
  /// What was said.
  let report: String

  /// What the faulty network is compared with.
  enum Truth: String, Sendable, CaseIterable {
    case weights
    case archive
  }
}

extension FaultTrial {
  /// Puts a fault into a random layer of a random network; `nil` where it has no such layer.
  init?(_ fault: Fault, family: String, truth: Truth, seed: UInt64) throws {
    let sample = try Sample.random(family: family, seed: seed)
    var generator = SplitMix64(seed: seed &+ 1)
    let places = sample.graph.nodes.filter { fault.applies(sample, $0) }
    guard let place = places.randomElement(using: &generator),
      truth == .weights || fault.keepsShapes
    else { return nil }
    let (graph, parameters) = try fault.inject(sample, place)
    let result = try Self.explained(
      graph, parameters, against: sample, truth, fault.truth(sample, place))
    let verdict = result.verdict
    let first = fault.firstNode(sample, place)
    let said = verdict.culprit?.suspicion?.explanation
    self.fault = fault
    self.family = family
    self.truth = truth
    self.place = place.name
    isVisible = !verdict.passes
    isFound =
      verdict.culprit.map {
        $0.name == first
          || truth == .archive && $0.unseen.contains(sample.names.name(of: first) ?? first)
      } ?? false
    isExplained = said.map { said in fault.words.contains { said.contains($0) } } ?? false
    report =
      "\(fault) in \(place.name) of \(family), seed \(seed), against \(truth.rawValue): "
      + "culprit \(verdict.culprit?.name ?? "none") (\(verdict.culprit?.evidence.rawValue ?? "")), expected \(first); \(said ?? "no suspicion")"
  }

  private static func explained(
    _ graph: Graph, _ parameters: Parameters, against sample: Sample, _ truth: Truth,
    _ executor: (any Executor)?
  ) throws -> Comparison.Outcome {
    let comparison = sample.comparison(
      of: FastExecutor(graph: graph, parameters: parameters, threads: 1))
    let makeExecutor: @Sendable (Graph, Parameters) -> any Executor = {
      ReferenceExecutor(graph: $0, parameters: $1, threads: 1)
    }
    switch truth {
    case .weights:
      let reference = executor ?? makeExecutor(sample.graph, sample.parameters)
      let diagnosis = Diagnosis(
        of: comparison, parameters: parameters,
        reference: .init(graph: sample.graph, parameters: sample.parameters),
        makeExecutor: makeExecutor)
      return try diagnosis.explain(
        try comparison.run(against: reference, inputs: [sample.input]), against: reference,
        input: sample.input)
    case .archive:
      let archive = try ActivationArchive(
        try sample.archive(of: executor), graph: graph, layerNames: sample.names)
      let diagnosis = Diagnosis(
        of: comparison, parameters: parameters, makeExecutor: makeExecutor)
      return try diagnosis.explain(try comparison.run(against: archive), against: archive)
    }
  }
}

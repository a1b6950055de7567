import Families
import Inference
import ResNetV2
import Tensors
import TestSupport

@testable import Comparison
@testable import Diagnosis

/// A fault put into one layer of a random network, and what the comparison said of it.
struct FaultTrial: Sendable {
  let fault: Fault
  let family: String
  let truth: Truth
  /// The layer that the fault was put into.
  let place: String
  /// What told that something is wrong; `nil` where nothing did.
  let evidence: Evidence?
  /// The first of the images that were not compared for which the faulty network puts out something else, where nothing
  /// told.
  let missedOn: OtherInput?
  /// Whether the culprit is the first layer with the fault, or, where an archive cannot tell, that
  /// layer is named beside it.
  let isFound: Bool
  /// What weakens a pass, as the verdict remarks.
  let notes: [String]
  /// Whether the suspicion says what the fault is.
  let isExplained: Bool
  /// What was said.
  let report: String

  /// Whether the truth is values alone: an archive, or an executor that does what its options do not say.
  var hasValuesOnly: Bool { truth == .archive || fault.isOfExecutor }
  /// Whether anything told that something is wrong.
  var isDetected: Bool { evidence != nil }
  /// Whether the output moves by more than the limit, on the image that was compared or on another.
  var isVisible: Bool { isDetected || missedOn != nil }

  /// What tells that something is wrong.
  enum Evidence: String, Sendable, CaseIterable {
    /// The values on the image that was compared.
    case values
    /// The tensors side by side, though no value shows it.
    case weights
    /// What the layers do side by side, though no value shows it.
    case functions
  }

  /// What the faulty network is compared with.
  enum Truth: String, Sendable, CaseIterable {
    case weights
    case archive
  }
}

extension FaultTrial {
  /// Puts a fault into a random layer of a random network; `nil` where it has no such layer.
  init?(_ fault: Fault, family: String, truth: Truth, seed: UInt64) throws {
    let sample = try fault.sample(family: family, seed: seed)
    var generator = SplitMix64(seed: seed &+ 1)
    let places = sample.graph.nodes.filter { fault.applies(sample, $0) }
    guard let place = places.randomElement(using: &generator),
      truth == .weights || fault.keepsShapes
    else { return nil }
    let (graph, parameters) = try fault.inject(sample, place)
    let executor = fault.truth(sample, place)
    let result = try Self.explained(graph, parameters, against: sample, truth, executor)
    let verdict = result.verdict
    let evidence: Evidence? =
      verdict.failed > 0
      ? .values
      : verdict.weights?.agrees == false
        ? .weights : verdict.functions?.agrees == false ? .functions : nil
    let first = fault.firstNode(sample, place)
    let said = verdict.culprit?.suspicion?.explanation
    self.fault = fault
    self.family = family
    self.truth = truth
    self.place = place.name
    self.evidence = evidence
    notes = verdict.notes
    missedOn =
      evidence == nil
      ? try OtherInput.tellingApart(
        NaiveExecutor(graph, parameters), from: executor ?? sample.executor,
        size: sample.input.shape, seed: seed) : nil
    isFound =
      verdict.culprit.map {
        $0.name == first
          || truth == .archive && $0.unseen.contains(sample.names.name(of: first) ?? first)
      } ?? false
    isExplained =
      said.map { said in fault.expectedWords(sample, first: first).contains { said.contains($0) } }
      ?? false
    report =
      "\(fault) in \(place.name) of \(family), seed \(seed), against \(truth.rawValue): "
      + "by \(evidence?.rawValue ?? "nothing"), culprit \(verdict.culprit?.name ?? "none") (\(verdict.culprit?.evidence.rawValue ?? "")), expected \(first); \(said ?? "no suspicion")"
  }

  private static func explained(
    _ graph: Graph, _ parameters: Parameters, against sample: Sample, _ truth: Truth,
    _ executor: (any Executor)?
  ) throws -> Comparison.Outcome {
    let names = try sample.names(for: graph)
    let comparison = Comparison(
      candidate: FastExecutor(graph: graph, parameters: parameters, pool: WorkerPool(threads: 1)),
      layerNames: names)
    let makeExecutor: @Sendable (Graph, Parameters) -> any Executor = {
      ReferenceExecutor(graph: $0, parameters: $1, pool: WorkerPool(threads: 1))
    }
    switch truth {
    case .weights:
      let reference = executor ?? makeExecutor(sample.graph, sample.parameters)
      let diagnosis = Diagnosis(
        of: comparison, parameters: parameters,
        reference: .init(graph: sample.graph, parameters: sample.parameters),
        makeExecutor: makeExecutor)
      var result = try comparison.run(against: reference, inputs: [sample.input])
      result.weights = try WeightAgreement(
        of: graph, threads: 1, candidate: { parameters[$0] },
        reference: { parameter in
          sample.graph.parameters.first { $0.name == parameter.name }
            .map { sample.parameters[$0] }
        })
      result.functions = try FunctionAgreement(
        of: graph, and: sample.graph, tolerance: { _ in Limits.float32 },
        tensor: { sample.parameters[$0] })
      return try diagnosis.explain(result, against: reference, input: sample.input)
    case .archive:
      let archive = try ActivationArchive(
        try sample.archive(of: executor), graph: graph, layerNames: names)
      let diagnosis = Diagnosis(
        of: comparison, parameters: parameters, makeExecutor: makeExecutor)
      return try diagnosis.explain(try comparison.run(against: archive), against: archive)
    }
  }
}

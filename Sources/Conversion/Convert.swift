package import Families
import FoundationEssentials
import Inference
package import RNW
import ResNetV2
import Tensors
package import Verification
import WeightSources

/// What is to be converted, and how.
package struct ConversionRequest: Sendable {
  /// The source file.
  package var source: String
  /// The `.rnw` that is made.
  package var output: String
  /// The family to take, or `nil` to recognise it.
  package var family: Family?
  /// How tensors are stored.
  package var codec: RNWCodec = .planes
  /// The largest scaled error of any layer that is accepted.
  package var limit: Double = Limits.float32
  /// An archive of activations that the framework computed.
  package var reference: String?
  /// What the network is run on.
  package var input: InputArgument = .standardProbe
  /// Whether an existing output is replaced and suspicious values are accepted.
  package var isForced = false
  /// The number of threads.
  package var threads = Tool.coreCount

  package init(source: String, output: String) {
    self.source = source
    self.output = output
  }
}

/// What a conversion found and made.
package struct ConversionOutcome: Sendable {
  /// The network.
  package let model: Model
  /// The comparison of the written file, run by the fast executor, with the source, run by the
  /// reference.
  package let comparison: Comparison.Outcome
  /// The comparison of the written file with the framework's activations, where they were given.
  package let reference: Comparison.Outcome?
  /// The number of bytes of the written file, or `nil` where it was not kept.
  package let outputBytes: Int?
  /// How long each stage took.
  package let stages: [StageClock.Stage]

  /// Whether every layer of every comparison is within its limit.
  package var passes: Bool {
    comparison.verdict.passes && reference?.verdict.passes ?? true
  }
}

/// Converts a file: reads, maps, writes, runs both, compares every layer, and only then puts the
/// file in place.
///
/// - Parameter progress: is told how many of how many layers have been compared.
/// - Throws: `InputError` where the source cannot be read or the output not be written. A comparison out of its
///   limits is no error: then no file is made.
package func convert(
  _ request: ConversionRequest, progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
) async throws -> ConversionOutcome {
  var clock = StageClock()
  let threads = request.threads
  let archive = try await request.reference.asyncMap { try await WeightFile.open($0) }
  let source = try await clock.measure("read") { try await WeightFile.open(request.source) }
  let model = try Model(source, family: request.family)
  let output = try OutputFile(
    path: request.output, replacing: request.isForced,
    inputs: try [request.source, request.reference].compactMap { $0 }.map {
      try MappedFile(path: $0).identity
    })
  let parameters = try clock.measure("map") { try model.parameters(threads: threads) }
  if !request.isForced {
    try refuseSuspicious(parameters, of: model, threads: threads)
  }
  var records = try records(of: model)
  let draft = try clock.measure("write") {
    try RNWDraft(
      model.graph.parameters.map { ($0.name, parameters[$0]) }, codec: request.codec,
      records: records, certificateBytes: certificateBytes(for: model), to: output,
      threads: threads)
  }

  // What was written is what is judged: the file is opened again, and run by the other executor.
  let input = try await request.input.activation(for: model, default: nil)
  let comparison = try await clock.measure("compare") {
    let written = try await Model(path: draft.path)
    let candidate = FastExecutor(
      graph: written.graph, parameters: try written.parameters(threads: threads), threads: threads,
      winograd: false)
    let truth = RecordingExecutor(
      ReferenceExecutor(graph: model.graph, parameters: parameters, threads: threads),
      node: model.graph.index(of: Certificate.node(of: model.graph).name) ?? 0)
    let byLayer = Comparison(
      candidate: candidate, layerNames: model.layerNames, limits: Limits(standard: request.limit),
      progress: progress)
    let result = try byLayer.run(against: truth, inputs: [input])
    let byFramework = try archive.map { archive in
      try byLayer.run(
        against: try ActivationArchive(archive, graph: model.graph, layerNames: model.layerNames))
    }
    return (result, byFramework, truth.value)
  }
  let (own, framework, certified) = comparison
  guard own.verdict.passes, framework?.verdict.passes ?? true else {
    return ConversionOutcome(
      model: model, comparison: own, reference: framework, outputBytes: nil, stages: clock.stages)
  }
  records = try clock.measure("certify") {
    try certify(records, request, model, own, framework, value: certified)
  }
  try clock.measure("fsync") { try draft.commit(records) }
  return ConversionOutcome(
    model: model, comparison: own, reference: framework, outputBytes: draft.byteCount,
    stages: clock.stages)
}

// MARK: - Records

/// The records of a model that is known before anything is compared.
func records(of model: Model) throws -> RNWDraft.Records {
  let preprocessing = PreprocessingRecord(
    preprocessing: model.family.preprocessing, inputSize: model.family.defaultInputSize)
  let entries = model.mapping?.entries ?? []
  let source = SourceRecord(
    file: fileName(of: model.source.path),
    // As long as the digest that takes its place.
    sha256: String(repeating: "0", count: 64), container: model.source.container,
    family: model.family.id, renamedLayers: model.renamedLayers,
    used: Dictionary(uniqueKeysWithValues: entries.map { ($0.parameter.name, $0.tensor.name) }),
    waived: Dictionary(
      uniqueKeysWithValues: (model.mapping?.waived ?? []).map { ($0.tensor.name, $0.reason) }),
    tool: "rnw \(Tool.version)")
  return RNWDraft.Records(
    configuration: try RecordCoding.json(model.graph.configuration),
    preprocessing: try RecordCoding.json(preprocessing), source: try RecordCoding.json(source))
}

/// How much the certificate may take: a fixed part, and each value in at most 16 characters.
private func certificateBytes(for model: Model) -> Int {
  let configuration = model.graph.configuration
  let values = max(configuration.head.classes, configuration.stages.last?.outputChannels ?? 0)
  return 4096 + 16 * values
}

private func certify(
  _ records: RNWDraft.Records, _ request: ConversionRequest, _ model: Model,
  _ comparison: Comparison.Outcome, _ framework: Comparison.Outcome?, value: Activation?
) throws -> RNWDraft.Records {
  var records = records
  var source = try RecordCoding.record(SourceRecord.self, from: records.source)
  source.sha256 = try sha256(ofFileAt: request.source)
  records.source = try RecordCoding.json(source)
  guard case .probe(let seed, _) = request.input, let value else { return records }
  let worst = comparison.verdict.worst
  let certificate = CertificateRecord(
    probe: .init(seed: seed, shape: [1] + comparison.inputShape.dimensions.dropFirst()),
    node: Certificate.node(of: model.graph).name,
    values: Certificate.values(of: value), limit: request.limit,
    worstScaledError: worst?.scaledError ?? 0, worstLayer: worst?.name ?? "",
    layers: comparison.verdict.compared,
    reference: framework.map { result in
      .init(
        file: fileName(of: request.reference ?? ""),
        worstScaledError: result.verdict.worst?.scaledError ?? 0,
        worstLayer: result.verdict.worst?.name ?? "", layers: result.verdict.compared)
    })
  records.certificate = try RecordCoding.json(certificate)
  return records
}

private func refuseSuspicious(_ parameters: Parameters, of model: Model, threads: Int) throws {
  let suspicious = try parameters.suspicious(in: model.graph, threads: threads)
  guard let first = suspicious.first else { return }
  let name =
    model.mapping?.entries.first { $0.parameter == first.parameter }?.tensor.name
    ?? first.parameter.name
  let more = suspicious.count > 1 ? "; and \(suspicious.count - 1) more tensors" : ""
  throw InputError(
    .badData, path: model.source.path, "has values that no trained network has",
    place: "\(name): \(first.problem)\(more)", hint: "--force converts it all the same")
}

extension Optional {
  fileprivate func asyncMap<Result>(
    _ transform: (Wrapped) async throws -> Result
  ) async rethrows -> Result? {
    guard let value = self else { return nil }
    return try await transform(value)
  }
}

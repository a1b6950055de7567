package import Comparison
import Diagnosis
import Families
import Files
import Inference
import ResNetV2
import Tensors
import WeightSources

/// What an engine of the user's own gives, and how its layers are called.
package struct EngineRequest: Sendable {
  /// The archive of what the engine computed.
  package var archive: String
  /// A file that says which layer each array is; `nil` where names or closeness tell.
  package var layerNames: String?

  package init(archive: String) {
    self.archive = archive
  }
}

/// Judges the values that an engine of the user's own computed, by a model that is right.
///
/// Each value is compared with the reference executor's twice: as both run from the same input, and as the executor computes the
/// layer from the engine's own values of what it reads. So a mistake is found where it is made.
///
/// - Throws: `InputError` where a file cannot be read, or the arrays are not this network's.
package func verify(
  _ request: VerificationRequest, engine: EngineRequest,
  progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
) throws -> Comparison.Outcome {
  let paths = [request.model, engine.archive] + (request.against.map { [$0] } ?? [])
  let sources = try openSources(paths, request.dictionary)
  let model = try Model(
    sources[0], family: request.family, told: try Model.told(request.told, of: sources[0]))
  let names = try engine.layerNames.map { try EngineNames(path: $0) } ?? EngineNames()
  let channels = model.graph.configuration.input.channels
  let recorded = try sources[1].engineInput(channels: channels)
  let given = try request.input.map {
    var images = try InputImages($0, for: model)
    return try images.all()
  }
  var probe = try InputImages(.standardProbe, for: model)
  let input = try given ?? recorded ?? probe.all()
  let parameters = try model.parameters(threads: request.pool.threadCount)
  let network = ReferenceExecutor(
    graph: model.graph, parameters: parameters, pool: request.pool)
  let truth: any Executor =
    try sources.dropFirst(2).first.map {
      try RecordedExecutor($0, network: network, layerNames: model.layerNames, input: input)
    } ?? network
  do {
    var archive = try EngineArchive(
      sources[1], graph: model.graph, layerNames: model.layerNames, names: names,
      input: input.shape)
    if engine.layerNames == nil { try archive.matchByCloseness(truth, input: input) }
    var result = try judge(
      archive, by: truth, of: model, parameters: parameters, input, request, progress: progress)
    for source in sources { try source.checkUnchanged() }
    result.remarks =
      archive.remarks
      + (given ?? recorded == nil
        ? ["the archive has no array 'input': it was taken to be computed from the probe"] : [])
    result.assumptions = model.assumptions
    return result
  } catch let error as ComparisonError {
    throw InputError(.badData, path: engine.archive, error.description)
  } catch {
    throw error.ofInput(request.input?.path ?? engine.archive)
  }
}

/// Compares an engine's values with a network's, and looks for what is wrong where they differ.
private func judge(
  _ values: some LayerTruth, by truth: any Executor, of model: Model, parameters: Parameters,
  _ input: Activation, _ request: VerificationRequest,
  progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
) throws -> Comparison.Outcome {
  var limits = request.limits ?? Limits()
  if let file = request.limitsFile {
    limits.overrides += try Limits.Override.read(
      path: file, graph: model.graph, layerNames: model.layerNames)
  }
  var comparison = Comparison(
    candidate: truth, layerNames: model.layerNames, limits: limits, mode: .both,
    layers: request.layers, progress: progress)
  comparison.trial = .values
  comparison.collectsDetail = request.collectsDetail
  comparison.parameter = { try model.tensor(of: $0) }
  let result = try comparison.run(against: values, input: input)
  return try request.search?.explained(result) { deadline in
    try Diagnosis(
      of: comparison, parameters: parameters, words: model.family.parameterWords,
      deadline: deadline
    ) {
      ReferenceExecutor(graph: $0, parameters: $1, pool: request.pool)
    }.explain(result, against: values, input: input)
  } ?? result
}

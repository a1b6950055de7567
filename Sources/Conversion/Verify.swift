package import Comparison
import Diagnosis
package import Families
import Files
package import Inference
package import Plain
import Precision
import RNW
import Reports
import ResNetV2
import SourceGraph
import Tensors
import WeightSources

/// What is to be compared with what.
package struct VerificationRequest: Sendable {
  /// The model that is judged.
  package var model: String
  /// A model, a source file or an archive of activations; the model's own records where `nil`.
  package var against: String?
  /// Which dictionary of a PyTorch checkpoint is taken, or `nil` for the likeliest.
  package var dictionary: String?
  /// The family of files that are not converted, or `nil` to recognise it.
  package var family: Family?
  /// What the user says of the network.
  package var told = Told()
  /// What both are run on; an archive's own input where `nil`.
  package var input: InputArgument?
  /// The limits of the layers; those of the weights' precision where `nil`.
  package var limits: Limits?
  /// A file of limits of single layers, or `nil` for none.
  package var limitsFile: String?
  /// Whether a file that describes its own graph is run by that, rather than by its family's.
  package var usesOwnGraph = true
  /// Whether that file must describe one.
  package var requiresOwnGraph = false
  /// Which comparisons are made.
  package var mode = Comparison.Mode.propagated
  /// The layers that are compared, or `nil` for all.
  package var layers: Glob?
  /// Whether it is also found out how the differences of a layer are spread.
  package var collectsDetail = false
  /// Whether differences are also measured in units in the last place of float32.
  package var measuresULP = false
  /// How the cause of a failed comparison is looked for; `nil` for not at all.
  package var search: CauseSearch? = CauseSearch()
  /// The threads that compute.
  package var pool = WorkerPool.shared

  package init(model: String) {
    self.model = model
  }
}

/// Compares a model with another one, or with what a framework computed, layer by layer.
///
/// Where they differ, the result names the first wrong layer and, if trying hypotheses explains it,
/// the cause.
///
/// - Throws: `InputError` where a file cannot be read, or the two are different networks.
package func verify(
  _ request: VerificationRequest, against path: String,
  progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
) throws -> Comparison.Outcome {
  let sources = try openSources([request.model, path], request.dictionary)
  let (judged, source) = (sources[0], sources[1])
  let model = try Model(
    judged, family: request.family, told: try Model.told(request.told, of: judged))
  // The executor keeps what it packs, and the parameters go before the reference's are read. It is what
  // `rnw run` computes the same images with.
  let candidate = FastExecutor(
    graph: model.graph, parameters: try model.parameters(threads: request.pool.threadCount),
    pool: request.pool, expecting: try imageShape(request, model, source))
  let reference = try Reference(source, request: request, model: model)
  var limits = request.limits ?? standardLimits(model, reference.model)
  if let file = request.limitsFile {
    limits.overrides += try Limits.Override.read(
      path: file, graph: model.graph, layerNames: model.layerNames)
  }
  var comparison = Comparison(
    candidate: candidate, layerNames: model.layerNames, limits: limits, mode: request.mode,
    layers: request.layers, progress: progress)
  comparison.collectsDetail = request.collectsDetail
  comparison.measuresULP = request.measuresULP
  let input = request.input?.path ?? (reference.isRecorded ? path : request.model)
  comparison.parameter = { try model.tensor(of: $0) }
  do {
    var result = try compare(comparison, model, candidate, with: reference, request)
    for source in sources { try source.checkUnchanged() }
    try reference.tell(&result, of: model)
    result.differingOptions = try differingOptions(of: model, reference.model)
    result.halfPrecision =
      (try? model.source.graph()?.halfPrecision)
      ?? (try? reference.model?.source.graph()?.halfPrecision)
    return result
  } catch let error as ComparisonError {
    throw InputError(.badData, path: path, error.description)
  } catch {
    throw error.ofInput(input)
  }
}

/// The shape of one of the images that both are run on.
private func imageShape(
  _ request: VerificationRequest, _ model: Model, _ source: any WeightSource
) throws -> Shape {
  let array = source.tensors.first { $0.name == "input" && $0.shape.rank == 4 }
  guard request.input == nil, source.isArchive, let size = array?.shape.dimensions else {
    return try InputImages(
      request.input ?? .standardProbe, for: model, passesStrangers: true
    ).shape
  }
  return model.layerNames.layout == .nchw
    ? [1, size[2], size[3], size[1]] : [1, size[1], size[2], size[3]]
}

extension WeightSource {
  /// Whether this is what a framework computed, rather than weights.
  fileprivate var isArchive: Bool {
    container == "npz" && tensors.contains { $0.name == "input" }
  }
}

/// What a model is compared with.
private struct Reference {
  let truth: any LayerTruth
  /// The graph that the file itself describes, where that is the truth.
  private(set) var ownGraph: OwnGraph?
  /// The network that the file is, where it is one.
  private(set) var model: Model?
  private var parameters: Parameters?

  /// Opens a file: a network where its names are a network's, else an archive of activations.
  init(_ source: any WeightSource, request: VerificationRequest, model: Model) throws {
    if source.isArchive {
      truth = try ActivationArchive(source, graph: model.graph, layerNames: model.layerNames)
      return
    }
    if request.usesOwnGraph, source.carriesGraph {
      // A changed network may be none of its family: then the judged model's names are taken.
      let other = try? Model(
        source, family: request.family, told: Model.told(request.told, of: source))
      let ownGraph = try OwnGraph(
        of: source, for: model.graph, layerNames: (other ?? model).layerNames,
        pool: request.pool)
      if let ownGraph {
        (truth, self.ownGraph, self.model) = (ownGraph, ownGraph, other)
        return
      }
    }
    if request.requiresOwnGraph { throw describesNoGraph(source) }
    let other = try Model(
      source, family: request.family, usesGraph: request.usesOwnGraph,
      told: Model.told(request.told, of: source))
    let parameters = try other.parameters(threads: request.pool.threadCount)
    truth = ExecutorTruth(
      ReferenceExecutor(graph: other.graph, parameters: parameters, pool: request.pool),
      for: model.graph, layerNames: model.layerNames)
    (self.model, self.parameters) = (other, parameters)
  }

  /// Whether the values are those of one input, which a framework was given.
  var isRecorded: Bool { truth is ActivationArchive }

  /// The network with its parameters, where the file is one.
  func network(threads: Int) throws -> Diagnosis.Network? {
    try model.map {
      try .init(graph: $0.graph, parameters: parameters ?? $0.parameters(threads: threads))
    }
  }

  /// Adds what the truth itself does not tell: then the model is no surer.
  func tell(_ result: inout Comparison.Outcome, of model: Model) throws {
    guard let archive = truth as? ActivationArchive else {
      result.assumptions = ownGraph == nil ? self.model?.assumptions ?? [] : []
      return
    }
    let reach = try RecordedReach(archive, model.graph, result)
    result.assumptions = reach.left(of: model.assumptions)
    result.remarks += reach.remarks
  }
}

/// The limits for two models, of which one may have weights that were rounded for the other.
///
/// What a `.rnw` keeps in a coarser type than the other has was rounded. Any other file was always
/// as coarse as it is: what is made from it is exact.
private func standardLimits(_ model: Model, _ other: Model?) -> Limits {
  // Baked weights are those of the network whose rounding grows, standardised before.
  let exact =
    [model, other].compactMap { $0 }.map { Limits(for: $0.graph.configuration) }
    .max { $0.propagated < $1.propagated } ?? Limits()
  let own = model.coarsestType
  guard let other else {
    return model.converted == nil || own == .float32 ? exact : Limits(precision: own)
  }
  if let type = model.bakedType(beside: other) ?? other.bakedType(beside: model) {
    return Limits(precision: type)
  }
  let others = other.coarsestType
  let coarser = own.coarseness > others.coarseness ? (model, own) : (other, others)
  guard own != others, coarser.0.converted != nil else { return exact }
  return Limits(precision: coarser.1)
}

private func compare(
  _ comparison: Comparison, _ model: Model, _ candidate: FastExecutor, with reference: Reference,
  _ request: VerificationRequest
) throws -> Comparison.Outcome {
  let pool = request.pool
  if let other = reference.model { try requireSameNetwork(model, other) }
  let argument = request.input ?? .standardProbe
  var result: Comparison.Outcome
  var failing: Activation?
  if reference.isRecorded {
    failing = try request.input.map {
      var images = try InputImages($0, for: model, passesStrangers: false)
      return try images.all()
    }
    failing = try failing ?? reference.truth.recordedInput()
    result = try comparison.run(against: reference.truth, input: failing)
  } else {
    var images = try InputImages(argument, for: model, passesStrangers: true)
    let count = images.count
    result = try comparison.run(against: reference.truth, images: count) { try images.next() }
    result.remarks += images.remarks
    failing = try result.firstFailingImage(of: argument, for: model)
  }
  if let other = reference.model {
    result.definitionsFollowLimits = request.limits != nil || request.limitsFile != nil
    result.weights = try weights(of: model, and: other, comparison, request)
    // A file's own graph is held against the network as a whole.
    if reference.ownGraph == nil {
      result.functions = try functions(of: model, and: other, comparison, request)
    }
  }
  if failing == nil {
    try reference.ownGraph?.requireSameFunction(tensors: reference.model?.tensorNames ?? [:])
    guard !result.verdict.passes else { return result }
    var images = try InputImages(argument, for: model, passesStrangers: true)
    failing = try images.next()
  }
  guard let failing else { return result }
  return try request.search?.explained(result) { deadline in
    // Only a failed comparison needs the parameters themselves: they are read again.
    candidate.releaseWorkingMemory()
    return try Diagnosis(
      of: comparison, parameters: try model.parameters(threads: pool.threadCount),
      reference: try reference.network(threads: pool.threadCount),
      words: model.family.parameterWords,
      deadline: deadline
    ) {
      ReferenceExecutor(graph: $0, parameters: $1, pool: pool)
    }.explain(result, against: reference.truth, input: failing)
  } ?? result
}

extension Comparison.Outcome {
  /// The first image that shows a difference, on which the cause is looked for; `nil` where none does.
  func firstFailingImage(of argument: InputArgument, for model: Model) throws -> Activation? {
    guard let number = firstFailingInput else { return nil }
    var images = try InputImages(argument, for: model, passesStrangers: true)
    for _ in 0..<number { _ = try images.next() }
    return try images.next()
  }
}

/// The options in which a model and its reference differ, in words.
private func differingOptions(of model: Model, _ reference: Model?) throws -> [String] {
  guard let reference else { return [] }
  return try differences(
    between: model.graph.configuration, and: reference.graph.configuration
  ).map { "\($0.name) is \($0.first ?? "absent"), \($0.second ?? "absent") in the reference" }
}

/// Layers can only be paired where both networks have the same ones.
private func requireSameNetwork(_ model: Model, _ other: Model) throws {
  let places = model.graph.nodes.indices.map { model.graph.counterpart(of: $0, in: other.graph) }
  guard places == other.graph.nodes.indices.map(Optional.some) else {
    throw InputError(
      .badData, path: model.source.path, "is another network than \(other.source.path)",
      place: "\(model.architectureName) of \(model.family.title) and \(other.architectureName) of "
        + "\(other.family.title); \(listed(try differingOptions(of: model, other), atMost: 4))")
  }
}

/// What a file says of itself, checked: its structure, the checksums of its tensors, its
/// certificate.
package struct SelfCheck: Sendable {
  /// The file.
  package let path: String
  /// The network.
  package let architecture: String
  /// The number of tensors whose checksums hold.
  package let tensors: Int
  /// The number of bytes of all tensors.
  package let tensorBytes: Int
  /// What came of the certificate; `nil` for a file that has none.
  package let certificate: CertificateCheck?
  /// What the source of the file did not tell, and what was taken for it.
  package let assumptions: [Assumption]

  /// Whether everything holds.
  package var passes: Bool { certificate?.passes ?? true }
}

/// Checks a `.rnw` by its own records.
///
/// - Throws: `InputError` where the structure or a checksum is wrong, or where the file is no `.rnw`.
package func verifyAlone(_ request: VerificationRequest) throws -> SelfCheck {
  let source = try WeightFile.open(request.model)
  guard let file = source as? RNWFile else {
    throw InputError(
      .badData, path: request.model, "has no certificate to be verified by",
      place: "it is \(source.container)", hint: "--against FILE compares it with another one")
  }
  // All tensors are the graph's: whoever reads those has compared every checksum of the file.
  let network = try ConvertedNetwork(file)
  let graph = network.graph
  try file.verifyRecords()
  let parameters = try network.parameters(threads: request.pool.threadCount)
  let certificate: Certificate? = try file.certificate()
  let check = try certificate.map { certificate in
    let executor = FastExecutor(
      graph: graph, parameters: parameters, pool: request.pool,
      expecting: certificate.probeShape)
    return try CertificateCheck(certificate, of: file.path, with: executor)
  }
  try file.checkUnchanged()
  // What a file is called by its family is no part of the check: a later version may know more.
  let record: SourceRecord = try file.source()
  let architecture = Family.named(record.family)?.architectureName(of: graph.configuration)
  return SelfCheck(
    path: request.model, architecture: architecture ?? "a network of the family \(record.family)",
    tensors: file.tensors.count,
    tensorBytes: file.tensors.reduce(0) { $0 + ($1.byteCount ?? 0) }, certificate: check,
    assumptions: certificate?.assumptions?.map {
      Assumption(option: $0.option, value: $0.value)
    } ?? [])
}

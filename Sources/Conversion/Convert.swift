package import Comparison
package import Families
import Files
import FoundationEssentials
package import Inference
package import Precision
package import RNW
import Reports
import ResNetV2
import Tensors
import WeightSources

/// What is to be converted, and how.
package struct ConversionRequest: Sendable {
  /// The source file.
  package var source: String
  /// The `.rnw` that is made.
  package var output: String
  /// The family to take, or `nil` to recognise it.
  package var family: Family?
  /// The part of a bigger model that is taken, or `nil` for the whole.
  package var part: ModelPart?
  /// Which dictionary of a PyTorch checkpoint is taken, or `nil` for the likeliest.
  package var dictionary: String?
  /// What the user says of the network.
  package var told = Told()
  /// How tensors are stored.
  package var codec: RNWCodec = .planes
  /// In which type the weights are kept.
  package var precision = Precision.float32
  /// The largest scaled error of any layer that is accepted between the written file and the same
  /// weights run by the reference; where `nil`, that of the network.
  package var limit: Double?
  /// The largest scaled error of the network's output that is accepted between the written file and
  /// the source; where `nil`, that of the precision.
  package var maximumError: Double?
  /// An archive of activations that the framework computed.
  package var reference: String?
  /// Whether the conversion is also compared with the graph that the source itself describes, where it
  /// does.
  package var usesOwnGraph = true
  /// What the network is run on.
  package var input: InputArgument = .standardProbe
  /// Whether it is also found out how the differences of a layer are spread.
  package var collectsDetail = false
  /// Whether the source must describe a graph itself.
  package var requiresOwnGraph = false
  /// Whether kernels that the network standardises are kept as it uses them.
  package var bakes = false
  /// Whether an existing output is replaced.
  package var replaces = false
  /// Whether values are accepted that no trained network has.
  package var acceptsInvalid = false
  /// The threads that compute.
  package var pool = WorkerPool.shared
  /// How the cause of a failed comparison is looked for; `nil` for not at all.
  package var search: CauseSearch? = CauseSearch()
  /// The kernels that the written file is run with; the file is the same for all of them.
  package var instructionSet = InstructionSet.best

  package init(source: String, output: String) {
    self.source = source
    self.output = output
  }
}

/// What a conversion found and made.
package struct ConversionOutcome: Sendable {
  /// The network.
  package let model: Model
  /// In which type the weights are kept.
  package let precision: Precision
  /// The scaled error of the output that was allowed; `nil` where it was that of the precision.
  package let maximumError: Double?
  /// What `auto` chose.
  package let choice: PrecisionChoice?
  /// The comparison of the written file, run by the fast executor, with the weights that were meant
  /// to be written, run by the reference.
  ///
  /// Those are the source's where nothing was rounded.
  package let comparison: Comparison.Outcome
  /// The comparison of the written file with the source, where weights were rounded.
  package let accuracy: Comparison.Outcome?
  /// The comparison of the network with the graph that the source itself describes, where it does.
  package let ownGraph: Comparison.Outcome?
  /// The comparison of the written file with the framework's activations, where they were given.
  package let reference: Comparison.Outcome?
  /// The published file that the source is, or is called; `nil` where neither is known.
  package let publication: Publication?
  /// The number of bytes of the written file, or `nil` where it was not kept.
  package let outputBytes: Int?
  /// How long each stage took.
  package let stages: [StageClock.Stage]

  /// Whether every layer of every comparison is within its limit.
  package var passes: Bool {
    comparisons.allSatisfy(\.verdict.passes)
  }

  /// What the source does not tell, nor anything that it was compared with.
  package var assumptions: [Assumption] { (accuracy ?? comparison).assumptions }

  /// Every comparison that was made.
  package var comparisons: [Comparison.Outcome] {
    [accuracy, comparison, ownGraph, reference].compactMap { $0 }
  }

  /// The scaled error of the network's output against the source.
  package var outputError: Double { (accuracy ?? comparison).outputError(of: model.graph) }
}

/// Converts a file: reads, maps, writes, runs both, compares every layer, and only then puts the
/// file in place.
///
/// - Parameter progress: is told how many of how many layers have been compared.
/// - Throws: `InputError` where the source cannot be read or the output not be written. A comparison out of its
///   limits is no error: then no file is made.
package func convert(
  _ request: ConversionRequest, progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
) throws -> ConversionOutcome {
  var clock = StageClock()
  let (pool, threads) = (request.pool, request.pool.threadCount)
  let archive = try request.reference.map { try WeightFile.open($0, dictionary: nil) }
  // A copy in memory: what is read twice is the same twice, and the digest is that of the bytes that were used. A file
  // too large for that is mapped, and its digest taken once more when all of it has been written.
  let digesting = BackgroundDigest()
  let source = try clock.measure("read") {
    try WeightFile.open(
      request.source, dictionary: request.dictionary, isOptional: false, copying: true
    ) { if threads > 1 { digesting.begin($0) } }
  }
  let model = try Model(
    source, family: request.family, usesGraph: request.usesOwnGraph, part: request.part,
    told: request.told)
  let publication = clock.measure("certify") { model.publication() }
  // Before anything of the copy is let go.
  let digest = clock.measure("certify") { digesting.text(of: source.files) }
  if let mapping = model.mapping { source.releaseAll(but: mapping.entries.map(\.tensor.name)) }
  let described = request.usesOwnGraph ? try OwnGraph(of: model, pool: pool) : nil
  if request.requiresOwnGraph, described == nil { throw describesNoGraph(source) }
  let output = try OutputFile(
    path: request.output, replacing: request.replaces,
    inputs: (source.files + (archive?.files ?? [])).map(\.file.identity)
      + filesRead(by: [request.input.path], before: request.output))
  try requireOwnEnding(request.output)
  let original = try clock.measure("map") { try model.parameters(threads: threads) }
  if !request.acceptsInvalid {
    try refuseSuspicious(original, of: model, threads: threads)
  }
  let choice = try clock.measure("choose") {
    try model.choice(original, request, progress: progress)
  }
  let kept = try clock.measure("bake") { try request.kept(original, of: model) }
  let parameters = try clock.measure("round") {
    try model.parameters(kept, for: request, choice: choice)
  }
  var records = try records(
    of: model, writing: parameters.graph.configuration, publication: publication)
  let draft = try clock.measure("write") {
    try RNWDraft(
      parameters.graph.parameters.map { ($0.name, parameters[$0]) }, codec: request.codec,
      records: records,
      certificateBytes: certificateBytes(for: model, hasOwnImages: request.input.path != nil),
      to: output, threads: threads)
  }

  let isCopied = source.files.allSatisfy(\.file.isCopied)
  let again = BackgroundDigest()
  if !isCopied, threads > 1, source.files.count == 1 { again.begin(source.files[0].file) }
  // What was written is what is judged: the file is opened again, and run by the other executor.
  let proof = try clock.measure("compare") {
    do {
      return try Proof(
        of: draft.path, model: model, parameters: parameters, kept: kept, original: original,
        archive: archive,
        described: described, request: request, progress: progress)
    } catch {
      throw error.ofInput(request.input.path ?? request.source)
    }
  }
  // Of bytes that changed meanwhile there is no verdict.
  if !isCopied { try source.checkUnchanged() }
  guard proof.passes else {
    return ConversionOutcome(
      model: model, precision: request.precision, maximumError: request.maximumError,
      choice: choice, comparison: proof.own, accuracy: proof.accuracy, ownGraph: proof.ownGraph,
      reference: proof.framework, publication: publication, outputBytes: nil,
      stages: clock.stages)
  }
  records = try clock.measure("certify") { try certify(records, digest, request, model, proof) }
  if !isCopied, let digest, again.text(of: source.files) != digest {
    throw MappedFile.changed(request.source)
  }
  try source.checkUnchanged()
  try archive?.checkUnchanged()
  try clock.measure("fsync") { try draft.commit(records) }
  return ConversionOutcome(
    model: model, precision: request.precision, maximumError: request.maximumError,
    choice: choice, comparison: proof.own, accuracy: proof.accuracy, ownGraph: proof.ownGraph,
    reference: proof.framework, publication: publication,
    outputBytes: draft.byteCount, stages: clock.stages)
}

extension ConversionRequest {
  /// What each layer of the written file may differ by from the same weights run by the reference.
  func limits(for graph: Graph) -> Limits {
    limit.map { Limits(standard: $0) } ?? Limits(for: graph.configuration)
  }

  /// The parameters that are to be kept, before any rounding.
  fileprivate func kept(_ original: Parameters, of model: Model) throws -> Parameters {
    guard bakes else { return original }
    guard let baked = try original.baked(threads: pool.threadCount) else {
      throw InputError(
        .badData, path: source, "has no standardised weights to bake",
        place: "\(model.architectureName) of \(model.family.title)")
    }
    return baked
  }
}

/// A `.rnw` under the extension of another container would be taken for one; it *is* a file of safetensors.
private func requireOwnEnding(_ path: String) throws {
  let name = fileName(of: path)
  let stem = WeightFile.stem(of: name)
  let ending = name.dropFirst(stem.count).lowercased()
  guard ![".rnw", ".safetensors", ""].contains(ending) else { return }
  throw InputError(
    .cannotCreate, path: path, "has the extension of another container",
    place: "a name that ends in .rnw was expected",
    hint: "`rnw export` writes .safetensors, .npz and .h5")
}

extension Error {
  /// The error as one of the file that the input comes from, where the input does not fit.
  func ofInput(_ path: String) -> any Error {
    switch self {
    case let error as ComparisonError: InputError(.badData, path: path, error.description)
    case let error as InputShapeError:
      InputError(.badData, path: path, error.description, reason: .unfitInput)
    default: self
    }
  }
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
    place: "\(name): \(first.problem)\(more)", hint: "--accept-invalid converts it all the same")
}

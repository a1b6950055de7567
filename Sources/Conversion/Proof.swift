import Comparison
import Diagnosis
import Families
import Files
import Inference
import Plain
import Precision
import ResNetV2
import SourceGraph
import Tensors
import WeightSources

/// The comparisons that let a file get its name.
struct Proof {
  /// The written file, run by the fast executor as `rnw run` does, against the weights that were meant to be written,
  /// run by the reference: a mistake in a kernel, a codec or a writer shows here.
  private(set) var own: Comparison.Outcome
  /// The written file against the source, where weights were rounded or baked: what that did.
  private(set) var accuracy: Comparison.Outcome?
  /// The network against the graph that the source itself describes, where it does: a mistake in what
  /// the family is taken for shows here.
  let ownGraph: Comparison.Outcome?
  /// The written file against what the framework computed.
  let framework: Comparison.Outcome?
  /// The SHA-256 of the images that the layers were compared on.
  let inputDigest: String
  /// The input that the certificate is for.
  let probe: (seed: UInt64, shape: Shape)
  /// What the reference gave for the first image of that.
  let certifiedValues: [Float]
  /// The fingerprints of what it gave in every layer; empty where a layer has none.
  let fingerprints: [LayerFingerprint]
  /// The scaled error of those against what the source's own weights give, where weights were rounded.
  let certifiedError: Double?

  /// What the source does not tell, nor anything that it was compared with.
  let assumptions: [Assumption]

  /// Whether every comparison is within its limits.
  var passes: Bool {
    [own, accuracy, ownGraph, framework].allSatisfy { $0?.verdict.passes ?? true }
  }

  /// Opens a written file and compares it.
  ///
  /// - Parameters:
  ///   - parameters: what was meant to be written.
  ///   - kept: the same before any rounding.
  ///   - original: the source's own.
  ///   - described: the graph that the source itself describes.
  init(
    of path: String, model: Model, parameters: Parameters, kept: Parameters, original: Parameters,
    archive: (any WeightSource)?, described: OwnGraph?, request: ConversionRequest,
    progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
  ) throws {
    let (pool, threads) = (request.pool, request.pool.threadCount)
    let inputs = try InputImages(request.input, for: model, passesStrangers: true)
    let written = try Model(path: path)
    let weights = try WeightAgreement(
      of: written.graph, threads: threads, isBitExact: true,
      candidate: { try written.tensor(of: $0) }, reference: { parameters[$0] })
    // What is the same to the last bit need not be there twice.
    let isSame =
      weights.identical == parameters.graph.parameters.count
      && written.graph.parameters == parameters.graph.parameters
    let writtenParameters = isSame ? parameters : try written.parameters(threads: threads)
    func fastExecutor(_ graph: Graph, _ parameters: Parameters) -> FastExecutor {
      FastExecutor(
        graph: graph, parameters: parameters, pool: pool,
        methods: .fastest(expecting: inputs.shape), instructionSet: request.instructionSet,
        packsOnDemand: parameters.byteCount > WorkingMemory.whole)
    }
    let candidate = fastExecutor(written.graph, writtenParameters)
    let reference = ReferenceExecutor(
      graph: parameters.graph, parameters: parameters, pool: pool)
    let truth = RecordingExecutor(
      reference, node: model.graph.certifiedNode, takesFingerprints: request.input.path == nil)
    func comparison(_ limits: Limits, _ mode: Comparison.Mode) -> Comparison {
      var comparison = Comparison(
        candidate: candidate, layerNames: model.layerNames, limits: limits, mode: mode,
        progress: progress)
      comparison.collectsDetail = request.collectsDetail
      comparison.acceptsNotFinite = request.acceptsInvalid
      comparison.parameter = { parameters[$0] }
      return comparison
    }
    func run(
      _ comparison: Comparison, against truth: some LayerTruth
    ) throws -> Comparison.Outcome {
      var rest = inputs
      return try comparison.run(against: truth, images: rest.count) { try rest.next() }
    }
    var digest = InputDigest()
    var images = inputs
    let isRounded = parameters.differ(from: original, in: model.graph)
    // What rounding does is measured below: the file's own graph is held against the source's own weights.
    var byGraph = Comparison(
      candidate: isRounded && described != nil
        ? fastExecutor(model.graph, original) : candidate,
      layerNames: model.layerNames, limits: request.limits(for: model.graph))
    byGraph.acceptsNotFinite = request.acceptsInvalid
    byGraph.parameter = { original[$0] }
    byGraph.progress = isRounded ? progress : nil
    let byReference = comparison(request.limits(for: model.graph), .propagated)
    var (own, graphOutcome) = try byReference.run(
      against: byReference.truth(of: truth),
      and: isRounded ? nil : described.map { (byGraph, $0) }, images: images.count
    ) {
      let image = try images.next()
      image.map { digest.add($0) }
      return image
    }
    inputDigest = digest.text
    own.remarks += inputs.remarks
    own.weights = weights
    own.functions = try FunctionAgreement(
      of: written.graph, and: parameters.graph, tolerance: { _ in 0 }, tensor: { parameters[$0] })
    self.own = own

    let type = parameters.coarsestType(in: model.graph)
    let isBaked = parameters.graph.configuration != model.graph.configuration
    var limits = isRounded ? Limits(precision: type) : request.limits(for: model.graph)
    if let maximum = request.maximumError {
      limits.overrides.append(.init(layers: Glob(model.graph.outputName), limit: maximum))
    }
    if isRounded, model.graph.configuration.head.lastActivation == .softmax {
      // It multiplies a difference by the size of the logits, which are judged themselves.
      let softmax = model.graph.nodes[model.graph.outputIndex].name
      limits.overrides.append(.init(layers: Glob(softmax), limit: 1))
    }
    let source = RecordingExecutor(
      ReferenceExecutor(graph: model.graph, parameters: original, pool: pool),
      node: model.graph.certifiedNode)
    let byOriginal = comparison(limits, .both)
    var accuracy =
      isRounded || isBaked ? try run(byOriginal, against: byOriginal.truth(of: source)) : nil
    accuracy?.weights = try WeightAgreement(
      of: written.graph, threads: threads, candidate: { writtenParameters[$0] },
      reference: { kept[$0] })
    self.accuracy = accuracy
    ownGraph = try described.map { ownGraph in
      let result = try graphOutcome ?? run(byGraph, against: ownGraph)
      guard let input = try result.firstFailingImage(of: request.input, for: model) else {
        try ownGraph.requireSameFunction(tensors: model.tensorNames)
        return result
      }
      return try request.search?.explained(result) {
        try Diagnosis(
          of: byGraph, parameters: original, words: model.family.parameterWords, deadline: $0
        ) {
          ReferenceExecutor(graph: $0, parameters: $1, pool: pool)
        }.explain(result, against: ownGraph, input: input)
      } ?? result
    }
    let recorded = try archive.map {
      try ActivationArchive($0, graph: model.graph, layerNames: model.layerNames)
    }
    var framework = try recorded.map { archive in
      let byFramework = comparison(limits, .propagated)
      do {
        let result = try byFramework.run(against: archive)
        return try request.search?.explained(result) {
          try Diagnosis(
            of: byFramework, parameters: writtenParameters, words: model.family.parameterWords,
            deadline: $0
          ) { ReferenceExecutor(graph: $0, parameters: $1, pool: pool) }
          .explain(result, against: archive)
        } ?? result
      } catch {
        throw error.ofInput(archive.path)
      }
    }

    // A graph that agrees tells all that the source's tensors do not; recorded values what would have shown in them.
    if ownGraph != nil {
      assumptions = []
    } else if let recorded, let outcome = framework {
      let reach = try RecordedReach(recorded, model.graph, outcome)
      assumptions = reach.left(of: model.assumptions)
      framework?.remarks += reach.remarks
    } else {
      assumptions = model.assumptions
    }
    self.framework = framework
    self.own.assumptions = assumptions
    self.accuracy?.assumptions = assumptions
    let halfPrecision = try? model.source.graph()?.halfPrecision
    self.own.halfPrecision = halfPrecision
    self.accuracy?.halfPrecision = halfPrecision

    // Both by the reference, which gives the same bits on every machine: so does the certificate.
    if case .probe(let seed, _) = request.input, let value = truth.value {
      probe = (seed, Shape([1] + own.inputShape.dimensions.dropFirst()))
      let values = value.certifiedValues
      certifiedValues = values
      fingerprints = truth.fingerprints
      certifiedError = source.value.map {
        ScaledError(of: values, from: $0.certifiedValues).value
      }
    } else {
      // Only a probe can be made again by whoever has the file and nothing else.
      var images = try InputImages(.standardProbe, for: model, passesStrangers: false)
      let standard = try images.all()
      probe = (InputArgument.standardSeed, standard.shape)
      let (values, layers) = try reference.certified(for: standard)
      certifiedValues = values
      fingerprints = layers
      certifiedError =
        accuracy != nil
        ? ScaledError(of: values, from: try source.certifiedValues(for: standard)).value : nil
    }
  }
}

extension Parameters {
  /// Whether any tensor has another type than the other's: then its values were rounded.
  fileprivate func differ(from other: Parameters, in graph: Graph) -> Bool {
    graph.parameters.contains { self[$0].dtype != other[$0].dtype && self[$0].dtype != .float32 }
  }
}

extension Graph {
  /// The node by which the output is judged: the logits, or the last one where there are no classes.
  fileprivate var outputName: String { nodes[certifiedNode].name }
}

extension Comparison.Outcome {
  /// Whether what the network puts out was compared.
  var reachesOutput: Bool { layer(of: graph.outputIndex) != nil }

  /// The scaled error of the node by which the output is judged.
  func outputError(of graph: Graph) -> Double {
    layers.first { $0.name == graph.outputName }?.propagated?.scaledError ?? 0
  }
}

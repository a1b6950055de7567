package import Families
package import Inference
package import ResNetV2
package import Tensors

/// A measurement that is asked for.
package struct BenchRequest: Sendable {
  /// A model file, or the name of a network, which then gets random weights.
  package var model: String
  /// The family of the file or of the named network.
  package var family: Family?
  /// The number of images at once.
  package var batch = 1
  /// The height and width of an image, or `nil` for the family's usual one.
  package var size: Int?
  /// How often the network is run.
  package var repetitions = 20
  /// The number of threads.
  package var threads = Tool.coreCount
  /// Whether 3×3 convolutions may be computed by Winograd's method.
  package var winograd = true
  /// The kernels, or `nil` for the best that the processor has.
  package var instructionSet: InstructionSet?

  package init(model: String) {
    self.model = model
  }
}

/// What was measured.
package struct BenchOutcome: Sendable {
  /// The network's name.
  package let architecture: String
  /// The family.
  package let family: Family
  /// The network.
  package let graph: Graph
  /// The shape of the input.
  package let input: Shape
  /// The kernels that were used.
  package let instructionSet: InstructionSet
  /// The times.
  package let profile: Profile
  /// The rate of multiply-adds in registers in the same run, in operations per second.
  package let peak: Double
}

/// Measures the forward pass of a model, layer by layer.
///
/// - Throws: `InputError` where the file cannot be read.
package func bench(_ request: BenchRequest) async throws -> BenchOutcome {
  let (graph, family, parameters) = try await network(request)
  let size = request.size ?? family.defaultInputSize
  let shape: Shape = [request.batch, size, size, graph.configuration.inputChannels]
  let executor = FastExecutor(
    graph: graph, parameters: parameters, threads: request.threads,
    methods: request.winograd ? .fastest(expecting: shape) : .direct,
    instructionSet: request.instructionSet ?? .best)
  let before = executor.measurePeak()
  let profile: Profile
  do {
    profile = try executor.profile(
      .probe(seed: 1, shape: shape), repetitions: request.repetitions)
  } catch let error as InputShapeError {
    throw InputError(.badData, path: request.model, error.description)
  }
  return BenchOutcome(
    architecture: family.architectureName(of: graph.configuration), family: family, graph: graph,
    input: shape, instructionSet: executor.instructionSet, profile: profile,
    peak: max(before, executor.measurePeak()))
}

/// How long it takes until every tensor of a file can be used.
package struct LoadOutcome: Sendable {
  /// The kind of container.
  package let container: String
  /// The number of tensors.
  package let tensors: Int
  /// The time of each repetition, in seconds, smallest first.
  package let times: [Double]
}

/// Measures opening a file and mapping its tensors to a network; no element is touched.
///
/// - Throws: `InputError` where the file cannot be read.
package func benchLoad(_ request: BenchRequest) async throws -> LoadOutcome {
  let clock = ContinuousClock()
  var times: [Double] = []
  var model = try await Model(path: request.model, family: request.family)
  for _ in 0..<request.repetitions {
    let start = clock.now
    model = try await Model(path: request.model, family: request.family)
    times.append((clock.now - start) / .seconds(1))
  }
  return LoadOutcome(
    container: model.source.container, tensors: model.source.tensors.count, times: times.sorted())
}

private func network(_ request: BenchRequest) async throws -> (Graph, Family, Parameters) {
  let families = request.family.map { [$0] } ?? Family.all
  for family in families {
    if let configuration = family.configuration(architecture: request.model) {
      let graph = try Graph(configuration)
      let parameters = try Parameters.random(for: graph, seed: 1, threads: request.threads)
      return (graph, family, parameters)
    }
  }
  let model = try await Model(path: request.model, family: request.family)
  return (model.graph, model.family, try model.parameters(threads: request.threads))
}

package import Families
import Files
package import Inference
import RNW
package import ResNetV2
import Safetensors
package import Tensors
import Threads
import WeightSources

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
  /// The threads that compute.
  package var pool = WorkerPool.shared
  /// Whether convolutions may be computed with fewer products, by Winograd's and Strassen's methods.
  package var winograd = true
  /// Whether every layer's output is stored, as for a comparison.
  package var keepsActivations = false
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
  /// The rate of copies in memory in the same run, in bytes per second.
  package let bandwidth: Double
  /// How long a word takes from one thread to another and back, in seconds.
  package let roundTrip: Double?
  /// The most memory that the process has used, in bytes.
  package let peakMemoryBytes: Int
}

/// Measures the forward pass of a model, layer by layer.
///
/// - Throws: `InputError` where the file cannot be read.
package func bench(_ request: BenchRequest) throws -> BenchOutcome {
  let (graph, family, parameters) = try network(request)
  let shape = request.inputShape(of: graph, family)
  let executor = request.executor(graph, parameters, input: shape)
  let before = executor.measurePeak()
  let profile: Profile
  do {
    profile = try executor.profile(
      .probe(seed: 1, shape: shape), repetitions: request.repetitions,
      keepsActivations: request.keepsActivations)
  } catch let error as InputShapeError {
    throw InputError(.badData, path: request.model, error.description)
  }
  // Before the bandwidth is measured, with large blocks of its own.
  let peakMemory = Tool.peakMemoryBytes
  return BenchOutcome(
    architecture: family.architectureName(of: graph.configuration), family: family, graph: graph,
    input: shape, instructionSet: executor.instructionSet, profile: profile,
    peak: max(before, executor.measurePeak()), bandwidth: executor.measureBandwidth(),
    roundTrip: executor.measureRoundTrip(), peakMemoryBytes: peakMemory)
}

/// How long it takes until every tensor of a file can be used.
package struct LoadOutcome: Sendable {
  /// The kind of container.
  package let container: String
  /// The number of tensors.
  package let tensors: Int
  /// The time of each opening alone, until every tensor that lies in the file as it is can be used,
  /// in seconds, smallest first.
  package let opening: [Double]
  /// The time of each opening with the mapping to a network, in seconds, smallest first.
  package let times: [Double]
}

/// Measures opening a file, and opening it and mapping its tensors to a network; no element is
/// touched.
///
/// - Throws: `InputError` where the file cannot be read.
package func benchLoad(_ request: BenchRequest) throws -> LoadOutcome {
  let clock = ContinuousClock()
  var opening: [Double] = []
  var times: [Double] = []
  var model = try Model(path: request.model, family: request.family)
  for _ in 0..<request.repetitions {
    var start = clock.now
    let source = try WeightFile.open(request.model)
    try source.mapTensors()
    opening.append((clock.now - start) / .seconds(1))
    start = clock.now
    model = try Model(path: request.model, family: request.family)
    times.append((clock.now - start) / .seconds(1))
  }
  return LoadOutcome(
    container: model.source.container, tensors: model.source.tensors.count,
    opening: opening.sorted(), times: times.sorted())
}

extension WeightSource {
  /// Asks for every tensor that a reader maps rather than reads.
  fileprivate func mapTensors() throws {
    if let file = self as? RNWFile {
      for info in file.tensors { _ = try file.mappedTensor(named: info.name) }
    } else if self is SafetensorsFile {
      for info in tensors { _ = try tensor(named: info.name) }
    }
  }
}

/// How fast the tensors of a file are packed and unpacked.
package struct CodecOutcome: Sendable {
  /// The bytes of the tensors that the codec `planes` takes, as they are.
  package let elementBytes: Int
  /// The same, packed.
  package let packedBytes: Int
  /// The time of each packing, in seconds, smallest first.
  package let packing: [Double]
  /// The time of each unpacking, in seconds, smallest first.
  package let unpacking: [Double]
}

/// A tensor that the codec did not give back as it was; a fault of the tool.
private struct CodecFault: Error, CustomStringConvertible {
  let tensor: String

  var description: String { "\(tensor) was packed and did not come back as it was" }
}

/// Measures the codec `planes` on the tensors of a file, from memory to memory, checksums included.
///
/// - Throws: `InputError` where the file cannot be read.
package func benchCodec(_ request: BenchRequest) throws -> CodecOutcome {
  let source = try WeightFile.open(request.model)
  let infos = source.tensors.filter { Planes.canEncode($0.dtype) && $0.shape.elementCount > 0 }
    .sorted { $0.shape.elementCount > $1.shape.elementCount }
  let tensors = try infos.map { try source.tensor(named: $0.name) }
  let clock = ContinuousClock()
  var packing: [Double] = []
  var unpacking: [Double] = []
  var packedBytes = 0
  for _ in 0..<request.repetitions {
    var start = clock.now
    let streams = try concurrentMap(tensors, threads: request.pool.threadCount) {
      try Planes.encode($0, threads: 1)
    }
    packing.append((clock.now - start) / .seconds(1))
    packedBytes = streams.reduce(0) { $0 + $1.byteCount }
    let joined = streams.map { $0.parts.reduce(into: [UInt8]()) { $0 += $1 } }
    start = clock.now
    let decoded = try concurrentMap(Array(zip(tensors, joined)), threads: request.pool.threadCount)
    {
      tensor, stream in
      try stream.withUnsafeBytes {
        try Planes.decode($0, dtype: tensor.dtype, shape: tensor.shape, threads: 1)
      }
    }
    unpacking.append((clock.now - start) / .seconds(1))
    for (index, pair) in zip(streams, decoded).enumerated() {
      guard pair.1?.checksum == pair.0.checksum, pair.1?.storedChecksum == pair.0.storedChecksum
      else {
        throw CodecFault(tensor: infos[index].name)
      }
    }
  }
  return CodecOutcome(
    elementBytes: tensors.reduce(0) { $0 + $1.byteCount }, packedBytes: packedBytes,
    packing: packing.sorted(), unpacking: unpacking.sorted())
}

extension BenchRequest {
  /// The shape of the input of a network.
  func inputShape(of graph: Graph, _ family: Family) -> Shape {
    let side = size ?? family.defaultInputSize
    let channels = graph.configuration.input.channels
    let usual = size == nil ? graph.usualInput(side: side) : nil
    let shape = usual ?? [1, side, side, channels]
    return [batch, shape[1], shape[2], channels]
  }

  /// The executor that is measured.
  func executor(_ graph: Graph, _ parameters: Parameters, input: Shape) -> FastExecutor {
    FastExecutor(
      graph: graph, parameters: parameters, pool: pool,
      methods: winograd ? .fastest(expecting: input) : .direct,
      instructionSet: instructionSet ?? .best)
  }
}

/// The network that is asked for, with the file's parameters or random ones.
func network(_ request: BenchRequest) throws -> (Graph, Family, Parameters) {
  let families = request.family.map { [$0] } ?? Family.all
  for family in families {
    if let configuration = family.configuration(architecture: request.model) {
      let graph = try Graph(configuration)
      let parameters = try Parameters.random(for: graph, seed: 1, threads: request.pool.threadCount)
      return (graph, family, parameters)
    }
  }
  let model = try Model(path: request.model, family: request.family)
  return (model.graph, model.family, try model.parameters(threads: request.pool.threadCount))
}

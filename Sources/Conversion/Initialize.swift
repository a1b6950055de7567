package import Families
import Files
import Inference
package import RNW
package import ResNetV2
import Safetensors
import Tensors
import Threads
import WeightSources

/// A network of random weights that is to be made.
package struct InitializationRequest: Sendable {
  /// The family whose names are used.
  package var family: Family
  /// The network.
  package var configuration: Configuration
  /// The seed of the weights.
  package var seed: UInt64
  /// The file; its ending decides the container.
  package var output: String
  /// How a `.rnw` stores its tensors.
  package var codec = RNWCodec.planes
  /// Whether an existing file is replaced.
  package var replaces = false
  /// The number of threads.
  package var threads = WorkerPool.processorCount

  package init(family: Family, configuration: Configuration, seed: UInt64, output: String) {
    self.family = family
    self.configuration = configuration
    self.seed = seed
    self.output = output
  }
}

/// Writes a network of random weights.
///
/// - Returns: the files that were written: the one that was asked for, then what belongs to it.
/// - Throws: `InputError` where the file cannot be made, or its ending is of no container that is written.
@discardableResult
package func initialize(_ request: InitializationRequest) throws -> [String] {
  let container = try WritableContainer(path: request.output)
  let graph = try Graph(request.configuration)
  let output = try OutputFile(path: request.output, replacing: request.replaces)
  let parameters = try Parameters.random(
    for: graph, seed: request.seed, threads: request.threads)
  return try write(
    parameters, of: graph, family: request.family, as: container, codec: request.codec,
    origin: "random weights of seed \(request.seed)", to: output, threads: request.threads)
}

/// The containers that are written.
enum WritableContainer: String, CaseIterable {
  case rnw
  case keras3Weights = "weights.h5"
  case h5
  case npz
  case safetensors
  case onnx
  case keras

  /// Whether Keras alone reads it.
  var isOfKeras: Bool { self == .h5 || self == .keras3Weights || self == .keras }

  /// The container that a path's ending asks for.
  init(path: String) throws {
    let name = fileName(of: path).lowercased()
    guard let container = Self.allCases.first(where: { name.hasSuffix(".\($0.rawValue)") }) else {
      let all = Self.allCases.map { ".\($0.rawValue)" }
      let known = all.dropLast().joined(separator: ", ") + " or " + (all.last ?? "")
      throw InputError(
        .cannotCreate, path: path, "has an unknown extension",
        place: "\(known) was expected")
    }
    self = container
  }
}

/// Writes parameters into a container, in the names of a family or, in a `.rnw`, of the graph.
///
/// - Parameters:
///   - usual: the image that the network is usually run on, [1, H, W, C]; one of the family's size where `nil`.
///   - preprocessing: what images go through before that; the family's where `nil`.
/// - Returns: the files that were written: the one that was asked for, then what belongs to it.
@discardableResult
func write(
  _ parameters: Parameters, of graph: Graph, family: Family, renamed: [String: String] = [:],
  as container: WritableContainer, codec: RNWCodec, origin: String, usual: Shape? = nil,
  preprocessing: Preprocessing? = nil, batch: Int? = nil,
  largestMessage: Int = ONNXWriter.largestMessage, to output: OutputFile, threads: Int
) throws -> [String] {
  let (side, channels) = (family.defaultInputSize, graph.configuration.input.channels)
  let usual = usual ?? [1, side, side, channels]
  switch container {
  case .rnw:
    let records = try records(
      family: family, graph: graph, renamed: renamed, origin: origin,
      preprocessing: PreprocessingRecord(
        preprocessing: preprocessing ?? family.preprocessing, inputSize: usual[1]))
    let draft = try RNWDraft(
      graph.parameters.map { ($0.name, parameters[$0]) }, codec: codec, records: records,
      certificateBytes: 0, to: output, threads: threads)
    try draft.commit(records)
    return [output.path]
  case .safetensors:
    let tensors = try family.namedTensors(
      of: parameters, in: graph, renamed: renamed, threads: threads)
    let stored = try concurrentMap(tensors, threads: threads) { ($0.name, try $0.storedData()) }
    try SafetensorsWriter.write(stored, to: output)
  case .onnx:
    return try ONNXExport(
      parameters, of: graph, family: family, usual: usual, batch: batch, path: output.path
    ).commit(to: output, maximumBytes: largestMessage)
  case .keras:
    try KerasExport(
      parameters, of: graph, family: family, usual: usual, renamed: renamed, path: output.path
    ).write(to: output)
  case .npz:
    var writer = NPZWriter(to: output)
    for tensor in try family.namedTensors(
      of: parameters, in: graph, renamed: renamed, threads: threads)
    {
      try writer.append(tensor.name, tensor.data)
    }
    try writer.finish()
  case .h5:
    let tensors = try family.namedTensors(
      of: parameters, in: graph, renamed: renamed, threads: threads)
    try KerasH5Writer.write(layers(of: graph, family, renamed, tensors), to: output)
  case .keras3Weights:
    let tensors = try family.namedTensors(
      of: parameters, in: graph, renamed: renamed, threads: threads)
    try Keras3WeightsWriter.write(layers(of: graph, family, renamed, tensors), to: output)
  }
  try output.commit()
  return [output.path]
}

extension Family.NamedTensor {
  /// The elements in the model's type where other tools know it: one of 16 bits.
  ///
  /// The values come from that type, so rounding them gives the same bits again.
  fileprivate func storedData() throws -> TensorData {
    dtype == .float16 || dtype == .bfloat16 ? try data.rounded(to: dtype) : data
  }
}

/// The layers of a network in the order in which Keras reads them, with those that have no weights.
private func layers(
  of graph: Graph, _ family: Family, _ renamed: [String: String], _ tensors: [Family.NamedTensor]
) -> [KerasH5Writer.Layer] {
  let names = family.layerNames(for: graph, renamed: renamed)
  let weights = Dictionary(grouping: tensors, by: \.layer)
  var seen: Set<String> = []
  let all = graph.nodesByDepth.compactMap { names.name(of: $0.name) } + tensors.map(\.layer)
  return all.filter { seen.insert($0).inserted }.map { layer in
    KerasH5Writer.Layer(
      name: layer,
      weights: (weights[layer] ?? []).map { (String($0.suffix.dropFirst()), $0.data) })
  }
}

private func records(
  family: Family, graph: Graph, renamed: [String: String], origin: String,
  preprocessing: PreprocessingRecord
) throws -> RNWDraft.Records {
  let source = SourceRecord(
    file: origin, sha256: "", container: "none", family: family.id, renamedLayers: renamed,
    used: [:], waived: [:], tool: "rnw \(PackageVersion.text)")
  return RNWDraft.Records(
    configuration: try RecordCoding.json(graph.configuration),
    formatMajor: graph.configuration.formatMajor,
    preprocessing: try RecordCoding.json(preprocessing), source: try RecordCoding.json(source))
}

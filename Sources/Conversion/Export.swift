import Diagnosis
package import Families
import Files
import Inference
import RNW
import ResNetV2
import Tensors
import WeightSources

/// A model that is to be written in a framework's names.
package struct ExportRequest: Sendable {
  /// The model.
  package var model: String
  /// The file; its ending decides the container.
  package var output: String
  /// The family whose names are used; the model's own where `nil`.
  package var family: Family?
  /// Which dictionary of a PyTorch checkpoint is taken, or `nil` for the likeliest.
  package var dictionary: String?
  /// What the user says of the network.
  package var told = Told()
  /// How many images an ONNX model takes; any number where `nil`.
  package var batch: Int?
  /// The largest ONNX model that is one file; a larger one has its values beside it.
  package var largestMessage = ONNXWriter.largestMessage
  /// Whether an existing file is replaced.
  package var replaces = false
  /// The number of threads.
  package var threads = WorkerPool.processorCount

  package init(model: String, output: String) {
    self.model = model
    self.output = output
  }
}

/// Writes a model's parameters for a framework, or the model as ONNX or Keras: the way back, lossless from float32.
///
/// - Returns: the files that were written: the one that was asked for, then what belongs to it.
/// - Throws: `InputError` where the model cannot be read, the family has no such network, or the file
///   cannot be made.
@discardableResult
package func export(_ request: ExportRequest) throws -> [String] {
  let container = try WritableContainer(path: request.output)
  let model = try Model(
    path: request.model, dictionary: request.dictionary, told: request.told)
  let family = request.family ?? model.family
  // The names and the graph of an ONNX model are of no family, those of a Keras model only where that is asked for.
  let isFree = container == .onnx || container == .keras && request.family == nil
  guard isFree || family.canExpress(model.graph.configuration) else {
    throw try inexpressible(model, by: family)
  }
  guard request.batch == nil || container == .onnx else {
    throw InputError(
      .cannotCreate, path: request.output, "is for any number of images",
      place: "--batch is for .onnx")
  }
  guard isFree || !container.isOfKeras || family.hasKerasNames else {
    throw InputError(
      .cannotCreate, path: request.output, "is a container of Keras, and \(family.title) is not",
      hint: ".safetensors and .npz hold the names of every family")
  }
  let output = try OutputFile(
    path: request.output, replacing: request.replaces,
    inputs: model.source.files.map(\.file.identity))
  let parameters = try model.parameters(threads: request.threads)
  try model.source.checkUnchanged()
  let isOwn = family.id == model.family.id
  return try write(
    parameters, of: model.graph, family: family,
    renamed: isOwn ? model.renamedLayers : [:], as: container, codec: .planes,
    origin: fileName(of: request.model), usual: model.usualInput,
    preprocessing: isOwn ? try model.preprocessing() : nil, batch: request.batch,
    largestMessage: request.largestMessage, to: output, threads: request.threads)
}

/// That a family has no such network, with the first option in its way.
private func inexpressible(_ model: Model, by family: Family) throws -> InputError {
  let configuration = model.graph.configuration
  let obstacles = try family.counterparts(of: configuration).map {
    try differences(between: configuration, and: $0)
  }
  let first = obstacles.min { $0.count < $1.count }?.first
  let reason = first.map {
    "; \($0.name) is \($0.first ?? "absent"), \($0.second ?? "absent") in the family"
  }
  let able = Family.all.filter { $0.canExpress(configuration) }.map(\.id)
  return InputError(
    .badData, path: model.source.path, "is no network of \(family.title)",
    place: "\(model.architectureName) of \(model.family.title)\(reason ?? "")",
    hint: able.isEmpty
      ? "no family has it; .onnx and .keras hold any network"
      : "families that have it: \(able.joined(separator: ", "))")
}

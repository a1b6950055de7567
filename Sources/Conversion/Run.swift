import Comparison
package import Families
import Files
package import Inference
package import Plain
import Reports
import ResNetV2
import Tensors
import WeightSources

/// A forward pass that is asked for.
package struct RunRequest: Sendable {
  /// The model.
  package var model: String
  /// The family of a file that is not converted, or `nil` to recognise it.
  package var family: Family?
  /// Which dictionary of a PyTorch checkpoint is taken, or `nil` for the likeliest.
  package var dictionary: String?
  /// What the user says of the network.
  package var told = Told()
  /// What it is run on.
  package var input: InputArgument
  /// The archive that the activations are written to, or `nil` for none.
  package var output: String?
  /// Whether the graph that the file itself describes is run, rather than that of its family.
  package var usesOwnGraph = false
  /// The layers that are written, or `nil` for all.
  package var layers: Glob?
  /// The file of the classes' names, or `nil` for none.
  package var labels: String?
  /// Whether an existing archive is replaced.
  package var replaces = false
  /// The threads that compute.
  package var pool = WorkerPool.shared

  package init(model: String, input: InputArgument) {
    self.model = model
    self.input = input
  }
}

/// What a forward pass gave.
package struct RunOutcome: Sendable {
  /// What was run.
  package let network: String
  /// What each image is called.
  package let names: [String]
  /// The value of the last node, for all images.
  package let output: Activation
  /// What the classes are called, where that was given.
  package let labels: ClassLabels?
  /// How many arrays were written.
  package let arraysWritten: Int
  /// What the reader should know of the input, each in a sentence.
  package var remarks: [String] = []
}

/// Runs a model, and writes the activations under the family's layer names and in its layout.
///
/// - Parameter progress: is told how much of how much is done.
/// - Throws: `InputError` where a file cannot be read or written, or the input does not fit.
package func run(
  _ request: RunRequest,
  progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
) throws -> RunOutcome {
  try requireArchive(request.output)
  if request.usesOwnGraph { return try runOwnGraph(request) }
  let source = try WeightFile.open(request.model, dictionary: request.dictionary)
  let model: Model
  do {
    model = try Model(source, family: request.family, told: request.told)
  } catch let error as InputError {
    // No family knows it: then its own graph is run, where it carries one.
    _ = try OwnNetwork(source, instead: error)
    return try runOwnGraph(request)
  }
  let arrayNames = model.arrayNames
  try requireLayer(
    request, among: model.graph.nodes.dropFirst().compactMap { arrayNames[$0.name] })
  var images = try InputImages(request.input, for: model, passesStrangers: true)
  let names = images.names
  let labels = try request.labels.map {
    try ClassLabels(path: $0, classes: model.graph.configuration.head.classes)
  }
  // Activations of several images stand in one array: then they are computed as one batch.
  guard let first = try request.output == nil ? images.next() : images.all() else {
    preconditionFailure("an input has at least one image")
  }
  let remarks =
    images.remarks
    + [try model.rangeRemark(on: first, from: images.firstArray)].compactMap { $0 }
  let executor = FastExecutor(
    graph: model.graph, parameters: try model.parameters(threads: request.pool.threadCount),
    pool: request.pool, expecting: first.shape, winograd: request.output == nil)
  do {
    guard let path = request.output else {
      let output = try executor.run(first, &images, progress: progress)
      try model.source.checkUnchanged()
      return RunOutcome(
        network: model.architectureName, names: names, output: output, labels: labels,
        arraysWritten: 0, remarks: remarks)
    }
    let file = try OutputFile(
      path: path, replacing: request.replaces,
      inputs: model.source.files.map(\.file.identity))
    var writer = NPZWriter(to: file)
    var count = 1
    let layout = model.layerNames.layout
    try writer.append("input", first.tensor(in: layout))
    let output = try executor.run(first) { node, value in
      progress(node + 1, model.graph.nodes.count)
      guard node > 0, let name = arrayNames[model.graph.nodes[node].name],
        request.layers?.matches(name) ?? true
      else { return }
      try writer.append(name, value.tensor(in: layout))
      count += 1
    }
    try writer.finish()
    try model.source.checkUnchanged()
    try file.commit()
    return RunOutcome(
      network: model.architectureName, names: names, output: output, labels: labels,
      arraysWritten: count, remarks: remarks)
  } catch let error as InputShapeError {
    throw InputError(.badData, path: request.model, error.description)
  }
}

extension Model {
  /// What the value of each node is called in an archive: as the family calls the layer; what the network puts out is
  /// there in any case.
  fileprivate var arrayNames: [String: String] {
    let output = graph.nodes[graph.outputIndex].name
    return layerNames.arrayNames(of: graph.nodes.map(\.name)).merging([output: output]) { name, _ in
      name
    }
  }
}

/// Activations are written as an archive of NumPy's; another ending would promise another container.
private func requireArchive(_ path: String?) throws {
  guard let path, !path.lowercased().hasSuffix(".npz") else { return }
  throw InputError(
    .cannotCreate, path: path, "has an extension of no archive of activations",
    place: "a name that ends in .npz was expected")
}

/// A pattern that no layer matches is a mistake.
func requireLayer(_ request: RunRequest, among names: [String]) throws {
  guard let pattern = request.layers, !names.contains(where: pattern.matches) else { return }
  let examples = names.prefix(2).joined(separator: ", ")
  throw InputError(
    .badData, path: request.model, "has no layer called '\(pattern.text)'",
    place: "it has \(names.count), such as \(examples)")
}

extension FastExecutor {
  /// Runs image after image, and puts the outputs together.
  fileprivate func run(
    _ first: Activation, _ images: inout InputImages, progress: (Int, Int) -> Void
  ) throws -> Activation {
    let total = images.count
    var next: Activation? = first
    var shape: Shape = []
    var values: [Float] = []
    var done = 0
    while let image = next {
      let output = try run(image, observer: nil)
      shape = output.shape
      values += output.values
      done += 1
      progress(done, total)
      next = try images.next()
    }
    return Activation(shape: Shape([done] + shape.dimensions.dropFirst()), values: values)
  }
}

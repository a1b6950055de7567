import Comparison
import Families
import Files
import Inference
import Plain
import SourceGraph
import Tensors
import WeightSources

/// A file that was asked for its own graph has none.
func describesNoGraph(_ source: any WeightSource) -> InputError {
  InputError(
    .badData, path: source.path, "describes no graph of its own",
    place: "it is \(source.container)",
    hint: "whole Keras models do: .keras, and .h5 by save(); so do ONNX models")
}

/// Runs the graph that a file itself describes, and writes the activations under its layers' names.
///
/// All images are one batch.
func runOwnGraph(_ request: RunRequest) throws -> RunOutcome {
  let source = try WeightFile.open(request.model, dictionary: request.dictionary)
  guard let network = try source.graph() else {
    throw describesNoGraph(source)
  }
  try network.requireUnderstood()
  try requireLayer(request, among: network.nodes.dropFirst().map(\.name))
  let weights = try SourceWeights(of: network, in: source)
  // The family says how an image is prepared; arrays are taken for a network of any kind.
  let model = try? Model(source, family: request.family)
  var images =
    try model.map { try InputImages(request.input, for: $0, passesStrangers: false) }
    ?? InputImages(
      request.input, usual: network.usualInput,
      range: ProbeRange(InputAdjustment(SourceView(network), weights: weights).input))
  let run = try SourceRun(
    try images.all(), through: network, weights: weights,
    arithmetic: ReferenceArithmetic(pool: request.pool))
  let file = try request.output.map {
    try OutputFile(
      path: $0, replacing: request.replaces,
      inputs: source.files.map(\.file.identity))
  }
  var writer = file.map { NPZWriter(to: $0) }
  var count = 0
  for (index, node) in network.nodes.enumerated() {
    let name = index == 0 ? "input" : node.name
    guard writer != nil, index == 0 || request.layers?.matches(name) ?? true else { continue }
    guard let value = try run.value(of: index) else { continue }
    try writer?.append(name, value.tensor(in: .nhwc))
    count += 1
  }
  guard let output = try run.value(of: network.outputs[0]) else {
    preconditionFailure("the output is computed where the shapes are known")
  }
  let labels = try request.labels.map {
    try ClassLabels(path: $0, classes: output.shape[output.shape.rank - 1])
  }
  try writer?.finish()
  try source.checkUnchanged()
  try file?.commit()
  return RunOutcome(
    network: "its own graph of \(network.nodes.count) layers", names: images.names, output: output,
    labels: labels, arraysWritten: count)
}

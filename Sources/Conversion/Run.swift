package import Families
package import Inference
import ResNetV2
import Tensors
package import Verification
import WeightSources

/// A forward pass that is asked for.
package struct RunRequest: Sendable {
  /// The model.
  package var model: String
  /// The family of a file that is not converted, or `nil` to recognise it.
  package var family: Family?
  /// What it is run on.
  package var input: InputArgument
  /// The archive that the activations are written to, or `nil` for none.
  package var output: String?
  /// The layers that are written, or `nil` for all.
  package var layers: Glob?
  /// Whether an existing archive is replaced.
  package var isForced = false
  /// The number of threads.
  package var threads = Tool.coreCount

  package init(model: String, input: InputArgument) {
    self.model = model
    self.input = input
  }
}

/// What a forward pass gave.
package struct RunOutcome: Sendable {
  /// The network.
  package let model: Model
  /// The value of the last node.
  package let output: Activation
  /// How many arrays were written.
  package let arraysWritten: Int
}

/// Runs a model, and writes the activations under the family's layer names and in its layout.
///
/// - Throws: `InputError` where a file cannot be read or written, or the input does not fit.
package func run(_ request: RunRequest) async throws -> RunOutcome {
  let model = try await Model(path: request.model, family: request.family)
  let input = try await request.input.activation(for: model, default: nil)
  let executor = FastExecutor(
    graph: model.graph, parameters: try model.parameters(threads: request.threads),
    threads: request.threads, expecting: input.shape, winograd: request.output == nil)
  do {
    guard let path = request.output else {
      return RunOutcome(
        model: model, output: try executor.run(input, observer: nil), arraysWritten: 0)
    }
    let file = try OutputFile(
      path: path, replacing: request.isForced,
      inputs: [try MappedFile(path: request.model).identity])
    var writer = NPZWriter(to: file)
    var count = 1
    let names = model.layerNames
    try writer.append("input", input.tensor(in: names.layout))
    let output = try executor.run(input) { node, value in
      guard node > 0, let name = names.name(of: model.graph.nodes[node].name),
        request.layers?.matches(name) ?? true
      else { return }
      try writer.append(name, value.tensor(in: names.layout))
      count += 1
    }
    try writer.finish()
    try file.commit()
    return RunOutcome(model: model, output: output, arraysWritten: count)
  } catch let error as InputShapeError {
    throw InputError(.badData, path: request.model, error.description)
  }
}

extension Activation {
  /// The values in a family's layout.
  fileprivate func tensor(in layout: LayerNames.Layout) -> TensorData {
    guard layout == .nchw, shape.rank == 4 else {
      return TensorData(shape: shape, values: values)
    }
    let (images, channels) = (shape[0], shape[3])
    let pixels = shape[1] * shape[2]
    var result = [Float](repeating: 0, count: values.count)
    for image in 0..<images {
      let start = image * channels * pixels
      for channel in 0..<channels {
        for pixel in 0..<pixels {
          result[start + channel * pixels + pixel] = values[start + pixel * channels + channel]
        }
      }
    }
    return TensorData(shape: [images, channels, shape[1], shape[2]], values: result)
  }
}

import Families
package import Inference
import ResNetV2
import Tensors
import WeightSources

extension InputArgument {
  /// The input for a model, [N, H, W, C].
  ///
  /// - Parameter size: the height and width of a probe; the family's usual one where `nil`.
  /// - Throws: `InputError` where the file holds no images that fit.
  package func activation(for model: Model, default size: Int?) async throws -> Activation {
    let channels = model.graph.configuration.inputChannels
    switch self {
    case .probe(let seed, let count):
      let size = size ?? model.family.defaultInputSize
      return .probe(seed: seed, shape: [count, size, size, channels])
    case .file(let path):
      let source = try await WeightFile.open(path)
      let tensor = try source.tensor(named: try Self.arrayName(in: source))
      let shape = try Self.imageShape(tensor.shape, channels: channels, path: path)
      return Activation(shape: shape, values: tensor.floats())
    }
  }

  private static func arrayName(in source: any WeightSource) throws -> String {
    if source.tensors.count == 1 { return source.tensors[0].name }
    guard source.tensors.contains(where: { $0.name == "input" }) else {
      throw InputError(
        .badData, path: source.path, "holds \(source.tensors.count) arrays and none named input",
        place: "one array, or one named input, was expected")
    }
    return "input"
  }

  /// An image of its own is a batch of one.
  private static func imageShape(_ shape: Shape, channels: Int, path: String) throws -> Shape {
    let batch = shape.rank == 3 ? Shape([1] + shape.dimensions) : shape
    guard batch.rank == 4, batch[3] == channels, batch.elementCount > 0 else {
      throw InputError(
        .badData, path: path, "has the shape \(shape)",
        place: "images of N×H×W×\(channels) were expected")
    }
    return batch
  }
}

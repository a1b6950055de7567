import Comparison
import Families
import Files
import Inference
import ResNetV2
import Tensors

/// A network whose values were recorded: those of an archive where it has them, computed from these where it has not.
struct RecordedExecutor: Executor {
  let graph: Graph
  private let archive: ActivationArchive
  private let network: ReferenceExecutor

  /// - Parameter input: what an engine's values were computed from, which must be what the archive's were.
  /// - Throws: `InputError` where the archive is of other layers, or of another input.
  init(
    _ source: any WeightSource, network: ReferenceExecutor, layerNames: LayerNames,
    input: Activation
  ) throws {
    graph = network.graph
    self.network = network
    archive = try ActivationArchive(source, graph: graph, layerNames: layerNames)
    try archive.check(graph, shapes: try graph.shapes(for: input.shape), input: input.shape)
    guard archive.hasInput else { return }
    guard let own = try archive.recordedInput(), own.shape == input.shape,
      own.values == input.values
    else {
      throw InputError(
        .badData, path: source.path, "was computed from another input than the candidate")
    }
  }

  func run(
    _ input: Activation, observer: ((_ node: Int, _ value: Activation) throws -> Void)?
  ) throws -> Activation {
    let values = try TrueValues(archive, candidate: network, input: input)
    var output = input
    for (index, node) in graph.nodes.enumerated() {
      if index > 0 {
        // What is lacking is computed while what it reads is there.
        guard let value = try values.expected(node.name) ?? values.input(node.name) else {
          throw InputError(
            .badData, path: archive.path, "lacks a layer that cannot be computed from the others",
            place: node.name)
        }
        output = value
      }
      try observer?(index, output)
    }
    return output
  }

  func evaluate(_ node: Int, inputs: [Activation]) throws -> Activation {
    try network.evaluate(node, inputs: inputs)
  }
}

package import Files
package import Reports
import SourceGraph
import Tensors
import WeightSources

/// The table of a model of any kind, by the graph that its file carries.
///
/// - Parameters:
///   - error: why no family knows the network.
///   - sizes: the input as [N, H, W, C]; the one that the file fixes where `nil`.
/// - Throws: that error where the file carries no graph that is understood.
package func summarizeOwnGraph(
  _ path: String, instead error: InputError, sizes: [Int]?
) throws -> Summary {
  let source = try WeightFile.open(path, dictionary: nil)
  let network = try OwnNetwork(source, instead: error)
  let graph = network.graph
  let input = try sizes.map { sizes in
    guard sizes.count == 4, let shape = Shape(validating: sizes) else {
      throw SummaryError.sizes(sizes, channels: graph.inputSize.channels ?? 3)
    }
    return shape
  }
  let shapes = try graph.shapes(for: input ?? graph.usualInput)
  var seen: Set<[String]> = []
  let rows = network.layers.map { index in
    let node = graph.nodes[index]
    // A layer that ends in a function is two nodes; its weights are those of the first.
    let first = node.inputs.first.map { graph.nodes[$0] }
    let isSecondPart = first?.name == node.name + SourceGraph.linearPart
    let own = isSecondPart ? node.inputs[0] : index
    let variables = network.weights.tensors(of: own)
    let isRepeated = !seen.insert(node.place.names).inserted
    func count(_ tensors: some Sequence<(key: String, value: TensorInfo)>) -> Int {
      isRepeated ? 0 : tensors.reduce(0) { $0 + $1.value.shape.elementCount }
    }
    let output = shapes[index]?.dimensions
    let pixels = output.map { $0.count == 4 ? $0[0] * $0[1] * $0[2] : $0[0] } ?? 0
    return SummaryRow(
      className: node.className, name: node.name, isRepeated: isRepeated,
      inputShape: graph.nodes[own].inputs.first.flatMap { shapes[$0]?.dimensions },
      outputShape: output, parameters: count(variables),
      trainedParameters: count(
        variables.filter {
          !["moving_mean", "moving_variance", "mean", "variance"].contains($0.key)
        }),
      multAdds: (variables["kernel"]?.shape.elementCount ?? 0) * pixels)
  }
  return Summary(
    layers: rows, className: "Model", name: fileName(of: path), input: input ?? graph.usualInput,
    output: shapes[graph.outputs[0]])
}

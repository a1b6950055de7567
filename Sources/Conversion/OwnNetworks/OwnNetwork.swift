import Families
import Files
import Inference
import SourceGraph
import Tensors

/// A model of any kind by the graph that its file carries: what is left where no family knows the network.
struct OwnNetwork {
  let source: any WeightSource
  let graph: SourceGraph
  let weights: SourceWeights

  /// Returns `nil` for a file that carries no graph of layers that are all understood.
  init?(_ source: any WeightSource) {
    guard let graph = try? source.graph(), (try? graph.requireUnderstood()) != nil,
      let weights = try? SourceWeights(of: graph, in: source)
    else { return nil }
    (self.source, self.graph, self.weights) = (source, graph, weights)
  }

  /// The same for a file that was refused as a network of residual blocks.
  ///
  /// - Throws: that error where the file carries no such graph either.
  init(_ source: any WeightSource, instead error: InputError) throws(InputError) {
    guard error.reason == .unknownNetwork, let network = OwnNetwork(source) else { throw error }
    self = network
  }

  /// Starts a pass.
  func run(_ input: Activation, pool: WorkerPool) throws -> SourceRun {
    try SourceRun(
      input, through: graph, weights: weights, arithmetic: ReferenceArithmetic(pool: pool))
  }

  /// The images that an argument gives the model.
  func images(_ argument: InputArgument) throws -> InputImages {
    try InputImages(
      argument, usual: graph.usualInput,
      range: ProbeRange(InputAdjustment(SourceView(graph), weights: weights).input))
  }

  /// The nodes that the output depends on, but for those that do nothing or are only the first part of a layer.
  var layers: [Int] {
    graph.liveNodes.sorted().filter { index in
      let node = graph.nodes[index]
      return !graph.inputs.contains(index) && !node.operation.isIdentity
        && !node.name.hasSuffix(SourceGraph.linearPart)
    }
  }

  /// What a node does, in words that are the same for the same function.
  func description(of index: Int) -> String {
    let node = graph.nodes[index]
    let (reads, padding) = graph.inputs(of: index)
    let names = reads.map { graph.inputs.contains($0) ? "the input" : graph.nodes[$0].name }
    let remark =
      switch node.operation {
      case .affine(let scale, let offset): "× \(list(scale)) + \(list(offset))"
      case .dense(let outputs, _): "\(outputs) outputs"
      default: node.operation.remark(after: padding)
      }
    return [node.className, remark, "of \(names.joined(separator: " and "))"].compactMap { $0 }
      .joined(separator: ", ")
  }

  private func list(_ numbers: [Double]) -> String {
    numbers.map { "\($0)" }.joined(separator: " ")
  }
}

import Families
import Inference
import ResNetV2
import Tensors
import Testing

@testable import Comparison

extension Fault {
  /// The options of other families.
  static var options: [Fault] {
    [
      option("pool border left out", ["the border is", "the border should"]) {
        let isZero = $0.stem.pool?.padding == .zero
        $0.stem.pool?.padding = isZero ? .negativeInfinity : .zero
      },
      option("pool border SAME", ["the border is", "the border should"]) {
        $0.stem.pool?.padding = .same
      },
      option("ε 0.001", ["ε is", "ε should be"]) { $0.norm = .batch(epsilon: 1e-3) },
      option("ε 1e-4", ["ε is", "ε should be", "variance"]) { $0.norm = .batch(epsilon: 1e-4) },
      option("weights standardised", ["weight standardisation", "weights should"]) {
        $0.weightStandardizationEpsilon = 1e-8
      },
      option("shortcut reads otherwise", ["it reads", "it should read"]) {
        $0.shortcut.input = $0.shortcut.input == .raw ? .preActivated : .raw
      },
      option(
        "stride in the other block", ["stride", "shape"], keepsShapes: false
      ) {
        $0.block.stridedBlock = $0.block.stridedBlock == .first ? .last : .first
      },
      option("stem norm left out", ["it reads", "it should read"]) { $0.stem.hasNorm = false },
      option("projection's norm left out", ["it reads", "it should read"]) { configuration in
        guard configuration.shortcut.kind == .convolutionNorm else { return }
        configuration.shortcut.kind = .convolution
      },
      option("projection after an average pool", ["it reads", "stride", "shape"]) {
        $0.shortcut.kind = .averagePoolConvolution
      },
      option("stride in the first convolution", ["stride", "shape"], keepsShapes: false) {
        $0.block.stridedConvolution = .first
      },
    ]
  }

  /// A wrong option; its first node is the first whose operation or inputs differ.
  static func option(
    _ description: String, _ words: [String], keepsShapes: Bool = true,
    _ change: @escaping @Sendable (inout Configuration) -> Void
  ) -> Fault {
    let changed = { @Sendable (sample: Sample) in
      var configuration = sample.graph.configuration
      change(&configuration)
      return try Graph(configuration)
    }
    return Fault(
      description: description, words: words, applies: { _, node in node.name == "input" },
      inject: { sample, _ in try inject(changed(sample), into: sample) }, keepsShapes: keepsShapes,
      firstNode: { sample, _ in (try? firstDifference(of: changed(sample), from: sample)) ?? "" })
  }

  /// A network of other options with a sample's parameters.
  static func inject(_ graph: Graph, into sample: Sample) throws -> (Graph, Parameters) {
    let own = Dictionary(
      uniqueKeysWithValues: sample.graph.parameters.map { ($0.name, sample.parameters[$0]) })
    // What is left out of the network has no place for its tensors.
    let needed = Set(graph.parameters.map(\.name))
    return (graph, try Parameters(own.filter { needed.contains($0.key) }, for: graph))
  }

  /// The first node whose operation or inputs are not the sample's.
  static func firstDifference(of graph: Graph, from sample: Sample) -> String? {
    graph.nodes.indices.first { index in
      guard let place = graph.counterpart(of: index, in: sample.graph) else { return false }
      let other = sample.graph.nodes[place]
      return other.operation != graph.nodes[index].operation
        || other.inputs.map { sample.graph.counterpart(of: $0, in: graph) }
          != graph.nodes[index].inputs
    }.map { graph.nodes[$0].name }
  }
}

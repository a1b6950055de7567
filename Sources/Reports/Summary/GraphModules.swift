import ResNetV2

/// A network as the graph's own stages, blocks and layers: for families whose framework nests
/// otherwise.
struct GraphModules {
  private let graph: Graph
  private let parts: GraphParts
  private let names: [String: String]

  init(_ graph: Graph, names: [String: String]) {
    self.graph = graph
    self.names = names
    parts = GraphParts(graph)
  }

  var root: SummaryModule {
    let stages = parts.stages.enumerated().map { index, blocks in
      SummaryModule(
        "Stage", name: "stage\(index + 1)", input: blocks.first?.input ?? 0,
        output: blocks.last?.output ?? 0, children: blocks.map(block))
    }
    return SummaryModule(
      graph.configuration.block.order == .preActivation ? "ResNetV2" : "ResNetV1", name: "",
      input: 0, output: graph.outputIndex,
      children: parts.stem.map(layer) + stages + parts.tail.map(layer))
  }

  private func block(_ block: GraphParts.Block) -> SummaryModule {
    let kind = graph.configuration.block.kind == .bottleneck ? "Bottleneck" : "BasicBlock"
    return SummaryModule(
      kind, name: "block\(block.number)", input: block.input, output: block.output,
      children: (block.main + block.side).sorted().map(layer))
  }

  private func layer(_ index: Int) -> SummaryModule {
    let node = graph.nodes[index]
    let name = names[node.name] ?? node.nameInBlock
    return SummaryModule(
      className(of: node.operation), name: name, nodes: [index], input: node.inputs[0],
      output: index)
  }

  private func className(of operation: Operation) -> String {
    switch operation {
    case .input: "Input"
    case .convolution: "Convolution"
    case .adjust: "Adjust"
    case .norm(.batch, _, _): "BatchNorm"
    case .norm(.group, _, _): "GroupNorm"
    case .activation(let activation): activation.pyTorchName
    case .maxPool: "MaxPool"
    case .averagePool: "AveragePool"
    case .subsample: "Subsample"
    case .add: "Add"
    case .padChannels: "PadChannels"
    case .globalAverage: "GlobalAverage"
    case .globalMaximum: "GlobalMaximum"
    case .flatten: "Flatten"
    case .dense: "Dense"
    }
  }
}

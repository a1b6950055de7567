import ResNetV2
import Tensors

/// A network as PyTorch's modules: `conv1`, `bn1`, `relu`, `maxpool`, `layer1` … `layer4`, `fc`.
///
/// One ReLU serves a whole block, and another the network outside the blocks: it is one module with
/// several calls.
struct PyTorchModules {
  private let graph: Graph
  private let parts: GraphParts
  private let listing: SummaryListing

  init(_ graph: Graph, listing: SummaryListing) {
    self.graph = graph
    self.listing = listing
    parts = GraphParts(graph)
  }

  var root: SummaryModule {
    let stages = parts.stages.enumerated().map { index, blocks in
      container(
        "Sequential", name: "layer\(index + 1)",
        blocks.enumerated().map { block($1, name: String($0)) })
    }
    let children = parts.stem.map(layer) + stages + parts.tail.map(layer)
    return SummaryModule(
      isPreActivation ? "ResNetV2" : "ResNet", name: isPreActivation ? "ResNetV2" : "ResNet",
      input: 0, output: graph.outputIndex, children: listed(children))
  }

  private var isPreActivation: Bool { graph.configuration.block.order == .preActivation }

  private var isBottleneck: Bool { graph.configuration.block.kind == .bottleneck }

  // MARK: - Modules within modules

  private func block(_ block: GraphParts.Block, name: String) -> SummaryModule {
    let addition = block.main.firstIndex { graph.nodes[$0].operation == .add } ?? block.main.count
    let main = block.main[..<addition].map(layer)
    let end = block.main[addition...].dropFirst().map(layer)
    var side: [SummaryModule] = []
    if !block.side.isEmpty {
      let layers = block.side.enumerated().map { layer($1, name: String($0)) }
      side = [container("Sequential", name: "downsample", layers)]
    }
    let className = (isBottleneck ? "Bottleneck" : "BasicBlock") + (isPreActivation ? "V2" : "")
    return SummaryModule(
      className, name: name, input: block.input, output: block.output,
      children: listed(main + side + end, inBlock: true))
  }

  private func container(
    _ className: String, name: String, _ children: [SummaryModule]
  ) -> SummaryModule {
    SummaryModule(
      className, name: name, input: children.first?.input ?? 0, output: children.last?.output ?? 0,
      children: children)
  }

  /// The modules that the listing shows, with every call of a module but the first marked.
  private func listed(_ calls: [SummaryModule], inBlock: Bool = false) -> [SummaryModule] {
    var seen: Set<String> = []
    let marked = calls.map { module in
      let isNew = seen.insert(module.name).inserted
      return isNew ? module : module.repeated
    }
    guard listing == .modules else { return marked }
    var modules = marked.filter { !$0.isRepeated }
    // torchvision's bottleneck registers its ReLU after its norms; all other blocks where it is
    // first called.
    if inBlock, isBottleneck, !isPreActivation,
      let index = modules.firstIndex(where: { $0.name == "relu" })
    {
      let relu = modules.remove(at: index)
      let end = modules.firstIndex { $0.name == "downsample" } ?? modules.count
      modules.insert(relu, at: end)
    }
    return modules
  }

  // MARK: - Single layers

  private func layer(_ index: Int) -> SummaryModule {
    layer(index, name: moduleName(of: graph.nodes[index]))
  }

  private func layer(_ index: Int, name: String) -> SummaryModule {
    let node = graph.nodes[index]
    return SummaryModule(
      className(of: node.operation), name: name, nodes: [index], input: node.inputs[0],
      output: index, form: node.operation.isGlobalPool ? .image : .value)
  }

  private func moduleName(of node: Node) -> String {
    switch node.name {
    case "stem.conv": return "conv1"
    case "stem.norm": return "bn1"
    case "stem.pool": return "maxpool"
    case "final.norm": return "bn_last"
    case "head.pool": return "avgpool"
    case "head.dense": return "fc"
    default: break
    }
    let last = node.name.split(separator: ".").last ?? ""
    if node.operation == .relu, node.place != .head || node.name == "final.relu" { return "relu" }
    return last.hasPrefix("norm") ? "bn" + last.dropFirst("norm".count) : String(last)
  }

  private func className(of operation: Operation) -> String {
    switch operation {
    case .input: "Identity"
    case .convolution: "Conv2d"
    case .adjust: "Normalize"
    case .norm(.batch, _, _): "BatchNorm2d"
    case .norm(.group, _, _): "GroupNorm"
    case .activation(let activation): activation.pyTorchName
    case .maxPool, .subsample: "MaxPool2d"
    case .averagePool: "AvgPool2d"
    case .add: "Add"
    case .padChannels: "ZeroPad"
    case .globalAverage: "AdaptiveAvgPool2d"
    case .globalMaximum: "AdaptiveMaxPool2d"
    case .flatten: "Flatten"
    case .dense: "Linear"
    }
  }
}

extension SummaryModule {
  /// Another call of the same module.
  fileprivate var repeated: SummaryModule {
    SummaryModule(
      className, name: name, nodes: nodes, input: input, output: output, form: form,
      isRepeated: true)
  }
}

extension ActivationFunction {
  /// The name of PyTorch's module.
  var pyTorchName: String {
    switch self {
    case .softmax: "Softmax"
    case .sigmoid: "Sigmoid"
    case .tanh: "Tanh"
    case .relu: "ReLU"
    case .relu6: "ReLU6"
    case .leakyRelu: "LeakyReLU"
    case .elu: "ELU"
    case .selu: "SELU"
    case .gelu, .geluTanh: "GELU"
    case .silu: "SiLU"
    case .softplus: "Softplus"
    case .hardSigmoid: "Hardsigmoid"
    case .hardSwish: "Hardswish"
    }
  }
}

import Plain
import ResNetV2

/// A network as the flat list of layers of a Keras model.
///
/// Padding is a layer of its own where the family says so, and an activation is part of the
/// dense layer before it.
struct KerasLayers {
  private let graph: Graph
  private let names: [String: String]
  private let paddings: [String: String]

  init(_ graph: Graph, names: [String: String], paddings: [SummaryStyle.Padding]) {
    self.graph = graph
    self.names = names
    self.paddings = Dictionary(paddings.map { ($0.node, $0.name) }) { first, _ in first }
  }

  var root: SummaryModule {
    SummaryModule(
      "Functional", name: "", input: 0, output: graph.outputIndex,
      children: inKerasOrder(layers()).map(\.module))
  }

  /// A layer and the layers that it reads, as positions in the list.
  private struct Layer {
    let module: SummaryModule
    let inputs: [Int]
  }

  /// The layers in the order of the graph.
  private func layers() -> [Layer] {
    var layers: [Layer] = []
    var position: [Int: Int] = [:]
    var counts: [String: Int] = [:]
    for (index, node) in graph.nodes.enumerated() {
      if case .activation = node.operation, case .dense = graph.nodes[node.inputs[0]].operation,
        let dense = position[node.inputs[0]]
      {
        layers[dense] = Layer(
          module: activated(layers[dense].module, by: index), inputs: layers[dense].inputs)
        position[index] = dense
        continue
      }
      var inputs = node.inputs.compactMap { position[$0] }
      if let name = paddings[node.name], let padding = node.operation.zeroPadding {
        let module = SummaryModule(
          "ZeroPadding2D", name: name, nodes: [], input: node.inputs[0], output: node.inputs[0],
          form: .padded(padding))
        layers.append(Layer(module: module, inputs: inputs))
        inputs = [layers.count - 1]
      }
      let name = names[node.name] ?? node.name
      let count = counts[name, default: 0]
      counts[name] = count + 1
      let module = SummaryModule(
        className(of: node.operation), name: count == 0 ? name : "\(name)_\(count)",
        nodes: [index], input: node.inputs.first ?? index, output: index)
      layers.append(Layer(module: module, inputs: inputs))
      position[index] = layers.count - 1
    }
    return layers
  }

  private func activated(_ dense: SummaryModule, by activation: Int) -> SummaryModule {
    SummaryModule(
      dense.className, name: names[graph.nodes[activation].name] ?? dense.name,
      nodes: dense.nodes + [activation], input: dense.input, output: activation)
  }

  /// Keras lists layers by how many layers follow them at most, the most first; so a shortcut
  /// stands beside the last layer of the main path, not where it was made.
  private func inKerasOrder(_ layers: [Layer]) -> [Layer] {
    var following = Array(repeating: 0, count: layers.count)
    for index in layers.indices.reversed() {
      for input in layers[index].inputs {
        following[input] = max(following[input], following[index] + 1)
      }
    }
    // By position where they are equal: the standard library does not promise a stable sort.
    let order = layers.indices.sorted { (-following[$0], $0) < (-following[$1], $1) }
    return order.map { layers[$0] }
  }

  private func className(of operation: Operation) -> String {
    switch operation {
    case .input: "InputLayer"
    case .convolution: "Conv2D"
    case .adjust: "Rescaling"
    case .norm(.batch, _, _): "BatchNormalization"
    case .norm(.group, _, _): "GroupNormalization"
    case .activation: "Activation"
    case .maxPool, .subsample: "MaxPooling2D"
    case .averagePool: "AveragePooling2D"
    case .add: "Add"
    case .padChannels: "ZeroPadding"
    case .globalAverage: "GlobalAveragePooling2D"
    case .globalMaximum: "GlobalMaxPooling2D"
    case .flatten: "Flatten"
    case .dense: "Dense"
    }
  }
}

extension Operation {
  /// The zeros around the image that the operation adds itself.
  fileprivate var zeroPadding: Int? {
    switch self {
    case .convolution(let convolution):
      if case .each(let padding) = convolution.padding { return padding }
      return nil
    case .maxPool(let pool):
      if case .zero(let padding) = pool.padding { return padding }
      return nil
    default: return nil
    }
  }
}

package import ResNetV2
import SourceGraph
import Tensors

/// Which node of a file's own graph is which node of a network, and what keeps the two from being the same
/// function.
///
/// Where nothing does, the two are the same whatever the input: every node that an output depends on is the
/// input, does what its node does and reads what its node reads, or hands on its value unchanged; and the one
/// output is the network's.
package struct StructureMatch: Sendable {
  /// The file's node for each node of the network that has one.
  package private(set) var layers: [Int: Int]

  /// Why the two are not the same function; empty where they are.
  package private(set) var faults: [String] = []

  /// The nodes that an output depends on and that are no node, nothing, or padding of a node.
  package private(set) var unknown: [String] = []

  /// The file's graph.
  package let view: SourceView

  private let graph: Graph
  private let adjustment: InputAdjustment

  /// - Parameters:
  ///   - adjustment: what the file does to its image.
  ///   - names: which layer is which node by name, by canonical name: it decides where structure does not.
  package init(
    _ view: SourceView, _ graph: Graph, adjustment: InputAdjustment, names: [String: String] = [:]
  ) {
    self.view = view
    self.graph = graph
    self.adjustment = adjustment
    layers = [0: view.input]
    bind(names)
    check()
  }

  // MARK: - Which is which

  private mutating func bind(_ names: [String: String]) {
    let own = view.graph.nodes
    let indices = Dictionary(zip(own.map(\.name), own.indices)) { first, _ in first }
    var free = Set(own.indices).subtracting(layers.values)
    for (index, node) in graph.nodes.enumerated().dropFirst() {
      if case .adjust = node.operation, !adjustment.isEmpty {
        layers[index] = adjustment.end
        free.subtract(adjustment.nodes)
        continue
      }
      let named = names[node.name].flatMap { indices[$0] }.flatMap { free.contains($0) ? $0 : nil }
      let found = equals(of: index, among: free)
      let layer = found.count < 2 ? found.first : found.first { $0 == named } ?? found.first
      guard let layer = layer ?? named else { continue }
      layers[index] = layer
      free.remove(layer)
    }
  }

  /// The nodes that do what a node does, and read what it reads; of several, those that the same kinds of
  /// nodes read.
  private func equals(of index: Int, among free: Set<Int>) -> [Int] {
    let node = graph.nodes[index]
    let inputs = reads(of: node)
    guard inputs.count == node.inputs.count, let first = inputs.first else { return [] }
    let found = (view.readers[first] ?? []).filter { layer in
      free.contains(layer) && view.inputs(of: layer).reads.sorted() == inputs
        && view.operation(of: layer, as: node.operation) == node.operation
    }
    guard found.count > 1 else { return found }
    let kinds = graph.nodes.filter { $0.inputs.contains(index) }.map(\.operation.kind).sorted()
    let alike = found.filter { layer in
      (view.readers[layer] ?? []).map { view.graph.nodes[$0].operation.kind }.sorted() == kinds
    }
    return alike.isEmpty ? found : alike
  }

  /// What a node should read.
  private func reads(of node: Node) -> [Int] {
    node.inputs.compactMap { layers[$0] }.map(view.origin).sorted()
  }

  // MARK: - Whether they are the same

  private mutating func check() {
    let nodes = Dictionary(layers.map { ($1, $0) }) { first, _ in first }
    for layer in view.live.sorted() {
      guard let index = nodes[layer] else {
        if let problem = problem(ofUnbound: layer, nodes) {
          unknown.append(view.graph.nodes[layer].name)
          faults.append(problem)
        }
        continue
      }
      if let problem = problem(of: layer, as: index) { faults.append(problem) }
    }
    if view.graph.outputs.count > 1 {
      let names = view.graph.outputs.map { view.graph.nodes[$0].name }
      faults.append("it has \(names.count) outputs, \(names.joined(separator: " and "))")
    }
    let output = view.outputs[0]
    if layers[graph.outputIndex].map(view.origin) != output {
      faults.append("its output is that of \(view.graph.nodes[output].name)")
    }
  }

  private func problem(ofUnbound layer: Int, _ nodes: [Int: Int]) -> String? {
    if view.isNothing(layer) { return nil }
    if nodes[adjustment.end].map({ $0 > 0 }) == true, adjustment.nodes.contains(layer) {
      return nil
    }
    let node = view.graph.nodes[layer]
    // The padding of windows that are compared themselves.
    if case .padding = node.operation, view.readers[layer] == nil,
      !view.outputs.contains(layer)
    {
      return nil
    }
    return "\(node.name), a \(node.className), is no part of the network"
  }

  private func problem(of layer: Int, as index: Int) -> String? {
    guard index > 0, layer != adjustment.end || adjustment.isEmpty else {
      if index > 0, adjustment.operation != graph.nodes[index].operation {
        return "\(view.graph.nodes[layer].name) does something else than \(graph.nodes[index].name)"
      }
      return nil
    }
    let node = graph.nodes[index]
    let name = view.graph.nodes[layer].name
    guard view.operation(of: layer, as: node.operation) == node.operation else {
      return "\(name) does something else than \(node.name)"
    }
    return view.inputs(of: layer).reads.sorted() == reads(of: node)
      ? nil : "\(name) reads something else than \(node.name)"
  }
}

extension Operation {
  /// A word for what it is, by which readers of a value are told apart.
  fileprivate var kind: String {
    switch self {
    case .norm: "norm"
    case .add: "add"
    case .activation(.relu): "relu"
    default: "other"
    }
  }
}

extension SourceOperation {
  fileprivate var kind: String {
    switch self {
    case .batchNorm, .groupNorm: "norm"
    case .merge(.add): "add"
    case .activation(.relu): "relu"
    default: "other"
    }
  }
}

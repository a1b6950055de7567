import Families
import KerasGraph
import ResNetV2
import Tensors

/// Which layer of a file's own graph is which node of a network, and what keeps the two from being the same
/// function.
///
/// Where nothing does, the two are the same whatever the input: every layer that an output depends on is the
/// input, does what its node does and reads what its node reads, or hands on its value unchanged; and the one
/// output is the network's.
struct OwnGraphMatch {
  /// The layer of each node that has one.
  private(set) var layers: [Int: Int] = [0: 0]

  /// Why the two are not the same function; empty where they are.
  private(set) var faults: [String] = []

  /// The layers that an output depends on and that are no node, nothing, or padding of a node.
  private(set) var unknown: [String] = []

  private let own: KerasNetwork
  private let graph: Graph
  private let live: Set<Int>
  private let readers: [Int: [Int]]

  /// - Parameter names: which layer is which node by name, by canonical name: it decides where structure does
  ///   not.
  init(_ own: KerasNetwork, _ graph: Graph, names: [String: String]) {
    self.own = own
    self.graph = graph
    live = own.liveNodes
    readers = own.readers(among: live)
    bind(names)
    check()
  }

  // MARK: - Which is which

  private mutating func bind(_ names: [String: String]) {
    let indices = Dictionary(
      zip(own.nodes.map(\.name), own.nodes.indices)
    ) { first, _ in first }
    var free = Set(own.nodes.indices.dropFirst())
    for (index, node) in graph.nodes.enumerated().dropFirst() {
      let named = names[node.name].flatMap { indices[$0] }.flatMap { free.contains($0) ? $0 : nil }
      let found = equals(of: index, among: free)
      let layer = found.count < 2 ? found.first : found.first { $0 == named } ?? found.first
      guard let layer = layer ?? named else { continue }
      layers[index] = layer
      free.remove(layer)
    }
  }

  /// The layers that do what a node does, and read what it reads; of several, those that the same kinds of
  /// layers read.
  private func equals(of index: Int, among free: Set<Int>) -> [Int] {
    let node = graph.nodes[index]
    let inputs = node.inputs.compactMap { layers[$0] }.map { own.skippingIdentities($0) }.sorted()
    guard inputs.count == node.inputs.count, let first = inputs.first else { return [] }
    let near = Set((readers[first] ?? []).flatMap { [$0] + (readers[$0] ?? []) })
    let found = near.filter { layer in
      free.contains(layer) && own.inputs(of: layer).reads.sorted() == inputs
        && own.operation(of: layer, as: node.operation) == node.operation
    }.sorted()
    guard found.count > 1 else { return found }
    let kinds = graph.nodes.filter { $0.inputs.contains(index) }.map(\.operation.kind).sorted()
    let alike = found.filter { layer in
      (readers[layer] ?? []).map { own.nodes[$0].operation.kind }.sorted() == kinds
    }
    return alike.isEmpty ? found : alike
  }

  // MARK: - Whether they are the same

  private mutating func check() {
    let nodes = Dictionary(layers.map { ($1, $0) }) { first, _ in first }
    for layer in live.sorted() {
      guard let index = nodes[layer] else {
        if let problem = problem(ofUnbound: layer, nodes) {
          unknown.append(own.nodes[layer].name)
          faults.append(problem)
        }
        continue
      }
      if let problem = problem(of: layer, as: index) { faults.append(problem) }
    }
    if own.outputIndices.count > 1 {
      let names = own.outputIndices.map { own.nodes[$0].name }
      faults.append("it has \(names.count) outputs, \(names.joined(separator: " and "))")
    }
    let output = own.skippingIdentities(own.outputIndices[0])
    if layers[graph.outputIndex].map({ own.skippingIdentities($0) }) != output {
      faults.append("its output is that of \(own.nodes[output].name)")
    }
  }

  private func problem(ofUnbound layer: Int, _ nodes: [Int: Int]) -> String? {
    let operation = own.nodes[layer].operation
    if own.isIdentity(layer) { return nil }
    // The padding of windows that are compared themselves.
    if case .zeroPadding = operation,
      (readers[layer] ?? []).allSatisfy({ nodes[$0] != nil && own.nodes[$0].operation.hasWindow })
    {
      return nil
    }
    return "\(own.nodes[layer].name), a \(own.nodes[layer].className), is no part of the network"
  }

  private func problem(of layer: Int, as index: Int) -> String? {
    let node = graph.nodes[index]
    guard index > 0 else { return nil }
    let name = own.nodes[layer].name
    guard own.operation(of: layer, as: node.operation) == node.operation else {
      return "\(name) does something else than \(node.name)"
    }
    let reads = own.inputs(of: layer).reads.sorted()
    let wanted = node.inputs.compactMap { layers[$0] }.map { own.skippingIdentities($0) }.sorted()
    return reads == wanted ? nil : "\(name) reads something else than \(node.name)"
  }
}

extension KerasNetwork {
  /// The nodes that an output depends on.
  var liveNodes: Set<Int> {
    var live: Set<Int> = []
    var open = outputIndices
    while let node = open.popLast() {
      if live.insert(node).inserted { open += nodes[node].inputs }
    }
    return live
  }

  /// Whether a node hands on the value that it reads.
  func isIdentity(_ node: Int) -> Bool {
    switch nodes[node].operation {
    case .identity, .activation(.linear): true
    default: false
    }
  }

  /// The node whose value another one hands on.
  func skippingIdentities(_ node: Int) -> Int {
    var node = node
    while isIdentity(node), let input = nodes[node].inputs.first { node = input }
    return node
  }

  /// What a node reads, without layers that do nothing, and the padding just before its window, which is part
  /// of what it does.
  func inputs(of node: Int) -> (reads: [Int], padding: KerasOperation?) {
    let reads = nodes[node].inputs.map(skippingIdentities)
    guard nodes[node].operation.hasWindow, let input = reads.first,
      case .zeroPadding = nodes[input].operation
    else { return (reads, nil) }
    return (nodes[input].inputs.map(skippingIdentities), nodes[input].operation)
  }

  /// What a node does in the words of a network's graph; `nil` where no operation does it.
  func operation(of node: Int, as other: Operation) -> Operation? {
    nodes[node].operation.operation(after: inputs(of: node).padding, as: other)
  }

  /// The nodes that read each of some nodes, past layers that do nothing.
  fileprivate func readers(among live: Set<Int>) -> [Int: [Int]] {
    var readers: [Int: [Int]] = [:]
    for node in live.sorted() where !isIdentity(node) {
      for input in Set(nodes[node].inputs.map(skippingIdentities)) {
        readers[input, default: []].append(node)
      }
    }
    return readers
  }
}

extension Operation {
  /// A word for what it is, by which readers of a value are told apart.
  fileprivate var kind: String {
    switch self {
    case .norm: "norm"
    case .add: "add"
    case .relu: "relu"
    default: "other"
    }
  }
}

extension KerasOperation {
  fileprivate var kind: String {
    switch self {
    case .batchNorm: "norm"
    case .add: "add"
    case .activation(.relu): "relu"
    default: "other"
    }
  }
}

package import Files
package import Tensors

/// The graph that a file carries: what it says is computed, in the order of computation.
///
/// Nothing here knows what a ResNet is. Models within the model are spelled out, a layer that is called several
/// times is several nodes, and a layer that is not understood is a node that says so.
package struct SourceGraph: Sendable {
  /// The file.
  package let path: String

  /// The nodes, each after those that it reads.
  package let nodes: [Node]

  /// The nodes that stand for what the model is given.
  package let inputs: [Int]

  /// The nodes whose values the model puts out.
  package let outputs: [Int]

  /// The names of the layers by the place at which a container keeps their variables.
  package let layersByPlace: [String: Layer]

  /// The tensors of the file that are no layer's variables, and why; of files that say so.
  package var passedOver: [String: String] = [:]

  /// The policy by which a layer computes in half precision in its framework, such as `mixed_float16`; here all
  /// is computed in float32.
  package var halfPrecision: String?

  /// One call of a layer.
  package struct Node: Sendable {
    /// The layer's name; with the names of the models that it is within where it would not be the only
    /// one, and with the number of the call from the second on.
    ///
    /// A layer that ends in a function is two nodes: the last has the layer's name, the one before it the
    /// same and ``SourceGraph/linearPart``.
    package let name: String
    /// The class of the layer, such as `Conv2D`.
    package let className: String
    /// What is computed.
    package let operation: SourceOperation
    /// The nodes that are read.
    package let inputs: [Int]
    /// Where the layer's variables may stand.
    package let place: Place
    /// The tensors of the file that are its variables, where the file says so; else the place finds them.
    package var tensors: [String: Tensor] = [:]
    /// The layer's own name, without number of the call or part.
    package var layerName: String { place.names.last ?? name }
  }

  /// A tensor of the file that is a variable of a layer.
  package struct Tensor: Hashable, Sendable {
    /// Its name.
    package let name: String
    /// The order of its axes.
    package let order: Order

    package init(name: String, order: Order) {
      (self.name, self.order) = (name, order)
    }

    /// The order of the axes of a kernel or matrix; a vector has none.
    package enum Order: Hashable, Sendable {
      /// [H, W, I, O] and [I, O], as Keras has them.
      case outputsLast
      /// [O, I, H, W] and [O, I], as PyTorch has them.
      case outputsFirst
    }
  }

  /// Where a layer stands among models within models.
  package struct Place: Hashable, Sendable {
    /// The names of the models and of the layer, outermost first.
    package var names: [String]
    /// The same as groups that are counted by class, such as `functional` and `conv2d_3`.
    package var groups: [String]
    /// Which call of the layer it is.
    package var call: Int
  }

  /// A layer as a container counts it.
  package struct Layer: Hashable, Sendable {
    /// The names of the models and of the layer, outermost first.
    package let names: [String]
    /// The variables that it has, in order.
    package let variables: [String]
    /// Whether training leaves it as it is: such layers' variables stand after the others' in a whole `.h5`.
    package let isFrozen: Bool
  }

  /// What follows the name of a node that is only the first part of its layer; no layer's own name has a
  /// stroke.
  package static let linearPart = "/linear"
}

extension SourceGraph {
  /// The nodes that an output depends on.
  package var liveNodes: Set<Int> { liveNodes(of: outputs) }

  /// The nodes that some nodes depend on, and these.
  package func liveNodes(of ends: [Int]) -> Set<Int> {
    var live: Set<Int> = []
    var open = ends
    while let node = open.popLast() {
      if live.insert(node).inserted { open += nodes[node].inputs }
    }
    return live
  }

  /// The node whose value another one hands on.
  package func skippingIdentities(_ node: Int) -> Int {
    var node = node
    while nodes[node].operation.isIdentity, let input = nodes[node].inputs.first { node = input }
    return node
  }

  /// What a node reads, without layers that do nothing, and the padding just before its window, which is part
  /// of what it does.
  package func inputs(of node: Int) -> (reads: [Int], padding: SourceOperation?) {
    let reads = nodes[node].inputs.map(skippingIdentities)
    guard nodes[node].operation.hasWindow, let input = reads.first,
      case .padding = nodes[input].operation
    else { return (reads, nil) }
    return (nodes[input].inputs.map(skippingIdentities), nodes[input].operation)
  }

  /// The nodes that read each of some nodes, past layers that do nothing.
  package func readers(among live: Set<Int>) -> [Int: [Int]] {
    var readers: [Int: [Int]] = [:]
    for node in live.sorted() where !nodes[node].operation.isIdentity {
      for input in Set(nodes[node].inputs.map(skippingIdentities)) {
        readers[input, default: []].append(node)
      }
    }
    return readers
  }

  /// The nodes between two, as a graph of its own: the first stands for what is given.
  package func part(from start: Int, to end: Int) -> SourceGraph? {
    var live: Set<Int> = [start]
    var open = [end]
    while let node = open.popLast() {
      if live.insert(node).inserted { open += nodes[node].inputs }
    }
    // What is computed from anything but the start is no part.
    guard live.allSatisfy({ $0 == start || !inputs.contains($0) }) else { return nil }
    let kept = live.sorted()
    guard kept.first == start else { return nil }
    let places = Dictionary(uniqueKeysWithValues: zip(kept, kept.indices))
    let nodes = kept.map { index in
      let node = self.nodes[index]
      let isInput = index == start
      return Node(
        name: node.name, className: node.className,
        operation: isInput && !inputs.contains(start)
          ? .input(height: nil, width: nil, channels: nil) : node.operation,
        inputs: isInput ? [] : node.inputs.compactMap { places[$0] }, place: node.place,
        tensors: isInput ? [:] : node.tensors)
    }
    return places[end].map {
      SourceGraph(
        path: path, nodes: nodes, inputs: [0], outputs: [$0], layersByPlace: layersByPlace,
        passedOver: passedOver, halfPrecision: halfPrecision)
    }
  }

  /// Checks that everything that an output depends on is understood, and that there is one input.
  ///
  /// - Throws: `InputError` that names the first layer that is not.
  package func requireUnderstood() throws(InputError) {
    for node in liveNodes.sorted() {
      if case .other(let error) = nodes[node].operation { throw error }
    }
    guard inputs.count == 1 else {
      throw InputError(
        .badData, path: path, "is a model with several inputs",
        place:
          "they are \(inputs.map { nodes[$0].name }.joined(separator: " and ")); one image was expected",
        hint: "--backbone or --prefix NAME/ takes one network out of it")
    }
  }
}

/// A file that carries the graph of its network.
package protocol GraphCarrier: WeightSource {
  /// The graph, or why it cannot be read; `nil` for weights alone.
  var carriedGraph: Result<SourceGraph, InputError>? { get }

  /// The layers that the file lists beside its tensors.
  var carriedLayers: LayerList { get }
}

extension GraphCarrier {
  package var carriedLayers: LayerList { LayerList() }
}

/// The kinds of layers that a file lists, without saying how they are put together.
package struct LayerList: Hashable, Sendable {
  /// How often Keras' classes are listed, as it counts them, such as `global_max_pooling2d`; or names without their
  /// numbers.
  package var counts: [String: Int] = [:]
  /// Whether they are names, which may be anything, rather than classes.
  package var areNames = false

  /// Lists nothing.
  package init() {}

  /// The classes or names.
  package var kinds: Set<String> { Set(counts.keys) }

  /// Adds a layer.
  package mutating func append(_ kind: String) { counts[kind, default: 0] += 1 }
}

extension WeightSource {
  /// The graph that the file carries; `nil` for weights alone.
  ///
  /// - Throws: `InputError` where its description is damaged.
  package func graph() throws(InputError) -> SourceGraph? {
    guard let carrier = self as? any GraphCarrier else { return nil }
    return try carrier.carriedGraph?.get()
  }

  /// The layers that the file lists; none where it is no model's.
  package var layerList: LayerList { (self as? any GraphCarrier)?.carriedLayers ?? LayerList() }

  /// Whether the file carries a graph, readable or not.
  package var carriesGraph: Bool { (self as? any GraphCarrier)?.carriedGraph != nil }
}

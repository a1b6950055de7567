package import Tensors

/// A Keras model's own graph: what its configuration says is computed, in the order of computation.
///
/// Nothing here knows what a ResNet is. Models within the model are spelled out, a layer that is called
/// several times is several nodes, and every layer that is not understood is refused by its name.
package struct KerasNetwork: Sendable {
  /// The file.
  package let path: String

  /// The layers, each after those that it reads; the first is the input.
  package let nodes: [Node]

  /// The nodes whose values the model puts out.
  package let outputIndices: [Int]

  /// The first of them.
  package var outputIndex: Int { outputIndices[0] }

  /// One call of a layer.
  package struct Node: Sendable {
    /// The layer's name; with the names of the models that it is within where it would not be the only
    /// one, and with the number of the call from the second on.
    ///
    /// A layer that ends in a function is two nodes: the last has the layer's name, the one before it the
    /// same and ``linearPart``.
    package internal(set) var name: String
    /// The class of the layer, such as `Conv2D`.
    package let className: String
    /// What is computed.
    package let operation: KerasOperation
    /// The nodes that are read.
    package let inputs: [Int]
    /// Where the layer's variables may stand.
    let place: LayerPlace
    /// Whether it is what a layer gives before the function that the layer ends in.
    let isLinearPart: Bool
  }

  /// What follows the name of a node that is only the first part of its layer; no layer's own name has a
  /// stroke.
  package static let linearPart = "/linear"

  /// Reads the graph from the configuration that a whole model carries.
  ///
  /// Returns `nil` for a file that carries none: weights alone.
  ///
  /// - Throws: `InputError` where the configuration is damaged or has what is not understood.
  package init?(of source: any WeightSource) throws(InputError) {
    guard let json = source.metadata["keras.config"] else { return nil }
    try self.init(json: json, path: source.path)
  }

  /// Reads the graph from the JSON of a configuration.
  package init(json: String, path: String) throws(InputError) {
    var builder = NetworkBuilder(path: path)
    let model = try ModelReader(path: path).model(json: json)
    let outputs = try builder.build(model)
    self.path = path
    nodes = builder.namedNodes
    outputIndices = outputs
  }
}

/// Where a layer stands among models within models.
struct LayerPlace: Hashable, Sendable {
  /// The names of the models and of the layer, outermost first.
  var names: [String]
  /// The same as the groups that Keras 3 counts by class, such as `functional` and `conv2d_3`.
  var groups: [String]
  /// Which call of the layer it is.
  var call: Int
}

/// Spells out a described model node by node.
private struct NetworkBuilder {
  /// The most nodes, and the most calls of models within models; ResNet152V2 has 570.
  private static let maximumNodes = 20_000

  let path: String
  private var nodes: [KerasNetwork.Node] = []
  private var steps = 0

  init(path: String) {
    self.path = path
  }

  /// Builds the whole model and returns the nodes of its outputs.
  mutating func build(_ model: ModelDescription) throws(InputError) -> [Int] {
    guard model.inputs.count == 1,
      case .operation(let input) = model.layers[model.inputs[0]].content
    else {
      throw fault("is a model with several inputs", at: "its own graph is run with one image")
    }
    let layer = model.layers[model.inputs[0]]
    try append(
      layer, input, inputs: [], at: LayerPlace(names: [layer.name], groups: [], call: 0))
    return try instantiate(model, inputs: [0], at: LayerPlace(names: [], groups: [], call: 0))
  }

  /// The nodes under their shortest unique names.
  var namedNodes: [KerasNetwork.Node] {
    var counts: [String: Set<[String]>] = [:]
    for node in nodes { counts[node.place.names.last ?? "", default: []].insert(node.place.names) }
    return nodes.map { node in
      var node = node
      let own = node.place.names.last ?? ""
      let name =
        counts[own]?.count == 1 ? own : node.place.names.joined(separator: "/")
      node.name = node.place.call == 0 ? name : "\(name):\(node.place.call)"
      if node.isLinearPart { node.name += KerasNetwork.linearPart }
      return node
    }
  }

  /// Appends the nodes of one call of a model and returns those of its outputs.
  private mutating func instantiate(
    _ model: ModelDescription, inputs: [Int], at place: LayerPlace
  ) throws(InputError) -> [Int] {
    try step()
    guard model.inputs.count == inputs.count else {
      throw fault(
        "has a configuration with a call of another number of values than the model takes",
        at: place.names.joined(separator: "/"))
    }
    // The values of every call of every layer, as far as they are there.
    var values = model.layers.map { Array<[Int]?>(repeating: nil, count: max($0.calls.count, 1)) }
    for (layer, node) in zip(model.inputs, inputs) { values[layer][0] = [node] }
    let groups = groupNames(of: model)
    for (layer, call) in try order(of: model) {
      let description = model.layers[layer]
      var arguments: [Int] = []
      for reference in description.calls[call] {
        arguments.append(try value(of: reference, in: model, values))
      }
      var own = place
      own.names.append(description.name)
      own.groups.append(groups[layer])
      own.call = place.call + call
      switch description.content {
      case .operation(let operation):
        values[layer][call] = [
          try append(description, operation, inputs: arguments, at: own)
        ]
      case .model(let inner):
        values[layer][call] = try instantiate(inner, inputs: arguments, at: own)
      }
    }
    var outputs: [Int] = []
    for reference in model.outputs {
      outputs.append(try value(of: reference, in: model, values))
    }
    return outputs
  }

  private func value(
    of reference: ModelDescription.Reference, in model: ModelDescription, _ values: [[[Int]?]]
  ) throws(InputError) -> Int {
    let found = values[reference.layer][reference.call]
    guard let found, reference.output < found.count else {
      throw fault(
        "has a configuration that reads a value which is not there",
        at: model.layers[reference.layer].name)
    }
    return found[reference.output]
  }

  /// The calls of all layers but the inputs, each after those that it reads.
  private func order(of model: ModelDescription) throws(InputError) -> [(layer: Int, call: Int)] {
    let firsts = model.layers.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.calls.count) }
    let calls = model.layers.indices.flatMap { layer in
      model.layers[layer].calls.indices.map { (layer: layer, call: $0) }
    }
    var readers = Array(repeating: [Int](), count: calls.count)
    var open = Array(repeating: 0, count: calls.count)
    for (index, (layer, call)) in calls.enumerated() {
      for reference in model.layers[layer].calls[call]
      where !model.layers[reference.layer].calls.isEmpty {
        readers[firsts[reference.layer] + reference.call].append(index)
        open[index] += 1
      }
    }
    var ready = calls.indices.filter { open[$0] == 0 }
    var position = 0
    while position < ready.count {
      for reader in readers[ready[position]] {
        open[reader] -= 1
        if open[reader] == 0 { ready.append(reader) }
      }
      position += 1
    }
    guard ready.count == calls.count else {
      let stuck = calls.indices.first { open[$0] > 0 } ?? 0
      throw fault(
        "has a configuration in which layers read each other in a circle",
        at: model.layers[calls[stuck].layer].name)
    }
    return ready.map { calls[$0] }
  }

  /// What Keras 3 calls the layers' groups: the class in small letters, and a number from the second
  /// on.
  private func groupNames(of model: ModelDescription) -> [String] {
    var counts: [String: Int] = [:]
    return model.layers.map { layer in
      let kind = layer.className.snakeCased
      let count = counts[kind, default: 0]
      counts[kind] = count + 1
      return count == 0 ? kind : "\(kind)_\(count)"
    }
  }

  @discardableResult
  private mutating func append(
    _ layer: ModelDescription.Layer, _ operation: KerasOperation, inputs: [Int],
    at place: LayerPlace
  ) throws(InputError) -> Int {
    try step()
    var inputs = inputs
    if operation.function != .linear {
      append(layer, operation.withoutFunction, inputs, place, isLinearPart: true)
      inputs = [nodes.count - 1]
    }
    let last: KerasOperation =
      operation.function == .linear ? operation : .activation(operation.function)
    append(layer, last, inputs, place)
    return nodes.count - 1
  }

  private mutating func append(
    _ layer: ModelDescription.Layer, _ operation: KerasOperation, _ inputs: [Int],
    _ place: LayerPlace, isLinearPart: Bool = false
  ) {
    nodes.append(
      .init(
        name: layer.name, className: layer.className, operation: operation, inputs: inputs,
        place: place, isLinearPart: isLinearPart))
  }

  private mutating func step() throws(InputError) {
    steps += 1
    guard steps <= Self.maximumNodes else {
      throw fault(
        "has a configuration with too many layers", at: "the limit is \(Self.maximumNodes)")
    }
  }

  private func fault(_ problem: String, at place: String) -> InputError {
    InputError(.badData, path: path, problem, place: place)
  }
}

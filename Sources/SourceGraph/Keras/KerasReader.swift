package import Files
import Plain
import Tensors

extension SourceGraph {
  /// The classes of Keras whose configurations list layers and who calls whom.
  package static let kerasModelClasses: Set<String> = ["Functional", "Model", "Sequential"]

  /// Reads the graph from the JSON of a Keras model's configuration, of Keras 3 or TF-Keras 2.
  ///
  /// - Parameters:
  ///   - version: the version of Keras that wrote it, such as `3.15.1`, where that is known.
  /// - Throws: `InputError` where the configuration is damaged.
  package init(keras json: String, version: String?, path: String) throws(InputError) {
    var builder = KerasBuilder(path: path)
    let model = try ModelReader(path: path, version: version).model(json: json)
    let outputs = try builder.build(model)
    self.init(
      path: path, nodes: builder.namedNodes, inputs: Array(model.inputs.indices), outputs: outputs,
      layersByPlace: builder.layersByPlace, halfPrecision: builder.halfPrecision)
  }
}

/// Spells out a described model node by node.
private struct KerasBuilder {
  /// The most nodes, and the most calls of models within models; ResNet152V2 has 570.
  private static let maximumNodes = 20_000

  /// The most values that nodes read, all together.
  private static let maximumReads = 1_000_000

  let path: String
  private(set) var layersByPlace: [String: SourceGraph.Layer] = [:]
  /// The first policy of half precision among the layers.
  private(set) var halfPrecision: String?
  private var nodes: [Draft] = []
  /// The types of the nodes whose values are whole numbers.
  private var integerTypes: [Int: String] = [:]
  private var steps = 0
  private var reads = 0

  /// A node whose name is not yet known to be the only one.
  private struct Draft {
    let className: String
    let operation: SourceOperation
    let inputs: [Int]
    let place: SourceGraph.Place
    let isLast: Bool
  }

  init(path: String) {
    self.path = path
  }

  /// Builds the whole model and returns the nodes of its outputs.
  mutating func build(_ model: ModelDescription) throws(InputError) -> [Int] {
    for input in model.inputs {
      let layer = model.layers[input]
      try append(
        layer, [layer.input], inputs: [],
        at: SourceGraph.Place(names: [layer.name], groups: [], call: 0))
    }
    return try instantiate(
      model, inputs: Array(model.inputs.indices),
      at: SourceGraph.Place(names: [], groups: [], call: 0))
  }

  /// The nodes under their shortest unique names.
  var namedNodes: [SourceGraph.Node] {
    var counts: [String: Set<[String]>] = [:]
    for node in nodes { counts[node.place.names.last ?? "", default: []].insert(node.place.names) }
    return nodes.map { node in
      let own = node.place.names.last ?? ""
      var name = counts[own]?.count == 1 ? own : node.place.names.joined(separator: "/")
      if node.place.call > 0 { name += ":\(node.place.call)" }
      if !node.isLast { name += SourceGraph.linearPart }
      return SourceGraph.Node(
        name: name, className: node.className, operation: node.operation, inputs: node.inputs,
        place: node.place)
    }
  }

  /// Appends the nodes of one call of a model and returns those of its outputs.
  private mutating func instantiate(
    _ model: ModelDescription, inputs: [Int], at place: SourceGraph.Place
  ) throws(InputError) -> [Int] {
    try step(reading: 0)
    guard model.inputs.count == inputs.count else {
      throw fault(
        "has a configuration with a call of another number of values than the model takes",
        at: place.names.joined(separator: "/"))
    }
    // The values of every call of every layer, as far as they are there.
    var values = model.layers.map { Array<[Int]?>(repeating: nil, count: max($0.calls.count, 1)) }
    for (layer, node) in zip(model.inputs, inputs) { values[layer][0] = [node] }
    let groups = groupNames(of: model)
    for (layer, call) in try model.order(path: path) {
      let description = model.layers[layer]
      var arguments: [Int] = []
      for reference in description.calls[call].references {
        arguments.append(try value(of: reference, in: model, values))
      }
      var own = place
      own.names.append(description.name)
      own.groups.append(groups[layer])
      own.call = place.call + call
      switch description.content {
      case .operations:
        values[layer][call] = [
          try append(
            description, description.calls[call].operations, inputs: arguments, at: own)
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

  /// Appends what a layer does, one node after the other, and returns the last.
  @discardableResult
  private mutating func append(
    _ layer: ModelDescription.Layer, _ operations: [SourceOperation], inputs: [Int],
    at place: SourceGraph.Place
  ) throws(InputError) -> Int {
    halfPrecision = halfPrecision ?? layer.halfPrecision
    var (inputs, operations) = (inputs, operations)
    if operations == [.stackChannels], let whole = imageOfReversedChannels(inputs) {
      (operations, inputs) = ([.reverseChannels], [whole])
    }
    if operations == [.flatten(channelsFirst: false)], let permuted = inputs.first,
      nodes[permuted].operation == .channelsFirst
    {
      (operations, inputs) = ([.flatten(channelsFirst: true)], nodes[permuted].inputs)
    }
    for (index, operation) in operations.enumerated() {
      try step(reading: inputs.count)
      let integerType = layer.integerType ?? inputs.compactMap({ integerTypes[$0] }).first
      if let integerType, try isWhole(operation, layer, integerType) {
        integerTypes[nodes.count] = integerType
      }
      nodes.append(
        Draft(
          className: layer.className, operation: operation, inputs: inputs, place: place,
          isLast: index == operations.count - 1))
      inputs = [nodes.count - 1]
    }
    let key = place.groups.map { "layers/\($0)" }.joined(separator: "/")
    layersByPlace[key] = SourceGraph.Layer(
      names: place.names, variables: operations.flatMap(\.variables), isFrozen: layer.isFrozen)
    return nodes.count - 1
  }

  /// Whether what an operation makes of whole numbers are whole numbers.
  ///
  /// - Throws: `InputError` where it is arithmetic, which wraps around in such types: `uint8` has 200 − 100 = 100 and
  ///   100 − 200 = 156.
  private func isWhole(
    _ operation: SourceOperation, _ layer: ModelDescription.Layer, _ integerType: String
  ) throws(InputError) -> Bool {
    switch operation {
    case .input, .padding, .padChannels, .flatten, .reshape, .channelsFirst, .reverseChannels,
      .channel, .stackChannels, .concatenate, .maxPool, .globalMaximum, .merge(.maximum),
      .merge(.minimum):
      return true
    case .identity: return layer.className != "Cast" && layer.className != "TFOpLambda"
    case .affine(let scale, let offset)
    where !Self.floatingLayers.contains(layer.className)
      && (scale + offset).allSatisfy({ $0 == $0.rounded() }):
      break
    case .merge: break
    default: return false
    }
    throw fault(
      "has a configuration that computes with whole numbers, \(integerType), which wrap around",
      at: "\(layer.name), a layer of class \(layer.className)")
  }

  /// The layers that turn what they are given into floats before they compute.
  private static let floatingLayers: Set<String> = ["Rescaling", "Normalization"]

  /// The image of which all three channels are put together in reverse order, as Keras 3 writes `x[..., ::-1]`
  /// in `preprocess_input`; `nil` where they are something else.
  private func imageOfReversedChannels(_ channels: [Int]) -> Int? {
    let images = Set(channels.flatMap { nodes[$0].inputs })
    guard channels.map({ nodes[$0].operation }) == [.channel(2), .channel(1), .channel(0)],
      images.count == 1
    else { return nil }
    return images.first
  }

  private mutating func step(reading count: Int) throws(InputError) {
    steps += 1
    reads += count
    guard steps <= Self.maximumNodes, reads <= Self.maximumReads else {
      throw fault(
        "has a configuration with too many layers", at: "the limit is \(Self.maximumNodes)")
    }
  }

  private func fault(_ problem: String, at place: String) -> InputError {
    InputError(.badData, path: path, problem, place: place)
  }
}

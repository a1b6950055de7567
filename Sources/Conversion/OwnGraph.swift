package import Comparison
package import Families
package import Files
package import Inference
package import ResNetV2
package import SourceGraph
package import Tensors

/// The graph that a source file itself describes, as the truth for a converted network.
///
/// It is run layer by layer without any knowledge of families; what the layers do and read says which of
/// them is which, and their names where that does not.
package struct OwnGraph: Sendable {
  /// The graph.
  package let network: SourceGraph
  /// Which of its layers is which of the compared network's.
  package let assignment: LayerNames.Assignment

  private let match: StructureMatch
  private let graph: Graph
  private let weights: SourceWeights
  private let arithmetic: ReferenceArithmetic

  /// The graph that a model was read from, or that its file carries.
  ///
  /// Returns `nil` where the file describes none.
  ///
  /// - Throws: `InputError` where the description is damaged, or has a layer that is not understood.
  package init?(of model: Model, pool: WorkerPool) throws {
    guard let match = model.mapping?.structure else {
      try self.init(
        of: model.source, for: model.graph, layerNames: model.layerNames, pool: pool)
      return
    }
    try self.init(
      match, of: model.source, for: model.graph, layerNames: model.layerNames, pool: pool)
  }

  /// Reads the graph of a file.
  ///
  /// Returns `nil` where the file describes none.
  ///
  /// - Parameters:
  ///   - graph: the network that it is to be compared with.
  ///   - layerNames: what the file's family calls the layers of that network.
  /// - Throws: `InputError` where the description is damaged, or has a layer that is not understood.
  package init?(
    of source: any WeightSource, for graph: Graph, layerNames: LayerNames, pool: WorkerPool
  ) throws {
    guard let own = try source.graph() else { return nil }
    let view = try SourceView(own)
    let weights = try SourceWeights(of: own, in: source)
    let adjustment = try InputAdjustment(view, weights: weights)
    // The input is what both are given, not a layer that is compared.
    let names = Array(own.nodes.map(\.name).dropFirst())
    let named = layerNames.assignment(of: graph.nodes.map(\.name), to: names)
    let match = StructureMatch(view, graph, adjustment: adjustment, names: named.arrays)
    try self.init(match, of: source, for: graph, layerNames: layerNames, pool: pool)
  }

  private init(
    _ match: StructureMatch, of source: any WeightSource, for graph: Graph,
    layerNames: LayerNames, pool: WorkerPool
  ) throws {
    network = match.view.graph
    self.match = match
    self.graph = graph
    weights = try SourceWeights(of: network, in: source)
    arithmetic = ReferenceArithmetic(pool: pool)
    var assignment = LayerNames.Assignment()
    for (index, layer) in match.layers where index > 0 {
      assignment.arrays[graph.nodes[index].name] = network.nodes[layer].name
    }
    assignment.missing = graph.nodes.indices.filter { match.layers[$0] == nil }.map {
      layerNames.name(of: graph.nodes[$0].name) ?? graph.nodes[$0].name
    }
    assignment.unknown = match.unknown
    self.assignment = assignment
    guard !assignment.arrays.isEmpty else {
      throw InputError(
        .badData, path: source.path, "describes a graph without any layer of this network",
        place:
          "its layers are \(network.nodes.dropFirst().prefix(3).map(\.name).joined(separator: ", ")), …",
        hint: "--no-own-graph goes by the family's graph alone")
    }
  }

  /// Checks that the network is the file's own graph whatever the input: each layer that an output depends
  /// on is one of the network's, reads what that reads and has the same weights, and the output is the same.
  ///
  /// The values that were compared show much, but not what they do not reach: a layer after the last one that
  /// both have, or a second output.
  ///
  /// - Parameter tensors: which tensor of the file each parameter of the network is, where that is known.
  /// - Throws: `InputError` that names the first layer that is not.
  package func requireSameFunction(tensors: [String: String] = [:]) throws(InputError) {
    guard let fault = match.faults.first ?? differentTensor(tensors) else { return }
    let more = match.faults.count > 1 ? "; and \(match.faults.count - 1) more" : ""
    throw InputError(
      .badData, path: network.path, "describes a graph that is not this network",
      place: fault + more, hint: "--no-own-graph goes by the family's graph alone")
  }

  /// A parameter that the file's own graph takes from another tensor.
  private func differentTensor(_ tensors: [String: String]) -> String? {
    let variables: [Parameter.Role: String] = [
      .weight: "kernel", .bias: "bias", .scale: "gamma", .shift: "beta", .mean: "moving_mean",
      .variance: "moving_variance",
    ]
    for (index, layer) in match.layers.sorted(by: { $0.key < $1.key }) {
      let own = weights.tensors(of: layer).mapValues(\.name)
      for parameter in graph.nodes[index].parameters {
        guard let tensor = tensors[parameter.name], let variable = variables[parameter.role],
          let name = own[variable], name != tensor
        else { continue }
        return "\(parameter.name) is \(tensor), but \(network.nodes[layer].name) has \(name)"
      }
    }
    return nil
  }
}

// A layer of another shape is a finding, not an error: nothing is checked before.
extension OwnGraph: LayerTruth {
  package func values(for input: Activation) throws -> Values {
    let run = try SourceRun(input, through: network, weights: weights, arithmetic: arithmetic)
    let nodes = Dictionary(
      uniqueKeysWithValues: match.layers.map { (graph.nodes[$0].name, $1) })
    return { node, shape in
      guard let layer = nodes[node], let value = try run.value(of: layer) else { return nil }
      // Pooled features may be kept as an image of one pixel.
      let isFeatures = value.shape.rank == 4 && value.shape[1] == 1 && value.shape[2] == 1
      guard isFeatures, shape.rank == 2, value.shape.elementCount == shape.elementCount else {
        return value
      }
      return Activation(shape: shape, values: value.values)
    }
  }

  package func layer(of node: Node) -> LayerDescription? {
    guard let index = graph.index(of: node.name), let layer = match.layers[index] else {
      return nil
    }
    return OwnLayer(match.view, layer, as: node, names: canonicalNames).layer
  }

  /// The canonical names of the graph's layers, by index.
  private var canonicalNames: [Int: String] {
    Dictionary(match.layers.map { ($1, graph.nodes[$0].name) }) { first, _ in first }
  }
}

package import Files
import ResNetV2
package import SourceGraph
import Tensors

/// A network that was read from the graph that its file carries, by what the nodes do and read; names decide
/// nothing.
struct StructuredNetwork {
  /// Whose words are used for the network.
  let family: Family
  /// The network.
  let graph: Graph
  /// Which node of the file's graph is which of the network's.
  let match: StructureMatch
  /// What the network is only a part of, and what was left out.
  let part: String?

  private let whole: SourceGraph
  private let weights: SourceWeights

  /// - Throws: `InputError` that names the layer at which the graph is no residual network of known options.
  init(
    _ whole: SourceGraph, of source: some WeightSource, part: ModelPart?
  ) throws(InputError) {
    self.whole = whole
    let taken = try part?.graph(in: whole)
    let own = taken?.graph ?? whole
    self.part = taken?.description
    let view = try SourceView(own)
    weights = try SourceWeights(of: own, in: source)
    let adjustment = try InputAdjustment(view, weights: weights)
    do {
      let stated = part == nil ? source.metadata["rnw.configuration"] : nil
      if let stated, let found = Self.network(view, adjustment, stated: stated) {
        (graph, match) = (found.graph, found.match)
      } else {
        (graph, match) = try Self.network(view, adjustment)
      }
    } catch {
      throw InputError(
        .badData, path: source.path, "describes a graph that is no ResNet of known options",
        place: "\(error.layer) \(error.problem)",
        hint: part == nil
          ? "--backbone or --prefix NAME/ takes the ResNet out of a bigger model; --no-own-graph goes "
            + "by the tensors' names" : nil)
    }
    family = Self.family(of: graph, match, weights, in: source)
  }

  /// The network that the file says it is, as this tool writes it into other formats, where the graph is that network's.
  private static func network(
    _ view: SourceView, _ adjustment: InputAdjustment, stated json: String
  ) -> (graph: Graph, match: StructureMatch)? {
    guard let configuration = Configuration(json: json), let graph = try? Graph(configuration)
    else { return nil }
    let match = StructureMatch(view, graph, adjustment: adjustment)
    return match.faults.isEmpty ? (graph, match) : nil
  }

  /// The first of the configurations that may be the graph's which it is, node by node.
  private static func network(
    _ view: SourceView, _ adjustment: InputAdjustment
  ) throws(StructureFault) -> (graph: Graph, match: StructureMatch) {
    var fault: StructureFault?
    var fewest = Int.max
    let reader = try StructureReader(view, adjustment: adjustment)
    for configuration in try reader.configurations() {
      let graph: Graph
      do {
        graph = try Graph(configuration)
      } catch {
        fault = fault ?? StructureFault(layer: "the network", "cannot be: \(error.description)")
        continue
      }
      let match = StructureMatch(view, graph, adjustment: adjustment)
      guard let first = match.faults.first else { return (graph, match) }
      if match.faults.count < fewest {
        fewest = match.faults.count
        fault = StructureFault(whole: first)
      }
    }
    throw fault ?? StructureFault(whole: "it has no residual block")
  }

  /// The file's tensor of a parameter, and how its axes are ordered.
  func tensor(of parameter: Parameter) -> (info: TensorInfo, layout: AxisOrder)? {
    guard let index = graph.index(of: parameter.node), let layer = match.layers[index],
      let variable = Self.variables[parameter.role],
      let tensor = weights.tensors(of: layer)[variable]
    else { return nil }
    return (
      tensor,
      AxisOrder(
        weights.order(of: variable, of: layer), of: parameter, stored: tensor.shape)
    )
  }

  static let variables: [Parameter.Role: String] = [
    .weight: "kernel", .bias: "bias", .scale: "gamma", .shift: "beta", .mean: "moving_mean",
    .variance: "moving_variance",
  ]

  /// Why a tensor that is no parameter may be passed over; `nil` where it may not.
  func reasonToWaive(_ tensor: TensorInfo) -> String? {
    if let reason = whole.passedOver[tensor.name] { return reason }
    if part != nil,
      whole.nodes.contains(where: { $0.tensors.values.contains { $0.name == tensor.name } })
    {
      return "a part of the model that was left out"
    }
    for (index, node) in match.view.graph.nodes.enumerated() {
      if node.operation == .standardize,
        weights.tensors(of: index).values.contains(where: { $0.name == tensor.name })
      {
        return "a part of what the network does to its input"
      }
    }
    let folders = tensor.name.split(separator: "/").map(String.init)
    let layers = whole.nodes.enumerated().filter { index, node in
      folders.starts(with: node.place.names)
        || folders.starts(with: node.place.groups.flatMap { ["layers", $0] })
        || [node.place.names.first, node.place.names.last] == [
          folders.first, folders.dropLast().last,
        ]
    }
    guard !layers.isEmpty else { return nil }
    if part != nil { return "a part of the model that was left out" }
    let live = whole.liveNodes
    let isUsed = layers.contains { index, node in
      live.contains(index) && node.operation.variables.contains(folders.last ?? "")
    }
    return isUsed ? nil : "of a layer that no output depends on, or not used by it"
  }

  /// The layers that the file calls otherwise than the family does, by canonical name; none where nodes have no names
  /// that anybody gave.
  var renamedLayers: [String: String] {
    if whole.nodes.contains(where: { !$0.tensors.isEmpty }) { return [:] }
    let usual = family.layerNames(for: graph)
    var renamed: [String: String] = [:]
    for (index, layer) in match.layers.sorted(by: { $0.key < $1.key }) where index > 0 {
      let node = graph.nodes[index]
      let own = match.view.graph.nodes[layer]
      let name =
        own.name.hasSuffix(SourceGraph.linearPart)
        ? String(own.name.dropLast(SourceGraph.linearPart.count)) : own.name
      // A dense layer's own name is that of what it ends in.
      let isFirstPart = name != own.name
      let expected =
        usual.name(of: node.name) ?? (isFirstPart ? family.layerName(of: node.name) : nil)
      if name != expected, !usual.isCounted(name, like: expected) { renamed[node.name] = name }
    }
    return renamed
  }
}

extension StructureFault {
  /// A fault in whole words.
  init(whole: String) {
    let words = whole.split(separator: " ", maxSplits: 1).map(String.init)
    self.init(layer: words.first ?? "", words.dropFirst().joined(separator: " "))
  }
}

extension InputAdjustment {
  /// Reads the means and variances that stand among the weights.
  package init(_ view: SourceView, weights: SourceWeights) throws(InputError) {
    do {
      try self.init(view) { node in
        if let shape = view.shape(of: view.input) {
          try weights.check(node, of: view.graph, input: shape)
        }
        return (
          try weights.tensor("mean", of: node)?.floats() ?? [0],
          try weights.tensor("variance", of: node)?.floats() ?? [1]
        )
      }
    } catch let error as InputError {
      throw error
    } catch {
      throw InputError(.badData, path: view.graph.path, "cannot be read", place: "\(error)")
    }
  }
}

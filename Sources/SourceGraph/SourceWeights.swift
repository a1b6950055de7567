package import Files
package import Tensors

/// The variables of a graph's nodes, found in the file by the nodes' own places.
package struct SourceWeights: Sendable {
  private let source: any WeightSource
  private let tensors: [[String: TensorInfo]]
  private let orders: [[String: SourceGraph.Tensor.Order]]

  /// Finds every variable that the nodes have which an output depends on.
  ///
  /// - Throws: `InputError` that names the first layer which lacks one.
  package init(of graph: SourceGraph, in source: any WeightSource) throws(InputError) {
    self.source = source
    orders = graph.nodes.map { $0.tensors.mapValues(\.order) }
    let names = NamedTensors(source.tensors)
    let live = graph.liveNodes
    var tensors: [[String: TensorInfo]] = []
    var owners: [String: [String]] = [:]
    for (index, node) in graph.nodes.enumerated() {
      var found: [String: TensorInfo] = [:]
      for (number, variable) in node.operation.variables.enumerated() {
        let tensor =
          node.tensors.isEmpty
          ? names.tensor(variable, number: number, of: node.place)
          : node.tensors[variable].flatMap { names.tensor(named: $0.name) }
        guard let tensor else {
          guard live.contains(index) else { continue }
          throw InputError(
            .badData, path: source.path, "lacks the \(variable) of \(node.name)",
            place: "its configuration has the layer, a \(node.className)")
        }
        guard tensor.dtype.isFloat else {
          throw InputError(
            .badData, path: source.path, "has a \(variable) of \(node.name) that is no float",
            place: "\(tensor.name) is \(tensor.dtype.name)")
        }
        // Two layers of the same name in different models can be told apart only where the file does.
        if node.tensors.isEmpty,
          let owner = owners.updateValue(node.place.names, forKey: tensor.name),
          owner != node.place.names
        {
          throw InputError(
            .badData, path: source.path, "does not tell which of two layers has \(tensor.name)",
            place: "\(owner.joined(separator: "/")) and \(node.place.names.joined(separator: "/"))")
        }
        found[variable] = tensor
      }
      tensors.append(found)
    }
    self.tensors = tensors
    try refuseUnknownVariables(
      of: graph, live: live.filter { graph.nodes[$0].tensors.isEmpty && !self.tensors[$0].isEmpty })
  }

  /// A variable that no setting of a layer tells of, such as that of an adapter, changes what the layer computes.
  ///
  /// - Parameter live: the nodes with variables at their own places that an output depends on.
  private func refuseUnknownVariables(
    of graph: SourceGraph, live: some Sequence<Int>
  ) throws(InputError) {
    let used = Set(tensors.flatMap { $0.values.map(\.name) })
    var layers: Set<String> = []
    // A layer that is adapted to data also counts what it has seen.
    for node in live where graph.nodes[node].operation != .standardize {
      layers.formUnion(tensors[node].values.map(\.name.folderAndName.folder))
      layers.insert(graph.nodes[node].place.counted + "/vars/")
    }
    layers.remove("")
    let unknown = source.tensors.filter {
      !used.contains($0.name) && layers.contains($0.name.folderAndName.folder)
    }
    guard let first = unknown.min(by: { $0.name < $1.name }) else { return }
    let isAdapter = first.name.contains("/lora_")
    throw InputError(
      .badData, path: source.path, "has a variable that the configuration of its layer lacks",
      place: "\(first.name) (\(first.shape))",
      hint: isAdapter ? "model.save('merged.keras') puts adapters into the kernels" : nil)
  }

  /// Checks a node's variables against what the node is given.
  package func check(
    _ node: Int, of graph: SourceGraph, input: Shape
  ) throws(InputError) {
    let operation = graph.nodes[node].operation
    for (variable, tensor) in tensors[node].sorted(by: { $0.key < $1.key }) {
      let expected = operation.shape(of: variable, input: input)
      let isScalar = operation == .standardize && tensor.shape.elementCount == 1
      let isFirst = order(of: variable, of: node) == .outputsFirst
      guard tensor.shape.plain(isOutputsFirst: isFirst, like: expected) == expected || isScalar
      else {
        throw InputError(
          .badData, path: source.path,
          "has a \(variable) of \(graph.nodes[node].name) that does not fit its configuration",
          place: "\(tensor.name) is \(tensor.shape); expected \(expected)")
      }
    }
  }

  /// The tensors that a node uses, by variable.
  package func tensors(of node: Int) -> [String: TensorInfo] { tensors[node] }

  /// The order of the axes of a variable.
  package func order(of variable: String, of node: Int) -> SourceGraph.Tensor.Order {
    orders[node][variable] ?? .outputsLast
  }

  /// Reads a variable of a node, with the outputs last; `nil` where the layer has none of the name.
  package func tensor(_ variable: String, of node: Int) throws -> TensorData? {
    try tensors[node][variable].map { info in
      let tensor = try source.tensor(named: info.name)
      guard variable == "kernel" else { return tensor }
      if order(of: variable, of: node) == .outputsLast { return tensor }
      return tensor.outputChannelsLast()
    }
  }
}

/// The tensors of a file, as their layers' places find them.
private struct NamedTensors {
  private let all: [String: TensorInfo]
  /// Tensors by their first folder, and the last two parts of their names.
  private var byEnds: [String: [TensorInfo]] = [:]

  init(_ tensors: [TensorInfo]) {
    all = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
    for tensor in tensors {
      if let ends = Self.ends(tensor.name.split(separator: "/").map(String.init)) {
        byEnds[ends, default: []].append(tensor)
      }
    }
  }

  /// A tensor by its name alone.
  func tensor(named name: String) -> TensorInfo? { all[name] }

  /// A variable by the models and the layer, by the outermost model and the layer, by counted groups, or by the
  /// only name that begins with the outermost model and ends with the layer.
  func tensor(_ variable: String, number: Int, of place: SourceGraph.Place) -> TensorInfo? {
    let full = place.names.joined(separator: "/")
    let short = [place.names.first, place.names.last].compactMap { $0 }.joined(separator: "/")
    let names = [
      "\(full)/\(variable)", "\(short)/\(variable)", "\(place.counted)/vars/\(number)",
    ]
    if let tensor = names.lazy.compactMap({ all[$0] }).first { return tensor }
    let ends = Self.ends(place.names + [variable])
    guard let found = ends.flatMap({ byEnds[$0] }), found.count == 1 else { return nil }
    return found[0]
  }

  private static func ends(_ parts: [String]) -> String? {
    guard parts.count > 1 else { return nil }
    return ([parts[0]] + parts.suffix(2)).joined(separator: "/")
  }
}

extension SourceGraph.Place {
  /// The folder of the layer where folders have counted classes for names.
  fileprivate var counted: String { groups.map { "layers/\($0)" }.joined(separator: "/") }
}

extension Shape {
  /// The shape of a variable with the outputs last and without axes of one value that it does not need.
  fileprivate func plain(isOutputsFirst: Bool, like expected: Shape) -> Shape {
    var sizes = dimensions
    if isOutputsFirst, rank == 2 || rank == 4 {
      sizes = Array(sizes.dropFirst(2)) + [sizes[1], sizes[0]]
    }
    while sizes.count > expected.rank, sizes[0] == 1 { sizes.removeFirst() }
    // A vector may have been written with an axis for each pixel.
    if expected.rank == 1, elementCount == expected.elementCount, sizes.contains(elementCount) {
      return expected
    }
    return Shape(sizes)
  }
}

extension SourceOperation {
  /// The shape that a variable must have where the layer reads values of a shape.
  fileprivate func shape(of variable: String, input: Shape) -> Shape {
    let channels = input[input.rank - 1]
    switch (self, variable) {
    case (.convolution(let conv), "kernel"):
      return [conv.height, conv.width, channels, conv.outputs]
    case (.convolution(let conv), _): return [conv.outputs]
    case (.dense(let outputs, _), "kernel"): return [channels, outputs]
    case (.dense(let outputs, _), _): return [outputs]
    default: return [channels]
    }
  }
}

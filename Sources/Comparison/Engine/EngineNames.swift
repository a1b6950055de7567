import Families
package import Files
import Plain
import ResNetV2

/// What an engine calls the layers, where that is neither what the family nor what the graph calls them.
package struct EngineNames: Sendable {
  private let names: [(engine: String, layer: String)]
  private let path: String?

  /// The names that the arrays have.
  package init() {
    names = []
    path = nil
  }

  /// Reads a file of names, one JSON object: `{"my_pool": "pool1_pool", "out3": "stage1.block1.add"}`.
  ///
  /// - Throws: `InputError` where it is of another form, or names an array or a layer twice.
  package init(path: String) throws(InputError) {
    self.path = path
    var names: [(engine: String, layer: String)] = []
    let file = EntriesFile(
      path: path, kind: "file of names", example: #"{"my_pool": "pool1_pool"}"#)
    try file.read { name, json throws(FormatFault) in names.append((name, try json.text())) }
    var seen: Set<String> = []
    if let twice = names.first(where: { !seen.insert($0.layer).inserted }) {
      throw InputError(.badData, path: path, "gives a layer two names", place: twice.layer)
    }
    self.names = names
  }

  /// The array of each layer, by canonical name.
  ///
  /// - Throws: `InputError` where the list has a layer that the network, or an array that the file lacks.
  func assignment(
    of graph: Graph, _ layerNames: LayerNames, to arrays: [String], path source: String
  ) throws(InputError) -> [String: String] {
    let listed = try assignment(to: arrays, path: source) {
      Self.node(called: $0, in: graph, layerNames)
    }
    if let listed { return listed }
    let known = Set(arrays)
    let nodes = graph.nodes.dropFirst().map(\.name)
    var result = layerNames.assignment(of: graph.nodes.map(\.name), to: arrays).arrays
    // A name may be canonical for one layer and the family's for another: the other arrays tell whose names they have.
    let ofFamily = Set(nodes.compactMap { layerNames.name(of: $0) })
    let canonical = known.intersection(nodes)
    if canonical.subtracting(ofFamily).count > known.intersection(ofFamily).subtracting(nodes).count
    {
      result = result.filter { !canonical.contains($0.value) }
    }
    let used = Set(result.values)
    for node in graph.nodes.dropFirst().map(\.name)
    where result[node] == nil && known.contains(node) && !used.contains(node) {
      result[node] = node
    }
    return result
  }

  /// The array of each layer that the list names; `nil` where there is no list.
  ///
  /// - Parameters:
  ///   - arrays: the names in the archive.
  ///   - path: the archive's.
  ///   - node: the name of the layer that the network has under one of the list; `nil` where it has none.
  /// - Throws: `InputError` where the list has a layer that the network, or an array that the file lacks.
  package func assignment(
    to arrays: [String], path source: String, node: (String) -> String?
  ) throws(InputError) -> [String: String]? {
    guard let path else { return nil }
    let known = Set(arrays)
    var result: [String: String] = [:]
    for (engine, layer) in names {
      guard let node = node(layer) else {
        throw InputError(
          .badData, path: path, "names a layer that the network has not", place: layer)
      }
      guard known.contains(engine) else {
        throw InputError(
          .badData, path: path, "names an array that \(source) has not", place: engine)
      }
      result[node] = engine
    }
    return result
  }

  /// The canonical name of a layer that is called so by the graph or the family.
  private static func node(
    called name: String, in graph: Graph, _ layerNames: LayerNames
  ) -> String? {
    graph.nodes.dropFirst().map(\.name).first {
      $0 == name || layerNames.name(of: $0) == name
    }
  }
}

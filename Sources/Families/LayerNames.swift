/// What a family calls the layers of a graph, and how it lays out their values.
///
/// Reports speak the family's language, and the activations that a framework saved are found by
/// these names.
package struct LayerNames: Hashable, Sendable {
  /// How the family lays out the values of a layer.
  package enum Layout: String, Hashable, Sendable, Codable {
    /// Channels innermost (Keras, tf-slim).
    case nhwc
    /// Channels before the image (PyTorch, Gluon).
    case nchw
  }

  /// A layer of the family that is no node of its own, because its consumer includes it.
  package struct FoldedLayer: Hashable, Sendable {
    /// The family's name of the layer.
    package let name: String
    /// The canonical name of the node that does its work.
    package let node: String
  }

  /// How the family lays out the values of a layer.
  package let layout: Layout

  /// The layers that are part of a node of another name, such as explicit padding.
  package let folded: [FoldedLayer]

  private let names: [String: String]
  private let countedPrefixes: Set<String>

  /// Makes the names of a family.
  ///
  /// - Parameters:
  ///   - names: the family's name of each node, by canonical name.
  ///   - countedPrefixes: names that the framework makes up by counting, such as `max_pooling2d`: their
  ///     numbers depend on what was made before, so only their order means something.
  package init(
    layout: Layout, names: [String: String], folded: [FoldedLayer],
    countedPrefixes: Set<String> = []
  ) {
    self.layout = layout
    self.names = names
    self.folded = folded
    self.countedPrefixes = countedPrefixes
  }

  /// The family's name of a node, or `nil` where the family has no such layer.
  package func name(of node: String) -> String? { names[node] }
}

extension LayerNames {
  /// Which array of an archive holds which node's value.
  package struct Assignment: Hashable, Sendable {
    /// The archive's array for each node that has one, by canonical name.
    package var arrays: [String: String] = [:]
    /// The arrays of layers that are part of another node.
    package var folded: [String] = []
    /// The family's names of the layers that the archive lacks.
    package var missing: [String] = []
    /// The arrays that belong to no layer of the network.
    package var unknown: [String] = []

    /// Makes an assignment of nothing.
    package init() {}
  }

  /// Finds the arrays of an archive by name; nothing is guessed from shapes or order, but for the
  /// names that the framework itself made by counting.
  ///
  /// - Parameters:
  ///   - nodes: the canonical names of all nodes, in order.
  ///   - archive: the names of the arrays.
  package func assignment(of nodes: [String], to archive: [String]) -> Assignment {
    var result = Assignment()
    var left = Set(archive)
    let counted = countedArrays(in: archive)
    var used: [String: Int] = [:]
    // The input is what an archive was made from, not a layer that is compared.
    left.remove("input")
    for node in nodes where node != "input" {
      guard let name = names[node] else { continue }
      var array = left.contains(name) ? name : nil
      if let prefix = countedPrefix(of: name) {
        let index = used[prefix, default: 0]
        used[prefix] = index + 1
        let arrays = counted[prefix] ?? []
        array = index < arrays.count ? arrays[index] : nil
      }
      if let array, left.remove(array) != nil {
        result.arrays[node] = array
      } else {
        result.missing.append(name)
      }
    }
    result.folded = folded.map(\.name).filter { left.remove($0) != nil }
    for array in counted.values.joined() where names["input"].map(array.hasPrefix) == true {
      left.remove(array)
    }
    result.unknown = left.sorted()
    return result
  }

  /// What the values of nodes are called where they stand side by side: the family's names, those that the framework makes up
  /// by counting with their numbers.
  ///
  /// - Parameter nodes: the canonical names of all nodes, in order.
  package func arrayNames(of nodes: [String]) -> [String: String] {
    var result: [String: String] = [:]
    var used: [String: Int] = [:]
    for node in nodes {
      guard let name = names[node] else { continue }
      let number = used[name, default: 0]
      used[name] = number + 1
      result[node] = number == 0 ? name : "\(name)_\(number)"
    }
    return result
  }

  /// The arrays with counted names, by prefix, in the order of their numbers.
  private func countedArrays(in archive: [String]) -> [String: [String]] {
    var result: [String: [(number: Int, name: String)]] = [:]
    for name in archive {
      guard let prefix = countedPrefix(of: name) else { continue }
      let number = Int(name.dropFirst(prefix.count + 1)) ?? 0
      result[prefix, default: []].append((number, name))
    }
    return result.mapValues { $0.sorted { $0.number < $1.number }.map(\.name) }
  }

  /// Whether two names are the same but for a number that the framework counts.
  package func isCounted(_ name: String, like other: String?) -> Bool {
    guard let other, let prefix = countedPrefix(of: other) else { return false }
    return countedPrefix(of: name) == prefix
  }

  private func countedPrefix(of name: String) -> String? {
    countedPrefixes.first { prefix in
      guard name.hasPrefix(prefix) else { return false }
      let rest = name.dropFirst(prefix.count)
      return rest.isEmpty || rest.first == "_" && Int(rest.dropFirst()) != nil
    }
  }
}

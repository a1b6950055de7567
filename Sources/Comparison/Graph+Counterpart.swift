package import ResNetV2

extension Graph {
  /// The node of another network that stands where one of this network's does; `nil` where there is none.
  ///
  /// A function is called by its kind and number, such as `head.softmax` and `head.activation2`: of another kind it is
  /// known by its place.
  package func counterpart(of node: Int, in other: Graph) -> Int? {
    if let index = other.index(of: nodes[node].name) { return index }
    guard other.nodes.indices.contains(node), index(of: other.nodes[node].name) == nil,
      nodes[node].inputs == other.nodes[node].inputs,
      case .activation = nodes[node].operation, case .activation = other.nodes[node].operation
    else { return nil }
    return node
  }

  /// The names of what a node reads, sorted for a sum, which is the same in either order.
  ///
  /// - Parameter reference: where its nodes have counterparts there, they are called by their names.
  package func inputNames(of node: Int, namedLike reference: Graph) -> [String] {
    let names = nodes[node].inputs.map { input in
      counterpart(of: input, in: reference).map { reference.nodes[$0].name } ?? nodes[input].name
    }
    return nodes[node].operation == .add ? names.sorted() : names
  }
}

extension Graph {
  /// The nodes in the order in which Keras lists the layers of a model: by how many nodes follow
  /// them at most, the most first.
  ///
  /// A projection then stands beside the last convolution of the main path. Keras' weights files
  /// are read in this order, not by name.
  package var nodesByDepth: [Node] {
    var following = [Int](repeating: 0, count: nodes.count)
    for index in nodes.indices.reversed() {
      for input in nodes[index].inputs {
        following[input] = max(following[input], following[index] + 1)
      }
    }
    let order = nodes.indices.sorted { (-following[$0], $0) < (-following[$1], $1) }
    return order.map { nodes[$0] }
  }
}

package import Tensors

/// The variables of a network's layers, found in the file by the layers' own places.
package struct KerasWeights: Sendable {
  private let source: any WeightSource
  private let tensors: [[String: TensorInfo]]

  /// Finds every variable that the graph's layers have.
  ///
  /// - Throws: `InputError` that names the first layer which lacks one.
  package init(of network: KerasNetwork, in source: any WeightSource) throws(InputError) {
    self.source = source
    let all = Dictionary(source.tensors.map { ($0.name, $0) }) { first, _ in first }
    var tensors: [[String: TensorInfo]] = []
    for node in network.nodes {
      var found: [String: TensorInfo] = [:]
      for (index, variable) in node.operation.variables.enumerated() {
        let names = node.place.names(of: variable, index: index)
        guard let tensor = names.lazy.compactMap({ all[$0] }).first else {
          throw InputError(
            .badData, path: source.path, "lacks the \(variable) of \(node.name)",
            place: "its configuration has the layer, a \(node.className)")
        }
        guard tensor.dtype.isFloat else {
          throw InputError(
            .badData, path: source.path, "has a \(variable) of \(node.name) that is no float",
            place: "\(tensor.name) is \(tensor.dtype.name)")
        }
        found[variable] = tensor
      }
      tensors.append(found)
    }
    self.tensors = tensors
  }

  /// Checks a node's variables against what the node is given and gives.
  func check(_ node: Int, of network: KerasNetwork, input: Shape) throws(InputError) {
    let operation = network.nodes[node].operation
    for (variable, tensor) in tensors[node] {
      let expected = operation.shape(of: variable, input: input)
      guard tensor.shape == expected else {
        throw InputError(
          .badData, path: source.path,
          "has a \(variable) of \(network.nodes[node].name) that does not fit its configuration",
          place: "\(tensor.name) is \(tensor.shape); expected \(expected)")
      }
    }
  }

  /// The tensors that a node uses, by variable.
  package func tensorNames(of node: Int) -> [String: String] {
    tensors[node].mapValues(\.name)
  }

  /// Reads a variable of a node as float32; `nil` where the layer has none of the name.
  func tensor(_ variable: String, of node: Int) throws -> TensorData? {
    try tensors[node][variable].map { try source.tensor(named: $0.name) }
  }
}

extension LayerPlace {
  /// The names under which a variable may stand: by the models and the layer, by the outermost model and
  /// the layer, or by counted groups.
  fileprivate func names(of variable: String, index: Int) -> [String] {
    let full = names.joined(separator: "/")
    let short = [names.first, names.last].compactMap { $0 }.joined(separator: "/")
    let counted = groups.map { "layers/\($0)" }.joined(separator: "/")
    return ["\(full)/\(variable)", "\(short)/\(variable)", "\(counted)/vars/\(index)"]
  }
}

extension KerasOperation {
  /// The shape that a variable must have where the layer reads values of a shape.
  fileprivate func shape(of variable: String, input: Shape) -> Shape {
    let channels = input[input.rank - 1]
    switch (self, variable) {
    case (.convolution(let conv), "kernel"):
      return [conv.height, conv.width, channels, conv.outputs]
    case (.convolution(let conv), _): return [conv.outputs]
    case (.dense(let outputs, _, _), "kernel"): return [channels, outputs]
    case (.dense(let outputs, _, _), _): return [outputs]
    default: return [channels]
    }
  }
}

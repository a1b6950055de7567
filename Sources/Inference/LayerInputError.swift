import ResNetV2
import Tensors

/// Why a node cannot be computed from what it was given.
package struct LayerInputError: Error, CustomStringConvertible {
  package let description: String

  init(node: String, shapes: [Shape]) {
    let shapes = shapes.map(\.description).joined(separator: " and ")
    description = "\(node) cannot be computed from \(shapes.isEmpty ? "nothing" : shapes)"
  }
}

extension Graph {
  /// The operation of a node, and the shape of its value for given inputs.
  ///
  /// - Throws: ``LayerInputError`` where there is no such node, or it does not take these inputs.
  func operation(
    of node: Int, inputs: [Activation]
  ) throws(LayerInputError) -> (Operation, Shape) {
    let shapes = inputs.map(\.shape)
    guard nodes.indices.contains(node) else {
      throw LayerInputError(node: "node \(node) of \(nodes.count)", shapes: shapes)
    }
    let operation = nodes[node].operation
    guard let first = shapes.first,
      let shape = operation.outputShape(shapes, networkInput: first)
    else { throw LayerInputError(node: nodes[node].name, shapes: shapes) }
    return (operation, shape)
  }
}

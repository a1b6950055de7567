package import Tensors

/// An ONNX model as its file describes it: nodes that make values from values, by name.
package struct ONNXModel: Sendable {
  /// The file.
  package let path: String
  /// The version of the standard's operators.
  package let opset: Int
  /// The nodes in the order of the file.
  package let nodes: [Node]
  /// What the model is given.
  package let inputs: [Value]
  /// The names of what it puts out.
  package let outputs: [String]
  /// The tensors that the file holds, by the name of the value that they are.
  package let tensors: [String: TensorInfo]
  /// Reads one of them.
  package let read: @Sendable (String) throws -> TensorData

  package init(
    path: String, opset: Int, nodes: [Node], inputs: [Value], outputs: [String],
    tensors: [String: TensorInfo], read: @escaping @Sendable (String) throws -> TensorData
  ) {
    self.path = path
    self.opset = opset
    self.nodes = nodes
    self.inputs = inputs
    self.outputs = outputs
    self.tensors = tensors
    self.read = read
  }

  /// One call of an operator.
  package struct Node: Sendable {
    /// Its name; that of its first value where it has none.
    package var name = ""
    /// The operator, such as `Conv`.
    package var kind = ""
    /// Whose operator it is; empty for the standard's.
    package var domain = ""
    /// The names of the values that it reads; empty for one that is left out.
    package var inputs: [String] = []
    /// The names of the values that it makes.
    package var outputs: [String] = []
    /// Its settings.
    package var attributes: [String: Attribute] = [:]

    package init() {}
  }

  /// A setting of a node.
  package enum Attribute: Hashable, Sendable {
    case integer(Int)
    case number(Double)
    case text(String)
    case integers([Int])
    case numbers([Double])
    /// A tensor; that of a `Constant` is under the name of the node's value.
    case tensor
    /// A graph, or what else is not looked at.
    case other
  }

  /// What a model is given or gives.
  package struct Value: Sendable {
    package var name: String
    /// The sizes, `nil` for one that is left open; `nil` where nothing is said.
    package var sizes: [Int?]?
    /// The standard's number for the type of the elements: 1 for float32.
    package var elementType = 1

    package init(name: String, sizes: [Int?]?) {
      (self.name, self.sizes) = (name, sizes)
    }
  }
}

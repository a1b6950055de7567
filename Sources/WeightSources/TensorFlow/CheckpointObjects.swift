/// The objects that a checkpoint by object describes beside its tensors: which has which, and where their values are.
///
/// The message is `TrackableObjectGraph` of TensorFlow's `trackable_object_graph.proto`.
struct CheckpointObjects {
  private var nodes: [Node] = []

  private struct Node {
    var children: [String: Int] = [:]
    var variables: [Variable] = []
  }

  /// A value of an object.
  struct Variable {
    /// The key of its entry in the index.
    let key: String
    /// The name that it was made with, such as `conv1_conv/kernel`; empty where that is not told.
    let fullName: String
  }

  /// Reads the message; what is damaged describes nothing.
  init(_ message: ArraySlice<UInt8>) {
    for (field, node) in ProtocolBuffer.fields(message) ?? [] where field == 1 {
      nodes.append(Self.node(node.slice.flatMap(ProtocolBuffer.fields) ?? []))
    }
  }

  private typealias Field = (field: Int, value: ProtocolBuffer<ArraySlice<UInt8>>.Value)

  private static func node(_ fields: [Field]) -> Node {
    var node = Node()
    for (field, value) in fields {
      let parts = value.slice.flatMap(ProtocolBuffer.fields) ?? []
      func text(_ field: Int) -> String? { parts.last { $0.field == field }?.value.text }
      switch field {
      case 1:
        // The first object has the number 0, which is not written.
        let number = parts.last { $0.field == 1 }?.value.count ?? 0
        if let name = text(2) { node.children[name] = number }
      case 2:
        if let key = text(3) {
          node.variables.append(Variable(key: key, fullName: text(2) ?? ""))
        }
      default: break
      }
    }
    return node
  }

  /// All values.
  var variables: [Variable] { nodes.flatMap(\.variables) }

  /// The values of an object that stand under a name each, such as `kernel`.
  ///
  /// - Parameter path: the names that lead to the object from the first one.
  func variables(at path: [String]) -> [(name: String, variable: Variable)] {
    var number = 0
    for name in path {
      guard nodes.indices.contains(number), let next = nodes[number].children[name] else {
        return []
      }
      number = next
    }
    guard nodes.indices.contains(number) else { return [] }
    return nodes[number].children.sorted { $0.key < $1.key }.flatMap { name, child in
      nodes.indices.contains(child) ? nodes[child].variables.map { (name, $0) } : []
    }
  }
}

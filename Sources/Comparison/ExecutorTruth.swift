package import Families
package import Inference
package import ResNetV2
package import Tensors

/// What an executor computes, paired with a network's layers by canonical name and place: the two networks may differ in their
/// options.
package struct ExecutorTruth: LayerTruth {
  package let assignment: LayerNames.Assignment

  private let executor: any Executor

  /// - Parameters:
  ///   - graph: the network that it is compared with.
  ///   - layerNames: what that network's family calls its layers.
  package init(_ executor: any Executor, for graph: Graph, layerNames: LayerNames) {
    self.executor = executor
    let other = executor.graph
    func display(_ name: String) -> String { layerNames.name(of: name) ?? name }
    var assignment = LayerNames.Assignment()
    for (index, node) in graph.nodes.enumerated() {
      assignment.arrays[node.name] = graph.counterpart(of: index, in: other).map {
        other.nodes[$0].name
      }
    }
    let paired = Set(assignment.arrays.values)
    assignment.missing = graph.nodes.map(\.name).filter { assignment.arrays[$0] == nil }
      .map(display)
    assignment.unknown = other.nodes.map(\.name).filter { !paired.contains($0) }.map(display)
    self.assignment = assignment
  }

  package func values(for input: Activation) throws -> Values {
    let values = try LiveValues(executor, input)
    let names = assignment.arrays
    return { name, _ in try names[name].flatMap { try values.value(named: $0) } }
  }

  package func tensor(of parameter: Parameter) -> TensorData? {
    (executor as? any ParameterHolder)?.tensor(of: parameter)
  }
}

/// The values of a network that is computed node by node, each kept until its last reader is done.
private final class LiveValues {
  private let executor: any Executor
  private let indices: [String: Int]
  private let lastUses: [Int]
  private var values: [Int: Activation]
  private var next = 1

  /// Starts with an input, which must fit the network.
  init(_ executor: any Executor, _ input: Activation) throws {
    self.executor = executor
    let names = executor.graph.nodes.map(\.name)
    indices = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
    lastUses = executor.graph.lastUses
    _ = try executor.graph.shapes(for: input.shape)
    values = [0: input]
  }

  /// The value of a node, computed with all before it; `nil` where there is no such node or its
  /// value is gone.
  func value(named name: String) throws -> Activation? {
    guard let node = indices[name] else { return nil }
    while next <= node {
      // Values are let go with the next node: what the last one has read may still be asked for.
      for (index, last) in lastUses.enumerated() where last < next && index < next {
        values[index] = nil
      }
      let inputs = executor.graph.nodes[next].inputs.compactMap { values[$0] }
      values[next] = try executor.evaluate(next, inputs: inputs)
      next += 1
    }
    return values[node]
  }
}

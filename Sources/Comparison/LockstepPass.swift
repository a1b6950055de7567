import Families
package import Inference
import ResNetV2
import Tensors

/// One input through both networks at once.
///
/// The candidate runs as it runs in earnest and hands out its values; for each, the reference
/// computes the same layer from its own earlier values, of which only those are kept that are still
/// to be read.
final class LockstepPass {
  private let comparison: Comparison
  private let table: LayerTable
  private let reference: LiveValues
  private var shapes: [Shape] = []

  init(_ comparison: Comparison, reference: any Executor, table: LayerTable) {
    self.comparison = comparison
    self.table = table
    self.reference = LiveValues(reference)
  }

  func run(_ input: Activation) throws {
    shapes = try comparison.candidate.graph.shapes(for: input.shape)
    try reference.begin(with: input)
    _ = try comparison.candidate.run(input) { node, value in
      try self.comparison.checkpoint?()
      if node > 0 { try self.compare(node, value) }
      self.comparison.progress?(node + 1, self.comparison.candidate.graph.nodes.count)
    }
  }

  private func compare(_ node: Int, _ value: Activation) throws {
    let graph = comparison.candidate.graph
    let expected = try reference.value(named: graph.nodes[node].name)
    table.note(node, value, expected)
    guard let expected else { return }
    if node == graph.outputIndex {
      table.addOutput(candidate: value, reference: expected)
    }
    guard table.selects(node) else { return }
    if comparison.mode.isPropagated {
      try table.measure(node, value, expected, isolated: false)
    }
    if comparison.mode.isIsolated {
      try measureAlone(node, expected)
    }
  }

  /// Computes one layer of the candidate from the reference's values, where they fit it.
  private func measureAlone(_ node: Int, _ expected: Activation) throws {
    let graph = comparison.candidate.graph
    let inputs = graph.nodes[node].inputs
    let known = inputs.compactMap { reference.known(graph.nodes[$0].name) }
    guard known.map(\.shape) == inputs.map({ shapes[$0] }) else { return }
    let value = try comparison.candidate.evaluate(node, inputs: known)
    try table.measure(node, value, expected, isolated: true)
  }
}

/// The values of a network that is computed node by node, each kept until its last reader is done.
package final class LiveValues {
  private let executor: any Executor
  private let indices: [String: Int]
  private let lastUses: [Int]
  private var values: [Int: Activation] = [:]
  private var next = 0

  package init(_ executor: any Executor) {
    self.executor = executor
    let names = executor.graph.nodes.map(\.name)
    indices = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
    lastUses = executor.graph.lastUses
  }

  /// Starts with an input, which must fit the network.
  package func begin(with input: Activation) throws {
    _ = try executor.graph.shapes(for: input.shape)
    values = [0: input]
    next = 1
  }

  /// The value of a node, computed with all before it; `nil` where there is no such node or its
  /// value is gone.
  package func value(named name: String) throws -> Activation? {
    guard let node = indices[name] else { return nil }
    while next <= node {
      // Values are let go one step late: the caller may still ask for what the last node has read.
      for (index, last) in lastUses.enumerated() where last < next - 1 && index < next {
        values[index] = nil
      }
      let inputs = executor.graph.nodes[next].inputs.compactMap { values[$0] }
      values[next] = try executor.evaluate(next, inputs: inputs)
      next += 1
    }
    return values[node]
  }

  /// The value of a node that was computed before and is still there.
  package func known(_ name: String) -> Activation? {
    indices[name].flatMap { values[$0] }
  }
}

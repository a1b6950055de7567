import Families
package import Inference
import ResNetV2
import Tensors

extension Comparison {
  /// Compares with what a framework computed.
  ///
  /// Arrays are read one at a time, in the order of the graph. An isolated layer is given the
  /// archive's values; where the archive lacks one, the candidate computes it from those before it.
  ///
  /// - Parameters:
  ///   - archive: the activations, made for the candidate's graph and names.
  ///   - input: the input [N, H, W, C] that they were computed from; the archive's own where `nil`.
  /// - Returns: the statistics of the layers that the archive has.
  /// - Throws: `InputError` where an array is missing its input, misshapen or unreadable.
  package func run(
    against archive: ActivationArchive, input: Activation? = nil
  ) throws -> Comparison.Outcome {
    let input = try input ?? archive.input()
    let shapes = try candidate.graph.shapes(for: input.shape)
    try archive.check(candidate.graph, shapes: shapes, input: input.shape)
    let table = try LayerTable(self)
    try table.begin(input: input)
    try ArchivePass(self, archive: archive, shapes: shapes, table: table).run(input)
    let coverage = Coverage(
      folded: folded, missing: archive.assignment.missing, unknown: archive.assignment.unknown)
    return try table.result(coverage: coverage, isFromArchive: true)
  }
}

/// One input through the candidate, with the reference read from an archive.
private final class ArchivePass {
  private let comparison: Comparison
  private let archive: ActivationArchive
  private let shapes: [Shape]
  private let table: LayerTable
  private let lastUses: [Int]
  private var reference: [Int: Activation] = [:]

  init(
    _ comparison: Comparison, archive: ActivationArchive, shapes: [Shape], table: LayerTable
  ) {
    self.comparison = comparison
    self.archive = archive
    self.shapes = shapes
    self.table = table
    lastUses = comparison.candidate.graph.lastUses
  }

  func run(_ input: Activation) throws {
    let graph = comparison.candidate.graph
    reference = [0: input]
    _ = try comparison.candidate.run(input) { node, value in
      if node > 0 { try self.compare(node, value) }
      self.comparison.progress?(node + 1, graph.nodes.count)
    }
  }

  private func compare(_ node: Int, _ value: Activation) throws {
    let graph = comparison.candidate.graph
    let isOutput = node == graph.outputIndex
    let isCompared = table.selects(node) && archive.holds(graph.nodes[node].name)
    guard isCompared || isOutput || comparison.mode.isIsolated else { return }
    let expected = try archive.value(of: graph.nodes[node].name, shape: shapes[node])
    if let expected {
      if isOutput { table.addOutput(candidate: value, reference: expected) }
      if isCompared, comparison.mode.isPropagated {
        measure(node, value, expected, isolated: false)
      }
    }
    if comparison.mode.isIsolated {
      try measureAlone(node, expected, isCompared: isCompared)
    }
  }

  private func measure(
    _ node: Int, _ value: Activation, _ expected: Activation, isolated: Bool
  ) {
    let name = comparison.candidate.graph.nodes[node].name
    table.measure(node, value, expected, isolated: isolated) { isolated in
      self.archive.allowance(for: name, isolated: isolated)
    }
  }

  private func measureAlone(_ node: Int, _ expected: Activation?, isCompared: Bool) throws {
    let candidate = comparison.candidate
    if isCompared || expected == nil {
      let inputs = candidate.graph.nodes[node].inputs.compactMap { reference[$0] }
      let value = try candidate.evaluate(node, inputs: inputs)
      if let expected, isCompared {
        measure(node, value, expected, isolated: true)
      }
      reference[node] = expected ?? value
    } else {
      reference[node] = expected
    }
    for input in candidate.graph.nodes[node].inputs where lastUses[input] <= node {
      reference[input] = nil
    }
  }
}

import Families
package import Inference
import ResNetV2
import Tensors

extension Comparison {
  /// Compares with what a framework computed, on the input that it was computed from.
  ///
  /// - Returns: the statistics of the layers that the archive has.
  /// - Throws: `InputError` where an array is missing its input, misshapen or unreadable.
  package func run(against archive: ActivationArchive) throws -> Comparison.Outcome {
    try run(against: archive, input: try archive.input())
  }

  /// Compares with a truth, layer by layer.
  ///
  /// Values are asked for one at a time, in the order of the graph. An isolated layer is given the
  /// truth's values; where the truth lacks one, the candidate computes it from those before it.
  ///
  /// - Parameters:
  ///   - truth: made for the candidate's graph and names.
  ///   - input: the input [N, H, W, C].
  /// - Returns: the statistics of the layers that the truth has.
  /// - Throws: what the truth throws.
  package func run(
    against truth: some LayerTruth, input: Activation
  ) throws -> Comparison.Outcome {
    var rest: Activation? = input
    return try run(against: truth) {
      defer { rest = nil }
      return rest
    }
  }

  /// Compares with a truth on a stream of inputs, each a batch [N, H, W, C].
  ///
  /// - Parameters:
  ///   - count: how many inputs there will be, for the progress.
  ///   - nextInput: gives the next input, `nil` at the end.
  package func run(
    against truth: some LayerTruth, images count: Int = 1, nextInput: () throws -> Activation?
  ) throws -> Comparison.Outcome {
    let table = try LayerTable(self, parameter: nil)
    var done = 0
    while let input = try nextInput() {
      let shapes = try candidate.graph.shapes(for: input.shape)
      try truth.check(candidate.graph, shapes: shapes, input: input.shape)
      try table.begin(input: input)
      var step = self
      step.progress = progress(of: done, of: max(count, done + 1))
      try ArchivePass(
        step, truth: truth, values: try truth.values(for: input), shapes: shapes, table: table
      ).run(input)
      table.end()
      done += 1
    }
    let coverage = Coverage(
      folded: folded, missing: truth.assignment.missing, unknown: truth.assignment.unknown)
    return try table.result(coverage: coverage, isFromArchive: true)
  }
}

/// One input through the candidate, with the reference taken from a truth.
private final class ArchivePass {
  private let comparison: Comparison
  private let truth: any LayerTruth
  private let values: any LayerValues
  private let shapes: [Shape]
  private let table: LayerTable
  private let lastUses: [Int]
  private var reference: [Int: Activation] = [:]

  init(
    _ comparison: Comparison, truth: any LayerTruth, values: any LayerValues, shapes: [Shape],
    table: LayerTable
  ) {
    self.comparison = comparison
    self.truth = truth
    self.values = values
    self.shapes = shapes
    self.table = table
    lastUses = comparison.candidate.graph.lastUses
  }

  func run(_ input: Activation) throws {
    let graph = comparison.candidate.graph
    reference = [0: input]
    _ = try comparison.candidate.run(input) { node, value in
      try self.comparison.checkpoint?()
      if node > 0 { try self.compare(node, value) }
      self.comparison.progress?(node + 1, graph.nodes.count)
    }
  }

  private func compare(_ node: Int, _ value: Activation) throws {
    let graph = comparison.candidate.graph
    let isOutput = node == graph.outputIndex
    let isCompared = table.selects(node) && truth.holds(graph.nodes[node].name)
    guard isCompared || isOutput || comparison.mode.isIsolated else {
      return table.note(node, value, nil)
    }
    let expected = try values.value(of: graph.nodes[node].name, shape: shapes[node])
    table.note(node, value, expected)
    if let expected {
      if isOutput { table.addOutput(candidate: value, reference: expected) }
      if isCompared, comparison.mode.isPropagated {
        try measure(node, value, expected, isolated: false)
      }
    }
    if comparison.mode.isIsolated {
      try measureAlone(node, expected, isCompared: isCompared)
    }
  }

  private func measure(
    _ node: Int, _ value: Activation, _ expected: Activation, isolated: Bool
  ) throws {
    let name = comparison.candidate.graph.nodes[node].name
    try table.measure(node, value, expected, isolated: isolated) { isolated in
      self.truth.allowance(for: name, isolated: isolated)
    }
  }

  private func measureAlone(_ node: Int, _ expected: Activation?, isCompared: Bool) throws {
    let candidate = comparison.candidate
    let inputs = candidate.graph.nodes[node].inputs.compactMap { reference[$0] }
    // Where a value before has another shape, the layer cannot be computed from it.
    let fits = inputs.map(\.shape) == candidate.graph.nodes[node].inputs.map { shapes[$0] }
    if fits, isCompared || expected == nil {
      let value = try candidate.evaluate(node, inputs: inputs)
      if let expected, isCompared {
        try measure(node, value, expected, isolated: true)
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

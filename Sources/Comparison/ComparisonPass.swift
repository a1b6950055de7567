import Inference
import ResNetV2
import Tensors

/// One input through the candidate, each of its values beside the truth's.
///
/// The candidate runs as it runs in earnest and hands out its values; for each, the truth is asked for its own. A
/// layer alone is given the truth's values; where the truth lacks one, the candidate computes it from those before.
struct ComparisonPass {
  private let comparison: Comparison
  private let truth: any LayerTruth
  private let values: TrueValues
  private let own: OwnValues?
  private let table: LayerTable

  init(
    _ comparison: Comparison, _ truth: any LayerTruth, input: Activation, table: LayerTable
  ) throws {
    self.comparison = comparison
    self.truth = truth
    self.table = table
    values = try TrueValues(truth, candidate: comparison.candidate, input: input)
    own =
      truth.computesLayersAlone && comparison.mode.isIsolated
      ? OwnValues(comparison.candidate.graph, input: input) : nil
  }

  /// Runs a candidate once for all that it is compared with.
  static func run(_ passes: [ComparisonPass], of candidate: any Executor, _ input: Activation)
    throws
  {
    let count = candidate.graph.nodes.count
    _ = try candidate.run(input) { node, value in
      for pass in passes {
        try pass.comparison.checkpoint?()
        if node > 0 { try pass.compare(node, value) }
        pass.comparison.progress?(node + 1, count)
      }
    }
  }

  private func compare(_ node: Int, _ value: Activation) throws {
    let graph = comparison.candidate.graph
    let name = graph.nodes[node].name
    let expected = try values.expected(name)
    defer { own?.keep(value, of: node) }
    let pair = expected.map { comparison.trial.pair(network: value, values: $0) }
    if let pair, pair.candidate.shape == pair.reference.shape {
      table.note(node, pair.candidate, pair.reference)
    } else {
      table.note(node, value, nil)
    }
    guard let pair else {
      // What is lacking is computed while what it reads is there.
      if comparison.mode.isIsolated { _ = try values.input(name) }
      if let problem = truth.problem(of: name), table.selects(node) {
        table.fail(node, value, problem)
      }
      return
    }
    if node == graph.outputIndex {
      table.addOutput(candidate: pair.candidate, reference: pair.reference)
    }
    guard table.selects(node) else { return }
    func measure(_ pair: JudgedPair, isolated: Bool) throws {
      try table.measure(node, pair.candidate, pair.reference, isolated: isolated) {
        truth.allowance(for: name, isolated: $0)
      }
    }
    if comparison.mode.isPropagated { try measure(pair, isolated: false) }
    guard comparison.mode.isIsolated else { return }
    if let own = own?.inputs(of: node),
      let alone = truth.evaluate(graph.nodes[node], inputs: own, graph: graph, shape: value.shape)
    {
      try measure(comparison.trial.pair(network: value, values: alone), isolated: true)
    } else if let expected, let inputs = try values.inputs(of: node) {
      let alone = try comparison.candidate.evaluate(node, inputs: inputs)
      try measure(comparison.trial.pair(network: alone, values: expected), isolated: true)
    }
  }
}

/// What the network itself gave for the nodes that are still to be read.
private final class OwnValues {
  private let graph: Graph
  private let lastUses: [Int]
  private var known: [Int: Activation]

  init(_ graph: Graph, input: Activation) {
    self.graph = graph
    lastUses = graph.lastUses
    known = [0: input]
  }

  func keep(_ value: Activation, of node: Int) {
    for index in known.keys where lastUses[index] <= node { known[index] = nil }
    known[node] = value
  }

  func inputs(of node: Int) -> [Activation]? {
    let inputs = graph.nodes[node].inputs.compactMap { known[$0] }
    return inputs.count == graph.nodes[node].inputs.count ? inputs : nil
  }
}

/// A value that is judged, and the one that it should be.
typealias JudgedPair = (candidate: Activation, reference: Activation)

extension Comparison.Side {
  /// The network's value and the other side's, by which of them is judged.
  func pair(network: Activation, values: Activation) -> JudgedPair {
    self == .network ? (network, values) : (values, network)
  }
}

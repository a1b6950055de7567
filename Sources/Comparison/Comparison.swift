package import Families
package import Inference
package import Plain
package import ResNetV2
package import Tensors

/// A comparison of a candidate network with a reference, layer by layer.
///
/// The reference is any ``LayerTruth``: another executor, an archive of what a framework computed, a file's own graph. With
/// ``trial`` the sides change: then these values are judged, and the network is right. At any time only the values that later
/// layers still read are in memory, never those of a whole network.
package struct Comparison: Sendable {
  /// How each layer of the candidate comes by its inputs.
  package enum Mode: String, Hashable, Sendable, CaseIterable {
    /// Both networks run from the same input; errors carry on.
    case propagated
    /// Each layer of the candidate gets the reference's values; errors stay where they are made.
    case isolated
    /// Both, with one pass of the reference.
    case both

    var isPropagated: Bool { self != .isolated }
    var isIsolated: Bool { self != .propagated }
  }

  /// Which side of a comparison is on trial; the other one is right.
  package enum Side: String, Hashable, Sendable, CaseIterable {
    /// The network is, and the truth is a framework's values or another network.
    case network
    /// The values are, which an engine of the user's own computed, and the network is right.
    case values
  }

  /// The network: the one under test, or that by which values are judged.
  package let candidate: any Executor

  /// Which side is on trial.
  package var trial = Side.network

  /// What the candidate's family calls the layers.
  package let layerNames: LayerNames

  /// What each layer may differ by.
  package var limits: Limits

  /// How each layer of the candidate comes by its inputs.
  package var mode: Mode

  /// The layers to compare, by canonical or family name; `nil` for all.
  package var layers: Glob?

  /// The nodes to compare, beside ``layers``; `nil` for all.
  package var nodes: Set<Int>?

  /// Whether it is also found out how the differences of a layer are spread, for a page that shows
  /// it.
  package var collectsDetail = false

  /// Whether differences are also measured in units in the last place of float32.
  package var measuresULP = false

  /// Whether two NaN, or the same infinity on both sides, are accepted; else they prove nothing, and
  /// their layer fails.
  package var acceptsNotFinite = false

  /// Gives the candidate's tensor of a parameter, for references that have none; without it, a
  /// channel whose terms cancel is judged in units of its layer.
  package var parameter: (@Sendable (Parameter) throws -> TensorData?)?

  /// Is called after each layer; what it throws ends the comparison.
  package var checkpoint: (@Sendable () throws -> Void)?

  /// Is told after each layer how many layers of how many are done, over all inputs.
  package var progress: (@Sendable (_ done: Int, _ total: Int) -> Void)?

  /// Describes a comparison.
  package init(
    candidate: any Executor, layerNames: LayerNames, limits: Limits = Limits(),
    mode: Mode = .propagated, layers: Glob? = nil,
    progress: (@Sendable (_ done: Int, _ total: Int) -> Void)? = nil
  ) {
    self.candidate = candidate
    self.layerNames = layerNames
    self.limits = limits
    self.mode = mode
    self.layers = layers
    self.progress = progress
  }
}

/// Why there is nothing to compare.
package enum ComparisonError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No input was given.
  case noInput
  /// The reference has none of the layers that were asked for.
  case nothingCompared
  /// No layer has a name that matches the pattern.
  case noLayerMatches(pattern: String)
  /// Two inputs are batches of images of different sizes.
  case inputsDiffer(Shape, Shape)

  /// What is wrong, in one line.
  package var description: String {
    switch self {
    case .noInput: "there is no input to compare on"
    case .nothingCompared: "has none of the layers that were asked for"
    case .noLayerMatches(let pattern): "no layer is called '\(pattern)'"
    case .inputsDiffer(let first, let other):
      "the inputs have images of different sizes, \(first) and \(other)"
    }
  }
}

extension Comparison {
  /// Compares with a truth on a stream of inputs, each a batch [N, H, W, C].
  ///
  /// - Parameters:
  ///   - truth: made for the candidate's graph and names.
  ///   - count: how many inputs there will be, for the progress.
  ///   - nextInput: gives the next input, `nil` at the end.
  /// - Returns: the statistics of all inputs together, of the layers that the truth has.
  /// - Throws: ``ComparisonError``, what an executor or the truth throws, or what `nextInput` throws.
  package func run(
    against truth: some LayerTruth, images count: Int = 1, nextInput: () throws -> Activation?
  ) throws -> Comparison.Outcome {
    let (outcome, _) = try run(against: truth, and: nil, images: count, nextInput: nextInput)
    return outcome
  }

  /// Compares with a truth, and in the same runs of the candidate with another one.
  ///
  /// - Parameter other: a comparison of the same candidate, with its truth; `nil` for none.
  package func run(
    against truth: some LayerTruth, and other: (comparison: Comparison, truth: any LayerTruth)?,
    images count: Int, nextInput: () throws -> Activation?
  ) throws -> (Comparison.Outcome, Comparison.Outcome?) {
    let table = try table(for: truth)
    let otherTable = try other.map { try $0.comparison.table(for: $0.truth) }
    var done = 0
    while let input = try nextInput() {
      var step = self
      step.progress = progress(of: done, of: max(count, done + 1))
      try table.begin(input: input)
      var passes = [try ComparisonPass(step, truth, input: input, table: table)]
      if let other, let otherTable {
        try otherTable.begin(input: input)
        passes.append(
          try ComparisonPass(other.comparison, other.truth, input: input, table: otherTable))
      }
      try ComparisonPass.run(passes, of: candidate, input)
      table.end()
      otherTable?.end()
      done += 1
    }
    return (try table.result(of: truth), try other.flatMap { try otherTable?.result(of: $0.truth) })
  }

  private func table(for truth: any LayerTruth) throws -> LayerTable {
    try LayerTable(self) { [parameter] in try truth.tensor(of: $0) ?? parameter?($0) }
  }

  /// Compares with a truth on one input; that which it was recorded for where none is given.
  package func run(
    against truth: some LayerTruth, input: Activation? = nil
  ) throws -> Comparison.Outcome {
    var rest = try input ?? truth.recordedInput()
    return try run(against: truth) {
      defer { rest = nil }
      return rest
    }
  }

  /// Compares with another executor on some inputs.
  package func run(
    against reference: any Executor, inputs: [Activation]
  ) throws -> Comparison.Outcome {
    var rest = inputs[...]
    return try run(against: truth(of: reference), images: inputs.count) { rest.popFirst() }
  }

  /// What another executor computes, as the truth for the candidate.
  package func truth(of executor: any Executor) -> ExecutorTruth {
    ExecutorTruth(executor, for: candidate.graph, layerNames: layerNames)
  }

  /// The progress of one input as that of all.
  private func progress(of input: Int, of inputs: Int) -> (@Sendable (Int, Int) -> Void)? {
    guard let progress else { return nil }
    let nodes = candidate.graph.nodes.count
    return { node, _ in progress(input * nodes + node, inputs * nodes) }
  }
}

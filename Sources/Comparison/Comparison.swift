package import Families
package import Inference
package import ResNetV2
package import Tensors

/// A comparison of a candidate network with a reference, layer by layer.
///
/// The reference is another executor, or an archive of what a framework computed. At any time only
/// the values that later layers still read are in memory, never those of a whole network.
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

  /// The network under test.
  package let candidate: any Executor

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
  /// Compares with another executor on some inputs.
  package func run(
    against reference: any Executor, inputs: [Activation]
  ) throws -> Comparison.Outcome {
    var rest = inputs[...]
    return try run(against: reference, images: inputs.count) { rest.popFirst() }
  }

  /// Compares with another executor on a stream of inputs, each a batch [N, H, W, C].
  ///
  /// Layers are paired by canonical name, so the two networks may differ in their options; what
  /// only one of them has is listed.
  ///
  /// - Parameters:
  ///   - reference: the network that is taken to be right.
  ///   - count: how many inputs there will be, for the progress.
  ///   - nextInput: gives the next input, `nil` at the end.
  /// - Returns: the statistics of all inputs together.
  /// - Throws: ``ComparisonError``, what an executor throws, or what `nextInput` throws.
  package func run(
    against reference: any Executor, images count: Int = 1, nextInput: () throws -> Activation?
  ) throws -> Comparison.Outcome {
    let holder = reference as? any ParameterHolder
    let table = try LayerTable(self, parameter: holder.map { holder in { holder.tensor(of: $0) } })
    var done = 0
    while let input = try nextInput() {
      try table.begin(input: input)
      var step = self
      step.progress = progress(of: done, of: max(count, done + 1))
      try LockstepPass(step, reference: reference, table: table).run(input)
      table.end()
      done += 1
    }
    return try table.result(coverage: coverage(of: reference), isFromArchive: false)
  }

  /// The progress of one input as that of all.
  func progress(of input: Int, of inputs: Int) -> (@Sendable (Int, Int) -> Void)? {
    guard let progress else { return nil }
    let nodes = candidate.graph.nodes.count
    return { node, _ in progress(input * nodes + node, inputs * nodes) }
  }

  private func coverage(of reference: any Executor) -> Coverage {
    let own = candidate.graph.nodes.map(\.name)
    let others = reference.graph.nodes.map(\.name)
    func display(_ name: String) -> String { layerNames.name(of: name) ?? name }
    return Coverage(
      folded: folded,
      missing: own.filter { !Set(others).contains($0) }.map(display),
      unknown: others.filter { !Set(own).contains($0) }.map(display))
  }

  /// The family's layers that are compared as part of another.
  var folded: [Coverage.Folded] {
    layerNames.folded.map {
      Coverage.Folded(name: $0.name, into: layerNames.name(of: $0.node) ?? $0.node)
    }
  }
}

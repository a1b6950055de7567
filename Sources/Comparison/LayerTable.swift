package import Families
import Inference
import Plain
import ResNetV2
package import Tensors

/// Collects the statistics of every compared layer over all inputs.
final class LayerTable {
  private let comparison: Comparison
  private let selected: [Bool]
  private var layers: [Int: LayerComparison] = [:]
  private var inputShape: Shape?
  private var images = 0
  private var agreement = OutputAgreement()
  private var inputs = 0
  private var firstFailingInput: Int?
  private var output = ConstantOutput()
  private let judge: ChannelJudge

  /// - Parameter parameter: a tensor of the truth, or of the candidate where it has none.
  /// - Throws: ``ComparisonError`` where the pattern selects no layer.
  init(
    _ comparison: Comparison, parameter: @escaping (Parameter) throws -> TensorData?
  ) throws {
    self.comparison = comparison
    judge = ChannelJudge(comparison.candidate, parameter: parameter)
    let names = comparison.layerNames
    selected = comparison.candidate.graph.nodes.enumerated().map { index, node in
      guard index > 0, comparison.nodes?.contains(index) ?? true else { return false }
      return comparison.layers?.matches(name: node.name, familyName: names.name(of: node.name))
        ?? true
    }
    if let pattern = comparison.layers, !selected.contains(true) {
      throw ComparisonError.noLayerMatches(pattern: pattern.text)
    }
  }

  /// Whether a node is to be compared.
  func selects(_ node: Int) -> Bool { selected[node] }

  /// Takes note of the next input.
  func begin(input: Activation) throws {
    images += input.shape.rank > 0 ? input.shape[0] : 0
    judge.begin(with: input)
    guard let first = inputShape else {
      inputShape = input.shape
      return
    }
    guard first.dimensions.dropFirst() == input.shape.dimensions.dropFirst() else {
      throw ComparisonError.inputsDiffer(first, input.shape)
    }
  }

  /// Takes note that the input went through.
  func end() {
    if firstFailingInput == nil, layers.values.contains(where: { !$0.passes }) {
      firstFailingInput = inputs
    }
    inputs += 1
  }

  /// Takes note of the values of a node, compared or not: its readers are judged by them.
  func note(_ node: Int, _ candidate: Activation, _ reference: Activation?) {
    let name = comparison.candidate.graph.nodes[node].name
    judge.note(
      node, candidate, reference,
      limit: comparison.limits.limit(
        name: name, familyName: comparison.layerNames.name(of: name), isolated: false))
    if node == comparison.candidate.graph.outputIndex, let reference { output.add(reference) }
  }

  /// Takes note of a node that should have a value and has none.
  ///
  /// - Parameter value: the value that it should have.
  func fail(_ node: Int, _ value: Activation, _ problem: String) {
    layers[node] = layer(node, shape: value.shape) { _ in 0 }
    add(DifferenceStatistics(incomparable: value.shape.elementCount), to: node, false)
    layers[node]?.problem = problem
  }

  /// Measures one value of a node against the reference's, once both were taken note of.
  ///
  /// - Parameter allowance: what the limit of a mode is raised by.
  func measure(
    _ node: Int, _ candidate: Activation, _ reference: Activation, isolated: Bool,
    allowance: (_ isolated: Bool) -> Double = { _ in 0 }
  ) throws {
    var layer = layer(node, shape: candidate.shape, allowance: allowance)
    if !isolated {
      // The differences of its input were judged where they were made.
      layer.propagatedBound.growth = max(judge.growth(at: node), layer.propagatedBound.growth)
      layers[node] = layer
    }
    let limit = isolated ? layer.isolatedLimit : layer.propagatedLimit
    guard candidate.shape == reference.shape else {
      let problem = "the shape is \(candidate.shape), the reference's is \(reference.shape)"
      add(DifferenceStatistics(incomparable: candidate.shape.elementCount), to: node, isolated)
      layers[node]?.problem = problem
      return
    }
    let channels = comparison.collectsDetail ? reference.shape.dimensions.last : nil
    let statistics = candidate.values.withUnsafeBufferPointer { candidate in
      reference.values.withUnsafeBufferPointer { reference in
        DifferenceStatistics(
          candidate: candidate, reference: reference, limit: limit, channels: channels,
          acceptsNotFinite: comparison.acceptsNotFinite, measuresULP: comparison.measuresULP)
      }
    }
    add(statistics, to: node, isolated)
    // What an archive rounded is off by more where values are small.
    guard comparison.limits.judgesChannels, allowance(isolated) == 0 else { return }
    if !isolated {
      let error = max(layer.unexcusedError, judge.unexcused(node))
      layers[node]?.unexcusedError = error
    }
    layers[node]?.add(
      try judge.error(
        of: node, alone: isolated ? (candidate, reference) : nil, limit: limit), isolated: isolated)
  }

  /// Compares the classes that the two outputs name, where the networks have a head.
  func addOutput(candidate: Activation, reference: Activation) {
    guard comparison.candidate.graph.configuration.head.classes > 0,
      candidate.shape == reference.shape
    else { return }
    agreement.add(candidate: candidate, reference: reference)
  }

  /// The result, once all inputs went through a truth.
  ///
  /// - Throws: ``ComparisonError`` where there was no input, or no layer on both sides: then nothing is proven.
  func result(of truth: any LayerTruth) throws -> Comparison.Outcome {
    guard let inputShape else { throw ComparisonError.noInput }
    guard !layers.isEmpty else { throw ComparisonError.nothingCompared }
    let graph = comparison.candidate.graph
    let names = comparison.layerNames
    return Comparison.Outcome(
      graph: graph, layerNames: names, trial: comparison.trial,
      layers: layers.values.sorted { $0.node < $1.node },
      lacking: Set(graph.nodes.indices.filter { $0 > 0 && !truth.holds(graph.nodes[$0].name) }),
      coverage: Coverage(
        folded: names.folded.map { .init(name: $0.name, into: names.name(of: $0.node) ?? $0.node) },
        missing: truth.assignment.missing, unknown: truth.assignment.unknown,
        trial: comparison.trial),
      agreement: agreement.images > 0 ? agreement : nil, images: images, inputShape: inputShape,
      firstFailingInput: firstFailingInput, pattern: comparison.layers,
      sleeping: judge.sleeping, hasConstantOutput: output.isConstant, limits: comparison.limits)
  }

  private func layer(
    _ node: Int, shape: Shape, allowance: (_ isolated: Bool) -> Double
  ) -> LayerComparison {
    if let layer = layers[node] { return layer }
    let names = comparison.layerNames
    let name = comparison.candidate.graph.nodes[node].name
    let familyName = names.name(of: name)
    func bound(isolated: Bool) -> LayerBound {
      LayerBound(
        comparison.limits.limit(name: name, familyName: familyName, isolated: isolated),
        allowance: allowance(isolated))
    }
    let layer = LayerComparison(
      node: node, name: name, familyName: familyName,
      operation: comparison.candidate.graph.nodes[node].operation.title,
      shape: names.layout.shape(of: shape), layout: names.layout,
      propagatedBound: bound(isolated: false), isolatedBound: bound(isolated: true))
    layers[node] = layer
    return layer
  }

  private func add(_ statistics: DifferenceStatistics, to node: Int, _ isolated: Bool) {
    layers[node]?.add(statistics, isolated: isolated)
  }
}

/// Whether an output tells inputs and pixels apart.
private struct ConstantOutput {
  private var first: Float?
  private var isSame = true

  /// Whether every value of every output is the same.
  var isConstant: Bool { first != nil && isSame }

  mutating func add(_ output: Activation) {
    guard let first = first ?? output.values.first else { return }
    self.first = first
    isSame = isSame && output.values.allSatisfy { $0 == first }
  }
}

extension LayerNames.Layout {
  /// The shape of a value as the family lays it out, from [N, H, W, C] or [N, C].
  package func shape(of value: Shape) -> Shape {
    guard self == .nchw, value.rank == 4 else { return value }
    return [value[0], value[3], value[1], value[2]]
  }
}

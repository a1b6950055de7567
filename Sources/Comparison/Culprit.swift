import Plain
import ResNetV2
import Tensors

/// The first layer that is wrong by itself: its inputs agree and its output does not.
package struct Culprit: Hashable, Sendable {
  /// The index of the node in the candidate's graph.
  package let node: Int

  /// The canonical name.
  package let name: String

  /// What the family calls the layer.
  package let familyName: String?

  /// How it was found.
  package let evidence: Evidence

  /// The layer's own scaled error: isolated where that was measured.
  package let scaledError: Double

  /// How the layer compares.
  package let layer: LayerComparison

  /// The compared layers that it reads; layers that were not compared are looked through.
  package let inputs: [Input]

  /// The layers between ``inputs`` and this one that were not compared: one of them may be the
  /// cause.
  package let unseen: [String]

  /// The canonical names of the parameters of the layer.
  package let parameters: [String]

  /// What is wrong with it, where a hypothesis was found that explains it.
  package let suspicion: Suspicion?

  /// The name that people know the layer by.
  package var displayName: String { (familyName ?? name).shortened(to: String.longestName) }

  /// How a culprit was found.
  package enum Evidence: String, Hashable, Sendable {
    /// Given the reference's inputs, the layer alone is out of its limit.
    case isolated
    /// The layer is the first one out of its limit, and all that it reads is within.
    case propagated
    /// A later layer is out of its limit; this one, given the reference's inputs, adds most to it.
    case largestContribution
    /// Every layer is within its limit; the layer's weights or options are not the reference's.
    case definition
  }

  /// A layer that the culprit reads.
  package struct Input: Hashable, Sendable {
    /// The name that people know.
    package let displayName: String
    /// The layer's scaled error.
    package let scaledError: Double
  }
}

extension Comparison.Outcome {
  /// The first layer that is wrong by itself; `nil` where every layer is within its limit and defined alike.
  ///
  /// In the order of the graph every layer comes after what it reads, so the first one out of its
  /// limit reads only layers within theirs. But a mistake can start below the limit and be
  /// amplified by what follows. Where layers were also measured alone, the one that adds most to
  /// the first failure is taken.
  package var culprit: Culprit? {
    if let first = layers.first(where: { !$0.passesAlone }), isKnownAlone({ $0 < first.node }) {
      return culprit(first, .isolated)
    }
    guard let first = layers.first(where: { !$0.passes }) else {
      return firstDefinedOtherwise.map { culprit($0, .definition) }
    }
    let contributors = ancestors(of: first.node)
    guard isKnownAlone(contributors.contains) else {
      return culprit(first, first.passesAlone ? .propagated : .isolated)
    }
    let largest = layers.filter { contributors.contains($0.node) && $0.isolated != nil }
      .max { ($0.isolatedTimesLimit, $1.node) < ($1.isolatedTimesLimit, $0.node) }
    if let largest, largest.isolatedError > Limits.float32Noise {
      return culprit(largest, .largestContribution)
    }
    return culprit(first, .propagated)
  }

  /// Whether layers that may be the cause were measured alone, as far as they have to be.
  ///
  /// A comparison measures those before its own first failure. Under other limits that may be another one.
  private func isKnownAlone(_ matters: (_ node: Int) -> Bool) -> Bool {
    guard measuredLimits != nil else { return true }
    return layers.allSatisfy { $0.isolated != nil || !matters($0.node) }
  }

  /// The first layer of which weights or options differ.
  private var firstDefinedOtherwise: LayerComparison? {
    let tensors = Set(weights?.different.map(\.name) ?? [])
    let functions = Set(functions?.different.map(\.name) ?? [])
    return layers.first {
      functions.contains($0.name)
        || graph.nodes[$0.node].parameters.contains { tensors.contains($0.name) }
    }
  }

  private func culprit(_ layer: LayerComparison, _ evidence: Culprit.Evidence) -> Culprit {
    let (inputs, between) = comparedInputs(of: layer.node)
    // A layer that was given the truth's values is wrong by itself, whatever was not compared.
    let unseen = evidence == .propagated ? between : between.filter(lacking.contains)
    return Culprit(
      node: layer.node, name: layer.name, familyName: layer.familyName, evidence: evidence,
      scaledError: layer.isolated?.scaledError ?? layer.scaledError,
      layer: layer,
      inputs: inputs.map {
        Culprit.Input(displayName: $0.displayName, scaledError: $0.scaledError)
      },
      unseen: unseen.map(displayName),
      parameters: graph.nodes[layer.node].parameters.map(\.name),
      suspicion: suspicion(of: layer))
  }

  /// The nodes before one of which the truth has no value, up to the nearest ones that were compared.
  package func unseenNodes(before node: Int) -> [Int] {
    comparedInputs(of: node).unseen.filter(lacking.contains)
  }

  /// The nearest compared layers before a node, and the nodes between that were not compared.
  private func comparedInputs(of node: Int) -> (compared: [LayerComparison], unseen: [Int]) {
    comparedInputs(
      of: node, among: Dictionary(uniqueKeysWithValues: layers.map { ($0.node, $0) }))
  }

  /// The same, where the compared layers are at hand by their nodes.
  func comparedInputs(
    of node: Int, among byNode: [Int: LayerComparison]
  ) -> (compared: [LayerComparison], unseen: [Int]) {
    var compared: Set<Int> = []
    var unseen: Set<Int> = []
    var open = graph.nodes[node].inputs
    while let next = open.popLast() {
      if byNode[next] != nil {
        compared.insert(next)
      } else if next != 0, unseen.insert(next).inserted {
        open += graph.nodes[next].inputs
      }
    }
    return (compared.sorted().compactMap { byNode[$0] }, unseen.sorted())
  }

  /// A node and everything that it depends on.
  package func ancestors(of node: Int) -> Set<Int> {
    var result: Set<Int> = [node]
    for index in stride(from: node, through: 0, by: -1) where result.contains(index) {
      result.formUnion(graph.nodes[index].inputs)
    }
    return result
  }
}

extension LayerComparison {
  /// The isolated error of the layer, or of its worst channel, whichever is larger.
  fileprivate var isolatedError: Double {
    max(isolated?.scaledError ?? 0, isolatedChannel?.error ?? 0)
  }

  fileprivate var isolatedTimesLimit: Double { isolatedError / isolatedLimit }
}

package import Families
package import Plain
package import ResNetV2
package import Tensors

extension Comparison {
  /// What a comparison found, layer by layer.
  package struct Outcome: Sendable {
    /// The candidate's network.
    package let graph: Graph

    /// What the family calls the layers.
    package let layerNames: LayerNames

    /// Which side is on trial.
    package internal(set) var trial = Side.network

    /// The layers that were compared, in the order of the graph.
    package internal(set) var layers: [LayerComparison]

    /// The nodes of which the truth has no value; the candidate computes what others are to read of them.
    package let lacking: Set<Int>

    /// What could not be compared, and why.
    package internal(set) var coverage: Coverage

    /// Whether the outputs name the same classes; `nil` where the network has no head or the
    /// reference no output.
    package internal(set) var agreement: OutputAgreement?

    /// The number of images that went in.
    package internal(set) var images: Int

    /// The shape of the first input, [N, H, W, C].
    package internal(set) var inputShape: Shape

    /// The number of the first input after which a layer was out of its limit, from 0; `nil` where
    /// all are within.
    package internal(set) var firstFailingInput: Int?

    /// What the reference's file does not tell of its network, and what was taken for it.
    package var assumptions: [Assumption] = []

    /// What was found out of an engine's values that their reader should know.
    package var remarks: [String] = []

    /// The policy by which the source's framework computes in half precision, which nothing here does.
    package var halfPrecision: String?

    /// The options in which the two networks differ, each in words; empty where only one side is a network.
    package var differingOptions: [String] = []

    /// The pattern of the layers that were asked for; `nil` for all.
    package internal(set) var pattern: Glob?

    /// The channels that no input has woken.
    package internal(set) var sleeping = SleepingChannels()

    /// Whether the reference's output is one and the same value, whatever went in.
    package internal(set) var hasConstantOutput = false

    /// What each layer may differ by.
    package internal(set) var limits = Limits()

    /// The limits under which the layers were measured, where others count now.
    package internal(set) var measuredLimits: Limits?

    /// Whether weights and functions were compared by the layers' limits, rather than by those that tell rounding.
    package var definitionsFollowLimits = false

    /// The layer for which ``suspicion`` was found; `nil` for the culprit.
    package internal(set) var suspectedNode: Int?

    /// How the weights of both sides compare; `nil` where only one side has any.
    package var weights: WeightAgreement?

    /// How the layers' options of both sides compare; `nil` where only one side is a network.
    package var functions: FunctionAgreement?

    /// After how many seconds the search for the cause was ended; `nil` where it came to its own end.
    package var searchedSeconds: Double?

    /// What is wrong with the culprit, where a hypothesis was found that explains it.
    package var suspicion: Suspicion?
  }
}

/// Which layers a comparison could not see.
package struct Coverage: Hashable, Sendable {
  /// The family's layers that are part of a layer with another name: compared as that layer.
  package var folded: [Folded] = []

  /// The layers that the reference lacks, by the name that people know.
  package var missing: [String] = []

  /// What the reference has beyond the network's layers.
  package var unknown: [String] = []

  /// Which side lacks the missing ones and has the unknown ones: `reference`, or `candidate` where an engine's values are
  /// judged.
  package var side = "reference"

  /// A layer that is part of another.
  package struct Folded: Hashable, Sendable {
    /// The family's name of the layer.
    package let name: String
    /// The name that people know of the layer that includes it.
    package let into: String

    /// Describes a layer.
    package init(name: String, into: String) {
      (self.name, self.into) = (name, into)
    }
  }

  /// Describes what was not seen.
  package init(
    folded: [Folded] = [], missing: [String] = [], unknown: [String] = [],
    trial: Comparison.Side = .network
  ) {
    (self.folded, self.missing, self.unknown) = (folded, missing, unknown)
    side = trial == .network ? "reference" : "candidate"
  }
}

extension Comparison.Outcome {
  /// A comparison that was made before.
  package init(
    graph: Graph, layerNames: LayerNames, trial: Comparison.Side, layers: [LayerComparison],
    lacking: Set<Int>,
    coverage: Coverage, agreement: OutputAgreement?, images: Int, inputShape: Shape,
    pattern: Glob?, sleeping: SleepingChannels, hasConstantOutput: Bool, limits: Limits,
    measuredLimits: Limits?, suspectedNode: Int?
  ) {
    self.init(
      graph: graph, layerNames: layerNames, trial: trial, layers: layers, lacking: lacking,
      coverage: coverage,
      agreement: agreement, images: images, inputShape: inputShape, firstFailingInput: nil,
      pattern: pattern, sleeping: sleeping, hasConstantOutput: hasConstantOutput, limits: limits,
      measuredLimits: measuredLimits, suspectedNode: suspectedNode)
  }

  /// The layer of a node, where it was compared.
  package func layer(of node: Int) -> LayerComparison? {
    layers.first { $0.node == node }
  }

  /// The name that people know a node by.
  package func displayName(of node: Int) -> String {
    let name = graph.nodes[node].name
    return (layerNames.name(of: name) ?? name).shortened(to: String.longestName)
  }
}

extension Comparison.Outcome {
  /// Takes over what another comparison measured with each layer alone.
  package mutating func takeIsolated(from other: Comparison.Outcome) {
    for layer in other.layers {
      if let index = layers.firstIndex(where: { $0.node == layer.node }) {
        layers[index].isolated = layer.isolated
        layers[index].isolatedChannel = layer.isolatedChannel
        layers[index].problem = layers[index].problem ?? layer.problem
      }
    }
  }
}

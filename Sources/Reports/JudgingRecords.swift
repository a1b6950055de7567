import Comparison
import Families
import Plain
import ResNetV2
import Tensors

// What a report keeps so that it can be judged again without running anything.

/// The network in the JSON report: its graph follows from its options.
struct NetworkRecord: Encodable {
  private let configuration: Configuration
  private let layout: LayerNames.Layout
  private let familyNames: [String: String]

  init(_ graph: Graph, _ names: LayerNames) {
    configuration = graph.configuration
    layout = names.layout
    familyNames = Dictionary(
      uniqueKeysWithValues: graph.nodes.compactMap { node in
        names.name(of: node.name).map { (node.name, $0) }
      })
  }
}

/// What each layer may differ by.
struct LimitsRecord: Encodable {
  private let propagated: Double
  private let isolated: Double
  private let overrides: [Override]
  private let judgesChannels: Bool

  private struct Override: Encodable {
    let layers: String
    let limit: Double
  }

  init(_ limits: Limits) {
    propagated = limits.propagated
    isolated = limits.isolated
    overrides = limits.overrides.map { Override(layers: $0.layers.text, limit: $0.limit) }
    judgesChannels = limits.judgesChannels
  }
}

/// The sums that the means of a mode come from.
struct SumsRecord: Encodable {
  private let differences: Double
  private let squaredDifferences: Double
  private let squaredReferences: Double
  private let products: Double

  init(_ sums: DifferenceStatistics.Sums) {
    differences = sums.differences
    squaredDifferences = sums.squaredDifferences
    squaredReferences = sums.squaredReferences
    products = sums.products
  }
}

/// What was found to be wrong, and with which layer.
struct SuspicionRecord: Encodable {
  private let layer: String
  private let explanation: String
  private let scaledError: Double?

  private enum Key: String, CodingKey {
    case layer
    case explanation
    case scaledError
  }

  /// `nil` where nothing was found, or no layer is wrong by itself.
  init?(_ result: Comparison.Outcome) {
    guard let suspicion = result.suspicion, let node = result.suspectedNode ?? result.culprit?.node
    else { return nil }
    layer = result.graph.nodes[node].name
    explanation = suspicion.explanation
    scaledError = suspicion.scaledError
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(layer, forKey: .layer)
    try values.encode(explanation, forKey: .explanation)
    try values.encode(scaledError, forKey: .scaledError)
  }
}

import ResNetV2
import SourceGraph
import Tensors

extension TensorTemplates {
  /// Keras' tensors: HWIO, [in, out], and its words for the parts of a norm.
  static func keras(
    _ names: [String: String], alternatives: [String: [String]] = [:]
  ) -> TensorTemplates {
    TensorTemplates(
      names: names,
      alternatives: alternatives,
      roles: [
        .weight: "/kernel", .bias: "/bias", .scale: "/gamma", .shift: "/beta",
        .mean: "/moving_mean", .variance: "/moving_variance",
      ],
      convolutionLayout: .hwio,
      denseLayout: .inputOutput)
  }
}

/// What a saved model's own graph tells beyond names and shapes, where names say what the network is: the pooling,
/// what the head ends in, and the ε of its norms.
@Sendable
func refineFromGraph(_ configuration: inout Configuration, _ graph: SourceGraph) -> String? {
  let live = graph.liveNodes.sorted().map { graph.nodes[$0] }
  for node in live {
    switch node.operation {
    case .globalAverage: configuration.head.pooling = .average
    case .globalMaximum: configuration.head.pooling = .max
    default: break
    }
  }
  if configuration.head.classes > 0, let output = graph.outputs.first {
    var layers = configuration.head.layers
    if configuration.head.lastActivation != nil { layers.removeLast() }
    if case .activation(let function) = graph.nodes[graph.skippingIdentities(output)].operation {
      layers.append(.activation(function))
    }
    configuration.head.layers = layers
  }
  let norms: [(name: String, epsilon: Double)] = live.compactMap { node in
    guard case .batchNorm(let norm) = node.operation else { return nil }
    return (name: node.layerName, epsilon: norm.epsilon)
  }
  if let epsilon = norms.first?.epsilon { configuration.norm = .batch(epsilon: epsilon) }
  return differentEpsilons(of: norms)
}

/// What is wrong where norms have different ε; `nil` where they have one.
private func differentEpsilons(of norms: [(name: String, epsilon: Double)]) -> String? {
  let groups = Dictionary(grouping: norms, by: \.epsilon)
  guard groups.count > 1 else { return nil }
  let values = groups.keys.sorted().map { String($0) }.joined(separator: " and ")
  let odd = groups.values.first { $0.count == 1 }?.first?.name
  let place = norms.count > 2 ? odd.map { ", only \($0) has its own" } : nil
  return "its norms have different ε: \(values)\(groups.count == 2 ? place ?? "" : "")"
}

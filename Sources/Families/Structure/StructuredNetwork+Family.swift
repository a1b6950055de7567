import ResNetV2
import SourceGraph
import Tensors

extension StructuredNetwork {
  /// The family whose words are used for a network that was read from its graph: Keras' for a Keras model, for another
  /// one that whose names its tensors have, else that of its exporter.
  ///
  /// What is computed does not depend on it.
  static func family(
    of graph: Graph, _ match: StructureMatch, _ weights: SourceWeights, in source: some WeightSource
  ) -> Family {
    let isPreActivated = graph.configuration.block.order == .preActivation
    let keras = isPreActivated ? Family.keras : .kerasV1
    guard match.view.graph.nodes.contains(where: { !$0.tensors.isEmpty }) else { return keras }
    if let family = source.metadata["rnw.family"].flatMap(Family.named) { return family }
    var stored: [(parameter: Parameter, name: String)] = []
    for parameter in graph.parameters {
      guard let index = graph.index(of: parameter.node), let layer = match.layers[index],
        let tensor = variables[parameter.role].flatMap({ weights.tensors(of: layer)[$0] })
      else { continue }
      stored.append((parameter, tensor.name))
    }
    let listed = source.tensors
    var best: (family: Family, count: Int)?
    for family in Family.all
    where family.options.block.order == graph.configuration.block.order {
      let names = family.resolveNames(listed) ?? [:]
      let count = stored.count { parameter, name in
        family.tensorNames(of: parameter.node, parameter.role).contains(names[name] ?? name)
      }
      if count > best?.count ?? 0 { best = (family, count) }
    }
    if let best { return best.family }
    if source.metadata["onnx.producer"] == "tf2onnx" { return keras }
    return isPreActivated ? .torch : .torchvision
  }
}

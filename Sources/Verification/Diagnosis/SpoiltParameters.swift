import Inference
import ResNetV2
import Tensors

extension Diagnosis {
  /// A parameter with values that are NaN or infinite, in the layer itself or in those before it
  /// that could not be compared: that is seen without a reference.
  func notFiniteParameter(of layer: LayerCase) -> Suspicion? {
    spoiltParameter(of: layer, "NaN or infinite") { _, value in !value.isFinite }
  }

  /// A variance below zero, likewise.
  func negativeVariance(of layer: LayerCase) -> Suspicion? {
    spoiltParameter(of: layer, "negative") { role, value in role == .variance && value < 0 }
  }

  private func spoiltParameter(
    of layer: LayerCase, _ what: String, _ isSpoilt: (Parameter.Role, Float) -> Bool
  ) -> Suspicion? {
    let graph = comparison.candidate.graph
    for index in layer.chain {
      let node = graph.nodes[index]
      for parameter in node.parameters {
        let values = parameters[parameter].floats()
        guard let first = values.firstIndex(where: { isSpoilt(parameter.role, $0) }) else {
          continue
        }
        let count = values.count { isSpoilt(parameter.role, $0) }
        let other = index == layer.node ? "" : "\(displayName(of: node.name)): "
        return Suspicion(
          explanation: "\(other)\(word(parameter.role)) has \(counted(count, "value")) that "
            + "\(count == 1 ? "is" : "are") \(what), \(parameter.shape.place(of: first, among: count))",
          scaledError: nil)
      }
    }
    return nil
  }
}

package import Inference
package import ResNetV2
package import Tensors

extension Parameters {
  /// Random parameters for a graph, far from the identity so that every mistake shows.
  package static func random(for graph: Graph, seed: UInt64) throws -> Parameters {
    var generator = SplitMix64(seed: seed)
    return try Parameters(
      Dictionary(
        uniqueKeysWithValues: graph.parameters.map { ($0.name, $0.random(&generator)) }),
      for: graph)
  }
}

extension Parameter {
  package func random(_ generator: inout SplitMix64) -> TensorData {
    let fanIn = Float(max(shape.elementCount / shape[0], 1))
    let values = (0..<shape.elementCount).map { _ in
      let value = generator.nextProbeValue()
      return switch role {
      case .weight: value * (6 / fanIn).squareRoot()
      case .scale, .variance: 1 + 0.5 * value
      case .bias, .shift, .mean: 0.3 * value
      }
    }
    return TensorData(shape: shape, values: values)
  }
}

extension Activation {
  /// Values in [−1, 1).
  package static func probe(_ shape: Shape, seed: UInt64) -> Activation {
    var generator = SplitMix64(seed: seed)
    return Activation(
      shape: shape, values: (0..<shape.elementCount).map { _ in generator.nextProbeValue() })
  }
}

import Inference
import RNW
import ResNetV2
import Synchronization
import Tensors

/// An executor that remembers the value of one node while others use it, and the fingerprints of all.
///
/// A comparison runs the reference node by node; the certificate needs one of those values and the fingerprints, and not a
/// second run.
final class RecordingExecutor<Base: Executor>: Executor {
  private let base: Base
  private let node: Int
  private let takesFingerprints: Bool
  private let recorded = Mutex<Recorded>(Recorded())

  private struct Recorded {
    var value: Activation?
    var layers: [Int: LayerFingerprint] = [:]
  }

  init(_ base: Base, node: Int, takesFingerprints: Bool = false) {
    self.base = base
    self.node = node
    self.takesFingerprints = takesFingerprints
  }

  var graph: Graph { base.graph }

  /// The first value that the node had.
  var value: Activation? { recorded.withLock { $0.value } }

  /// The fingerprints of the first values that the nodes had, in the order of the graph; none before all have had one.
  var fingerprints: [LayerFingerprint] {
    let layers = recorded.withLock { $0.layers }
    let all = graph.nodes.indices.dropFirst().compactMap { layers[$0] }
    return all.count == graph.nodes.count - 1 ? all : []
  }

  func run(
    _ input: Activation, observer: ((_ node: Int, _ value: Activation) throws -> Void)?
  ) throws -> Activation {
    try base.run(input, observer: observer)
  }

  func evaluate(_ node: Int, inputs: [Activation]) throws -> Activation {
    let value = try base.evaluate(node, inputs: inputs)
    if node == self.node {
      recorded.withLock { $0.value = $0.value ?? value }
    }
    if takesFingerprints, node > 0, recorded.withLock({ $0.layers[node] == nil }),
      let layer = LayerFingerprint(value, named: graph.nodes[node].name)
    {
      recorded.withLock { $0.layers[node] = layer }
    }
    return value
  }
}

extension RecordingExecutor: ParameterHolder where Base: ParameterHolder {
  func tensor(of parameter: Parameter) -> TensorData? { base.tensor(of: parameter) }
}

/// The fingerprint of a layer's value for the first image.
struct LayerFingerprint: Sendable {
  /// The canonical name.
  let name: String
  /// [1, H, W, C], or [1, C].
  let shape: [Int]
  let fingerprint: Fingerprint

  init?(_ value: Activation, named name: String) {
    let dimensions = [1] + value.shape.dimensions.dropFirst()
    let fingerprint = LayerShape(dimensions).flatMap { shape in
      value.values.withUnsafeBufferPointer { values in
        Fingerprint(
          UnsafeBufferPointer(rebasing: values.prefix(shape.count)), shape: shape,
          layout: .channelsLast)
      }
    }
    guard let fingerprint else { return nil }
    (self.name, shape, self.fingerprint) = (name, dimensions, fingerprint)
  }
}

extension ReferenceExecutor {
  /// The certified values of the first image, and the fingerprints of all layers.
  func certified(for input: Activation) throws -> (values: [Float], [LayerFingerprint]) {
    var layers: [LayerFingerprint] = []
    let values = try certifiedValues(for: input) { node, value in
      guard node > 0, let layer = LayerFingerprint(value, named: graph.nodes[node].name) else {
        return
      }
      layers.append(layer)
    }
    return (values, layers.count == graph.nodes.count - 1 ? layers : [])
  }
}

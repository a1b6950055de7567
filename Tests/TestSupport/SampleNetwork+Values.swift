package import Inference
package import ResNetV2
import Synchronization
package import Tensors

extension SampleNetwork {
  /// The network with parameters far from the identity.
  package func make(seed: UInt64 = 1) throws -> (Graph, Parameters) {
    let graph = try Graph(configuration)
    return (graph, try .random(for: graph, seed: seed))
  }

  /// An input of a shape.
  package static func input(_ shape: Shape, seed: UInt64 = 9) -> Activation {
    .probe(shape, seed: seed)
  }

  /// What the reference has for every node at an input of a shape, computed once for all tests.
  package func referenceValues(for shape: Shape) throws -> [Activation] {
    try Self.known.withLock { known in
      let key = "\(description), \(shape)"
      if let values = known[key] { return values }
      let (_, parameters) = try make()
      let reference = ReferenceExecutor(parameters, pool: WorkerPool(threads: 2))
      var values: [Activation] = []
      _ = try reference.run(Self.input(shape)) { _, value in values.append(value) }
      known[key] = values
      return values
    }
  }

  private static let known = Mutex<[String: [Activation]]>([:])
}

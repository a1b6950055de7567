import FoundationEssentials
package import Inference
import ResNetV2
import Synchronization
import Tensors
import Verification

/// The values by which a file shows, on any machine, that it is still what was compared.
package enum Certificate {
  /// What came of checking a certificate.
  package struct Check: Sendable {
    /// The certificate.
    package let record: CertificateRecord
    /// The largest difference from its values, relative to the largest of them.
    package let scaledError: Double
    /// Whether that is within the certificate's limit.
    package var passes: Bool { scaledError <= record.limit }
  }

  /// The node whose values are certified: the logits where there are classes, else the last one.
  static func node(of graph: Graph) -> Node {
    graph.nodes[graph.index(of: "head.dense") ?? graph.outputIndex]
  }

  /// The certified values of that node: one image, and a feature map averaged over it.
  static func values(of activation: Activation) -> [Float] {
    activation.firstImage.averagedOverImage
  }

  /// The certified values of an executor for an input.
  static func values(of executor: some Executor, on input: Activation) throws -> [Float] {
    let wanted = executor.graph.index(of: node(of: executor.graph).name)
    var values: [Float] = []
    _ = try executor.run(input) { node, value in
      if node == wanted { values = Self.values(of: value) }
    }
    return values
  }

  /// Runs a file's probe again and compares with what the file certifies.
  package static func check(
    _ record: CertificateRecord, with executor: some Executor
  ) throws -> Check {
    guard let shape = Shape(validating: record.probe.shape),
      shape.elementCount <= maximumProbeElements
    else { return Check(record: record, scaledError: .infinity) }
    let values = try values(
      of: executor, on: Activation.probe(seed: record.probe.seed, shape: shape))
    guard values.count == record.values.count else {
      return Check(record: record, scaledError: .infinity)
    }
    let statistics = values.withUnsafeBufferPointer { candidate in
      record.values.withUnsafeBufferPointer { reference in
        DifferenceStatistics(candidate: candidate, reference: reference, limit: record.limit)
      }
    }
    return Check(record: record, scaledError: statistics.scaledError)
  }

  /// A probe larger than this was not made by a conversion: an image of 4096×4096 with 3 channels.
  private static let maximumProbeElements = 4096 * 4096 * 3
}

extension Activation {
  /// The first image of a batch.
  var firstImage: Activation {
    let perImage = values.count / max(shape[0], 1)
    return Activation(
      shape: Shape([1] + shape.dimensions.dropFirst()), values: Array(values.prefix(perImage)))
  }

  /// The mean over the pixels of the first image, in Double.
  fileprivate var averagedOverImage: [Float] {
    guard shape.rank == 4 else { return values }
    let channels = shape[3]
    let pixels = shape[1] * shape[2]
    return (0..<channels).map { channel in
      let sum = (0..<pixels).reduce(0.0) { $0 + Double(values[$1 * channels + channel]) }
      return Float(sum / Double(pixels))
    }
  }
}

/// An executor that remembers the value of one node while others use it.
///
/// A comparison runs the reference node by node; the certificate needs one of those values and not
/// a second run.
final class RecordingExecutor<Base: Executor>: Executor {
  private let base: Base
  private let node: Int
  private let recorded = Mutex<Activation?>(nil)

  init(_ base: Base, node: Int) {
    self.base = base
    self.node = node
  }

  var graph: Graph { base.graph }

  /// The first value that the node had.
  var value: Activation? { recorded.withLock { $0 } }

  func run(
    _ input: Activation, observer: ((_ node: Int, _ value: Activation) throws -> Void)?
  ) throws -> Activation {
    try base.run(input, observer: observer)
  }

  func evaluate(_ node: Int, inputs: [Activation]) throws -> Activation {
    let value = try base.evaluate(node, inputs: inputs)
    if node == self.node {
      recorded.withLock { $0 = $0 ?? value }
    }
    return value
  }
}

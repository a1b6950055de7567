package import ResNetV2
import Tensors

/// The values by which a file shows that a network still computes what it did when it was
/// converted: the logits where there are classes, else the last value averaged over the image.
extension Executor {
  /// Runs the network and gives the certified values of the first image.
  ///
  /// A file can describe a network that no memory would hold: where a value had more than 2²⁹
  /// elements, nothing is run, and there are no values.
  ///
  /// - Parameter observer: is given the value of every node.
  /// - Throws: `InputShapeError` where the input does not fit.
  package func certifiedValues(
    for input: Activation, observer: ((_ node: Int, _ value: Activation) -> Void)? = nil
  ) throws -> [Float] {
    let largest = try graph.shapes(for: input.shape).map(\.elementCount).max() ?? 0
    guard largest <= 1 << 29 else { return [] }
    let certified = graph.certifiedNode
    var values: [Float] = []
    _ = try run(input) { node, value in
      if node == certified { values = value.certifiedValues }
      observer?(node, value)
    }
    return values
  }
}

extension Graph {
  /// The index of the node whose values are certified.
  package var certifiedNode: Int { logitsIndex }
}

extension Activation {
  /// The values of the first image; a feature map averaged over it, in Double.
  package var certifiedValues: [Float] {
    let perImage = values.count / max(shape[0], 1)
    guard shape.rank == 4 else { return Array(values.prefix(perImage)) }
    let channels = shape[3]
    let pixels = shape[1] * shape[2]
    return (0..<channels).map { channel in
      let sum = (0..<pixels).reduce(0.0) { $0 + Double(values[$1 * channels + channel]) }
      return Float(sum / Double(pixels))
    }
  }
}

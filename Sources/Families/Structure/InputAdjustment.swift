package import ResNetV2
import SourceGraph
import Tensors

/// What a graph does to its image before anything else: x · scale + offset per channel, of x with its channels in
/// reverse order where asked.
package struct InputAdjustment: Sendable {
  /// The nodes that do it, in order.
  package private(set) var nodes: [Int] = []
  private var reverses = false
  private var scale: [Double]
  private var offset: [Double]

  /// The node after which the network itself begins.
  package private(set) var end: Int

  /// Follows a graph from its input as long as a single layer of that kind reads the value.
  ///
  /// - Parameter standard: the mean and variance of a node, where they stand among the weights.
  package init(
    _ view: SourceView, standard: (_ node: Int) throws -> (mean: [Float], variance: [Float])
  ) rethrows {
    end = view.input
    let channels = view.shape(of: end).map { $0[$0.rank - 1] } ?? 0
    scale = Array(repeating: 1, count: channels)
    offset = Array(repeating: 0, count: channels)
    while let readers = view.readers[end], readers.count == 1, !view.outputs.contains(end) {
      let node = readers[0]
      switch view.graph.nodes[node].operation {
      case .affine(let factors, let summands):
        multiply(by: factors, adding: summands)
      case .standardize:
        // As Keras computes it: (x − mean) / max(√variance, 10⁻⁷).
        let (mean, variance) = try standard(node)
        let factors = variance.map { 1 / max(Double($0).squareRoot(), 1e-7) }
        let count = max(mean.count, factors.count)
        let summands = (0..<count).map { index in
          -Double(mean[mean.count == 1 ? 0 : index]) * factors[factors.count == 1 ? 0 : index]
        }
        multiply(by: factors, adding: summands)
      case .reverseChannels:
        reverses.toggle()
        scale.reverse()
        offset.reverse()
      default:
        return
      }
      nodes.append(node)
      end = node
    }
  }

  /// Whether anything is done.
  package var isEmpty: Bool { nodes.isEmpty }

  /// The same as a network's input.
  package var input: Configuration.Input {
    Configuration.Input(
      channels: scale.count, scale: scale.allSatisfy { $0 == 1 } ? [] : scale,
      offset: offset.allSatisfy { $0 == 0 } ? [] : offset, reversesChannels: reverses)
  }

  /// The same as an operation.
  package var operation: Operation {
    .adjust(scale: input.scale, offset: input.offset, reversesChannels: reverses)
  }

  private mutating func multiply(by factors: [Double], adding summands: [Double]) {
    for channel in scale.indices {
      let factor = factors[factors.count == 1 ? 0 : channel]
      scale[channel] *= factor
      offset[channel] = offset[channel] * factor + summands[summands.count == 1 ? 0 : channel]
    }
  }
}

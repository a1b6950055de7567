public import ResNetV2
package import Tensors

/// An executor that still has its parameters as they were given.
package protocol ParameterHolder {
  /// The tensor of a parameter; `nil` where the network has none of that name.
  func tensor(of parameter: Parameter) -> TensorData?
}

/// Something that computes a network.
///
/// Executors are immutable once made; several tasks may use one at the same time.
public protocol Executor: Sendable {
  /// The network that is computed.
  var graph: Graph { get }

  /// Runs the whole network on a batch [N, H, W, C].
  ///
  /// With an observer, the value of every node is handed out, in the order of the graph's nodes,
  /// each as soon as it is there; nothing is kept for later. Without one, values that nobody sees
  /// need not exist.
  ///
  /// - Parameters:
  ///   - input: the images, channels innermost, float32.
  ///   - observer: receives the index of a node and its value; what it throws ends the run.
  /// - Returns: the value of the last node.
  /// - Throws: `InputShapeError` where the input does not fit, or what the observer throws.
  func run(
    _ input: Activation, observer: ((_ node: Int, _ value: Activation) throws -> Void)?
  ) throws -> Activation

  /// Computes one node alone from given values of its inputs.
  ///
  /// - Throws: `InputShapeError` where the inputs do not fit.
  func evaluate(_ node: Int, inputs: [Activation]) throws -> Activation
}

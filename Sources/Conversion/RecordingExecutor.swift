import Inference
import ResNetV2
import Synchronization
import Tensors

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

extension RecordingExecutor: ParameterHolder where Base: ParameterHolder {
  func tensor(of parameter: Parameter) -> TensorData? { base.tensor(of: parameter) }
}

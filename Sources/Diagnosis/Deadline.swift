import Inference
import ResNetV2
import Tensors

/// A bound on how long something is looked for.
package struct Deadline: Sendable {
  /// The time that there is, in seconds.
  package let seconds: Double

  private let start: ContinuousClock.Instant
  private let progress: @Sendable (_ done: Int, _ total: Int) -> Void

  /// The time is over.
  package struct Passed: Error {}

  /// Begins now.
  ///
  /// - Parameter progress: is told how many of how many seconds have gone.
  package init(
    seconds: Double, progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) {
    (self.seconds, self.progress) = (seconds, progress)
    start = ContinuousClock.now
  }

  /// - Throws: ``Passed`` once the time is over.
  @Sendable
  package func check() throws {
    let gone = (ContinuousClock.now - start) / .seconds(1)
    progress(Int(min(gone, seconds)), Int(seconds))
    guard gone < seconds else { throw Passed() }
  }
}

/// An executor that stops when the time is over.
struct BoundedExecutor: Executor {
  let base: any Executor
  let deadline: Deadline

  var graph: Graph { base.graph }

  func run(
    _ input: Activation, observer: ((_ node: Int, _ value: Activation) throws -> Void)?
  ) throws -> Activation {
    try deadline.check()
    return try base.run(input) { node, value in
      try deadline.check()
      try observer?(node, value)
    }
  }

  func evaluate(_ node: Int, inputs: [Activation]) throws -> Activation {
    try deadline.check()
    return try base.evaluate(node, inputs: inputs)
  }
}

extension BoundedExecutor: ParameterHolder {
  func tensor(of parameter: Parameter) -> TensorData? {
    (base as? any ParameterHolder)?.tensor(of: parameter)
  }
}

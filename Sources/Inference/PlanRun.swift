import CKernelSupport
import ResNetV2
import Tensors

/// One run of a plan: the arena, and each step done on it.
final class PlanRun {
  private let executor: FastExecutor
  private let plan: Plan
  private let input: Activation
  private let arena: AlignedFloats

  init(executor: FastExecutor, plan: Plan, input: Activation) {
    self.executor = executor
    self.plan = plan
    self.input = input
    arena = executor.arenas.take(count: plan.arenaCount)
  }

  deinit {
    executor.arenas.giveBack(arena)
  }

  /// A copy of a stored value.
  func value(of node: Int) -> Activation {
    guard let offset = plan.offsets[node] else { return input }
    let shape = plan.shapes[node]
    return Activation(
      shape: shape,
      values: Array(UnsafeBufferPointer(start: arena.pointer + offset, count: shape.elementCount)))
  }

  /// Does one step.
  func perform(_ step: Plan.Step) {
    input.withPointer { input in
      let address = { (node: Int) in
        self.plan.offsets[node].map { UnsafePointer(self.arena.pointer + $0) } ?? input
      }
      let inputs = executor.graph.nodes[step.node].inputs
      let layer = LayerRun(
        executor: executor, node: step.node, inputShape: plan.shapes[inputs[0]],
        outputShape: plan.shapes[step.node])
      switch step.action {
      case .convolve(let fusion):
        layer.convolve(address(inputs[0]), work(fusion, address))
      case .affine(let output, let rectifies):
        layer.affine(address(inputs[0]), rectifies: rectifies, output: target(output))
      case .plain:
        layer.perform(inputs: inputs.map(address), output: target(step.node))
      }
    }
  }

  private func target(_ node: Int) -> UnsafeMutablePointer<Float> {
    guard let offset = plan.offsets[node] else {
      preconditionFailure("the plan stores the value of every step")
    }
    return arena.pointer + offset
  }

  /// The part of a convolution's work that follows from the fusion.
  private func work(
    _ fusion: Plan.Fusion, _ address: (Int) -> UnsafePointer<Float>
  ) -> RNWConvolution {
    var work = RNWConvolution()
    let norm = fusion.norm.map { executor.constants[$0] }
    let nextNorm = fusion.nextNorm.map { executor.constants[$0] }
    work.scale = norm?.scale.map { UnsafePointer($0.pointer) }
    work.shift = norm?.shift.map { UnsafePointer($0.pointer) }
    work.rectifies = fusion.rectifies ? 1 : 0
    work.residual = fusion.residual.map(address)
    work.output = fusion.output.map(target)
    work.nextScale = nextNorm?.scale.map { UnsafePointer($0.pointer) }
    work.nextShift = nextNorm?.shift.map { UnsafePointer($0.pointer) }
    work.nextRectifies = fusion.nextRectifies ? 1 : 0
    work.activated = fusion.activated.map(target)
    return work
  }
}

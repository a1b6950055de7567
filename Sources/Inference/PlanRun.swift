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

  /// A run by another executor of the same graph that goes on where this one stands.
  func continued(by executor: FastExecutor) -> PlanRun {
    let copy = PlanRun(executor: executor, plan: plan, input: input)
    copy.arena.pointer.update(from: arena.pointer, count: plan.arenaCount)
    return copy
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

  /// Does one step, for one image or for all.
  func perform(_ step: Plan.Step, image: Int? = nil) {
    input.withPointer { input in
      let source = { (node: Int) in
        UnsafePointer(self.place(of: node, image)) ?? input + self.start(of: node, image)
      }
      let inputs = executor.graph.nodes[step.node].inputs
      let layer = LayerRun(
        executor: executor, node: step.node, inputShape: shape(of: inputs[0], image),
        outputShape: shape(of: step.node, image))
      let target = { (node: Int) in self.target(node, image) }
      // Weights that were packed for this step alone live as long as it does.
      withExtendedLifetime(layer) {
        switch step.action {
        case .convolve(let fusion):
          layer.convolve(source(inputs[0]), epilogue(fusion, source, target))
        case .normalize(let norm, let output, let rectifies):
          layer.normalize(norm, source(inputs[0]), rectifies: rectifies, output: target(output))
        case .plain:
          layer.perform(inputs: inputs.map(source), output: target(step.node))
        }
      }
    }
  }

  /// Lets go of the memory of values that nothing reads after a step.
  func discardValues(readLastBy step: Int) {
    for range in plan.endings[step] ?? [] { arena.discard(range) }
  }

  private func shape(of node: Int, _ image: Int?) -> Shape {
    let shape = plan.shapes[node]
    return image == nil ? shape : Shape([1] + shape.dimensions.dropFirst())
  }

  /// Where an image begins in a value that is stored for all images.
  private func start(of node: Int, _ image: Int?) -> Int {
    guard let image else { return 0 }
    let shape = plan.shapes[node]
    return image * (shape.elementCount / shape[0])
  }

  /// The place of a value in the arena; the input has none.
  private func place(of node: Int, _ image: Int?) -> UnsafeMutablePointer<Float>? {
    plan.offsets[node].map {
      arena.pointer + $0 + (plan.singles.contains(node) ? 0 : start(of: node, image))
    }
  }

  private func target(_ node: Int, _ image: Int?) -> UnsafeMutablePointer<Float> {
    guard let place = place(of: node, image) else {
      preconditionFailure("the plan stores the value of every step")
    }
    return place
  }

  /// What the fusion does to the sums of a convolution.
  private func epilogue(
    _ fusion: Plan.Fusion, _ source: (Int) -> UnsafePointer<Float>,
    _ target: (Int) -> UnsafeMutablePointer<Float>
  ) -> RNWEpilogue {
    var epilogue = RNWEpilogue()
    let norm = fusion.norm.map { executor.constants[$0] }
    let nextNorm = fusion.nextNorm.map { executor.constants[$0] }
    epilogue.scale = norm?.scale.map { UnsafePointer($0.pointer) }
    epilogue.shift = norm?.shift.map { UnsafePointer($0.pointer) }
    epilogue.rectifies = fusion.rectifies ? 1 : 0
    epilogue.residual = fusion.residual.map(source)
    epilogue.output = fusion.output.map(target)
    epilogue.nextScale = nextNorm?.scale.map { UnsafePointer($0.pointer) }
    epilogue.nextShift = nextNorm?.shift.map { UnsafePointer($0.pointer) }
    epilogue.nextRectifies = fusion.nextRectifies ? 1 : 0
    epilogue.activated = fusion.activated.map(target)
    return epilogue
  }
}

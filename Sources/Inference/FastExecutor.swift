import CKernelSupport
import KernelSet
public import ResNetV2
import Synchronization
public import Tensors

/// Computes a network as fast as the processor allows: packed weights, fused steps, a static memory
/// plan, threads.
///
/// The results are float32 and the same bits for every number of threads. Several tasks may use one
/// executor at the same time, and several executors one pool of threads; they take turns layer by layer.
public final class FastExecutor: Executor {
  /// The network that is computed.
  public let graph: Graph

  /// The instruction set of the kernels.
  package let instructionSet: InstructionSet

  let kernels: any KernelSet.Type
  /// The threads that compute.
  package let pool: WorkerPool
  /// The constants of every node; of a convolution or dense layer that is packed on demand, all but its weights.
  let constants: [LayerConstants]
  /// What the layers are packed from that are packed on demand; `nil` where all are packed.
  let unpacked: Parameters?
  let zeros: AlignedFloats
  let arenas: Arenas
  private let plans = Mutex<[PlanKey: Plan]>([:])

  private struct PlanKey: Hashable {
    let input: Shape
    let keepsActivations: Bool
  }

  /// How many shapes of input are remembered; a program that tries more pays for a plan again.
  private static let maximumPlans = 16

  /// Makes an executor and packs the parameters, which are not needed afterwards.
  ///
  /// - Parameters:
  ///   - parameters: those of the network that is computed.
  ///   - pool: the threads that compute.
  ///   - expecting: the shape of input [N, H, W, C] that the methods of the convolutions are chosen
  ///     for; others give the same results within rounding, and may take longer.
  ///   - winograd: whether convolutions may be computed with fewer products: 3×3 by Winograd's
  ///     minimal filtering, two to three times as fast, and 1×1 by Winograd's form of Strassen's
  ///     product. Both round a little more: at most 1e-5 instead of 2e-6 of a layer's largest value.
  public convenience init(
    _ parameters: Parameters, pool: WorkerPool = .shared, expecting: Shape? = nil,
    winograd: Bool = true
  ) {
    self.init(
      graph: parameters.graph, parameters: parameters, pool: pool, expecting: expecting,
      winograd: winograd)
  }

  /// Makes an executor of parameters that were checked for a network of the same parameters.
  package convenience init(
    graph: Graph, parameters: Parameters, pool: WorkerPool, expecting: Shape? = nil,
    winograd: Bool = true
  ) {
    self.init(
      graph: graph, parameters: parameters, pool: pool,
      methods: winograd ? .fastest(expecting: expecting) : .direct, instructionSet: .best)
  }

  /// - Parameter packsOnDemand: whether the weights of a layer are packed when it is computed and let go after it: for
  ///   a network that is run once and is too large to be held as a whole.
  package init(
    graph: Graph, parameters: Parameters, pool: WorkerPool,
    methods rule: ConvolutionMethod.Rule = .fastest(expecting: nil), instructionSet: InstructionSet,
    packsOnDemand: Bool = false
  ) {
    self.graph = graph
    self.instructionSet = instructionSet
    let kernels = instructionSet.kernels
    let methods = rule.methods(graph, kernels: kernels)
    (self.kernels, self.pool) = (kernels, pool)
    unpacked = packsOnDemand ? parameters : nil
    constants = graph.nodes.enumerated().map { index, node in
      let method = methods[index] ?? .direct
      return packsOnDemand && node.operation.isProduct
        ? LayerConstants(method: method, bias: parameters.bias(of: node))
        : LayerConstants(node, parameters, method: method, kernels: kernels, pool: pool)
    }
    let widest = graph.nodes.map { node in
      if case .convolution(let conv) = node.operation { return conv.inputChannels }
      return 1
    }
    zeros = AlignedFloats(zeros: kernels.wholeVectors(widest.max() ?? 1))
    arenas = Arenas()
  }

  /// The same network with other parameters for one node; all else is shared.
  init(_ other: FastExecutor, replacing node: Int, with parameters: Parameters) {
    graph = other.graph
    instructionSet = other.instructionSet
    (kernels, pool, zeros, arenas) = (other.kernels, other.pool, other.zeros, other.arenas)
    unpacked = other.unpacked.map { _ in parameters }
    var constants = other.constants
    constants[node] = LayerConstants(
      graph.nodes[node], parameters, method: constants[node].method, kernels: kernels, pool: pool)
    self.constants = constants
  }

  /// How a node is computed; what is no convolution is direct.
  package func method(of node: Int) -> ConvolutionMethod { constants[node].method }

  /// Runs the whole network.
  ///
  /// With an observer every value is stored; the bits are the same as without.
  public func run(
    _ input: Activation, observer: ((_ node: Int, _ value: Activation) throws -> Void)?
  ) throws -> Activation {
    let plan = try plan(for: input.shape, keepsActivations: observer != nil)
    let run = PlanRun(executor: self, plan: plan, input: input)
    try observer?(0, input)
    for (index, image) in plan.schedule {
      let step = plan.steps[index]
      run.perform(step, image: image)
      // A network that is too large to be held as a whole has large values, too.
      if unpacked != nil, plan.stepsPerImage == 0 { run.discardValues(readLastBy: index) }
      if let observer {
        for node in step.stored { try observer(node, run.value(of: node)) }
      }
    }
    return run.value(of: graph.outputIndex)
  }

  /// Computes one node alone with the kernels of this executor.
  public func evaluate(_ node: Int, inputs: [Activation]) throws -> Activation {
    let (operation, shape) = try graph.operation(of: node, inputs: inputs)
    if case .input = operation { return inputs[0] }
    let values = [Float](unsafeUninitializedCapacity: shape.elementCount) { buffer, count in
      if let output = buffer.baseAddress {
        withPointers(of: inputs) { pointers in
          let layer = LayerRun(
            executor: self, node: node, inputShape: inputs[0].shape, outputShape: shape)
          withExtendedLifetime(layer) { layer.perform(inputs: pointers, output: output) }
        }
      }
      count = shape.elementCount
    }
    return Activation(shape: shape, values: values)
  }

  /// Lets go of the memory that is kept for the next run.
  package func releaseWorkingMemory() { arenas.removeAll() }

  /// The plan for a shape of input, made once.
  func plan(for input: Shape, keepsActivations: Bool) throws(InputShapeError) -> Plan {
    let key = PlanKey(input: input, keepsActivations: keepsActivations)
    if let known = plans.withLock({ $0[key] }) { return known }
    let plan = try Plan(graph, input: input, keepsActivations: keepsActivations)
    plans.withLock { plans in
      if plans.count >= Self.maximumPlans { plans.removeAll() }
      plans[key] = plan
    }
    return plan
  }

  private func withPointers(of inputs: [Activation], _ body: ([UnsafePointer<Float>]) -> Void) {
    func next(_ index: Int, _ pointers: [UnsafePointer<Float>]) {
      guard index < inputs.count else { return body(pointers) }
      inputs[index].withPointer { next(index + 1, pointers + [$0]) }
    }
    next(0, [])
  }
}

extension Parameters {
  /// The bias of a convolution or dense layer.
  fileprivate func bias(of node: Node) -> AlignedFloats? {
    node.parameters.first { $0.role == .bias }.map { AlignedFloats(self[$0].floats()) }
  }
}

extension Operation {
  /// Whether it multiplies by weights, which are packed for it.
  fileprivate var isProduct: Bool {
    switch self {
    case .convolution, .dense: true
    default: false
    }
  }
}

import KernelSet
import ResNetV2
import Synchronization
import Tensors

/// The parameters of one node as the kernels want them.
struct LayerConstants: Sendable {
  /// How a convolution is computed; says what its weights are.
  var method = ConvolutionMethod.direct
  /// Packed weights of a convolution or dense layer.
  var weights: AlignedFloats?
  /// The bias of a convolution or dense layer.
  var bias: AlignedFloats?
  /// What a norm multiplies by: scale / √(variance + ε) for a batch norm, scale for a group norm.
  var scale: AlignedFloats?
  /// What a norm then adds: shift − mean · scale / √(variance + ε), or shift.
  var shift: AlignedFloats?

  /// Those of a convolution or dense layer whose weights are packed when it is computed.
  init(method: ConvolutionMethod, bias: AlignedFloats?) {
    (self.method, self.bias) = (method, bias)
  }

  /// Those of some output channels.
  ///
  /// - Parameters:
  ///   - weights: the filters of these channels, as they are multiplied.
  ///   - block: where they are packed, as long as it is large enough.
  /// - Returns: `nil` where the method is not direct and a transformed weight is not finite.
  init?(
    method: ConvolutionMethod, weights: TensorData, bias: AlignedFloats?, block: AlignedFloats?,
    kernels: any KernelSet.Type, pool: WorkerPool
  ) {
    self.init(method: method, bias: bias)
    self.weights =
      method == .direct
      ? Self.pack(weights, taps: weights.taps, kernels, pool, to: block)
      : Self.packTransformed(weights, method, kernels, pool, to: block)
    if self.weights == nil { return nil }
  }

  /// Packs the parameters of a node; the work of a convolution is divided among the threads of a
  /// pool.
  ///
  /// - Parameter method: how a convolution should be computed. Where its transformed weights are not
  ///   finite, it is direct after all.
  init(
    _ node: Node, _ parameters: Parameters, method: ConvolutionMethod, kernels: any KernelSet.Type,
    pool: WorkerPool
  ) {
    let tensors = Dictionary(
      uniqueKeysWithValues: node.parameters.map { ($0.role, parameters[$0]) })
    switch node.operation {
    case .convolution(let conv):
      weights = tensors[.weight].map { weight in
        let plain =
          conv.weightStandardizationEpsilon.map { weight.standardized(epsilon: $0, pool: pool) }
          ?? weight.made
        if let packed = Self.packTransformed(plain, method, kernels, pool) {
          self.method = method
          return packed
        }
        return Self.pack(plain, taps: conv.kernel * conv.kernel, kernels, pool)
      }
      bias = tensors[.bias].map { AlignedFloats($0.floats()) }
    case .dense:
      weights = tensors[.weight].map { Self.pack($0, taps: 1, kernels, pool) }
      bias = tensors[.bias].map { AlignedFloats($0.floats()) }
    case .norm(let norm, let channels, _):
      // A norm without scale or shift has 1 or 0.
      let gamma = tensors[.scale]?.floats() ?? [Float](repeating: 1, count: channels)
      let beta = tensors[.shift]?.floats() ?? [Float](repeating: 0, count: channels)
      switch norm {
      case .batch(let epsilon):
        setBatchNorm(gamma, beta, tensors, epsilon: epsilon)
      case .group:
        (scale, shift) = (AlignedFloats(gamma), AlignedFloats(beta))
      }
    default:
      break
    }
    for tensor in tensors.values { tensor.releasePages() }
  }

  private mutating func setBatchNorm(
    _ gamma: [Float], _ beta: [Float], _ tensors: [Parameter.Role: TensorData], epsilon: Double
  ) {
    // A norm without statistics has 0 and 1.
    let mean = tensors[.mean]?.floats() ?? [Float](repeating: 0, count: gamma.count)
    let variance = tensors[.variance]?.floats() ?? [Float](repeating: 1, count: gamma.count)
    // In Double, rounded once: the difference of shift and mean must not lose digits here.
    let factors = zip(gamma, variance).map { Double($0) / (Double($1) + epsilon).squareRoot() }
    scale = AlignedFloats(factors.map { Float($0) })
    shift = AlignedFloats(
      zip(zip(beta, mean), factors).map { Float(Double($0.0) - Double($0.1) * $1) })
  }

  private static func pack(
    _ weight: TensorData, taps: Int, _ kernels: any KernelSet.Type, _ pool: WorkerPool,
    to block: AlignedFloats? = nil
  ) -> AlignedFloats {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let packed = AlignedFloats.block(
      of: kernels.packedCount(outputChannels: outputs, inputChannels: inputs, taps: taps), in: block
    )
    weight.withFloats { source in
      guard let start = source.baseAddress else { return }
      pool.run(kernels.panelCount(outputChannels: outputs)) { panel, _ in
        kernels.packPanel(
          panel, start, outputChannels: outputs, inputChannels: inputs, taps: taps,
          to: packed.pointer)
      }
    }
    return packed
  }

  /// - Returns: `nil` for a direct convolution, and where a transformed weight is not finite.
  private static func packTransformed(
    _ weight: TensorData, _ method: ConvolutionMethod, _ kernels: any KernelSet.Type,
    _ pool: WorkerPool, to block: AlignedFloats? = nil
  ) -> AlignedFloats? {
    // Sums of weights would carry one that is not finite to other outputs.
    guard method != .direct, weight.isFinite else { return nil }
    let (outputChannels, inputChannels) = (weight.shape[0], weight.shape[1])
    let rows = method == .strassen ? outputChannels / 2 : outputChannels
    let count: Int
    let packPanel: (Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Bool
    switch method {
    case .direct:
      return nil
    case .winograd(let outputs):
      count = kernels.packedCount(
        outputChannels: outputChannels, inputChannels: inputChannels,
        taps: (outputs + 2) * (outputs + 2))
      packPanel = {
        kernels.packTransformedPanel(
          $0, $1, outputChannels: outputChannels, inputChannels: inputChannels, outputs: outputs,
          to: $2)
      }
    case .strassen:
      count = kernels.packedCount(
        outputChannels: rows, inputChannels: inputChannels / 2,
        taps: ConvolutionMethod.strassenProducts)
      packPanel = {
        kernels.packHalvesPanel(
          $0, $1, outputChannels: outputChannels, inputChannels: inputChannels, to: $2)
      }
    }
    let packed = AlignedFloats.block(of: count, in: block)
    let isFinite = Atomic(true)
    weight.withFloats { source in
      guard let start = source.baseAddress else { return }
      pool.run(kernels.panelCount(outputChannels: rows)) { panel, _ in
        if !packPanel(panel, start, packed.pointer) { isFinite.store(false, ordering: .relaxed) }
      }
    }
    return isFinite.load(ordering: .relaxed) ? packed : nil
  }

  /// The weights of a transformed convolution, packed for a direct one.
  func restoredWeights(
    _ conv: Operation.Convolution, kernels: any KernelSet.Type, pool: WorkerPool
  ) -> AlignedFloats {
    let (outputChannels, inputChannels) = (conv.outputChannels, conv.inputChannels)
    let taps = conv.kernel * conv.kernel
    let restored = AlignedFloats(count: outputChannels * inputChannels * taps)
    let packed = AlignedFloats(
      count: kernels.packedCount(
        outputChannels: outputChannels, inputChannels: inputChannels, taps: taps))
    guard let weights else { return packed }
    let panels = kernels.panelCount(outputChannels: outputChannels)
    switch method {
    case .direct:
      return weights
    case .winograd(let outputs):
      pool.run(panels) { panel, _ in
        kernels.restorePanel(
          panel, weights.pointer, outputChannels: outputChannels, inputChannels: inputChannels,
          outputs: outputs, to: restored.pointer)
      }
    case .strassen:
      pool.run(kernels.panelCount(outputChannels: outputChannels / 2)) { panel, _ in
        kernels.restoreHalvesPanel(
          panel, weights.pointer, outputChannels: outputChannels, inputChannels: inputChannels,
          to: restored.pointer)
      }
    }
    pool.run(panels) { panel, _ in
      kernels.packPanel(
        panel, restored.pointer, outputChannels: outputChannels, inputChannels: inputChannels,
        taps: taps, to: packed.pointer)
    }
    return packed
  }
}

extension AlignedFloats {
  /// A block that is there already, or a new one where it is too small.
  fileprivate static func block(of count: Int, in block: AlignedFloats?) -> AlignedFloats {
    if let block, block.count >= count { return block }
    return AlignedFloats(count: count)
  }
}

extension TensorData {
  /// The taps of a kernel or matrix [output, input, …].
  var taps: Int { shape.elementCount / max(shape[0] * shape[1], 1) }
}

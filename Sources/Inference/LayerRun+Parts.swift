import CKernelSupport
import Files
import KernelSet
import ResNetV2
import Tensors

/// Some output channels of a layer, computed alone: every output is a sum of its own.
struct ChannelPart {
  /// The first of them.
  let first: Int
  /// How many there are.
  let count: Int
  /// How far from the first the second half of them begins, where they are computed by halves.
  var secondHalf: Int?
}

extension LayerRun {
  /// The most bytes of weights that are packed at once, as far as one panel is not more.
  private static let partBytes = 40 << 20

  /// Convolves with weights that are packed some panels at a time, and let go after that: the bits are those of all
  /// panels at once.
  ///
  /// - Returns: whether it could be done; if not, the outputs are worth nothing.
  func convolveInParts(
    _ parameters: Parameters, _ input: UnsafePointer<Float>, _ epilogue: RNWEpilogue
  ) -> Bool {
    let node = executor.graph.nodes[node]
    guard let parameter = node.parameters.first(where: { $0.role == .weight }) else { return false }
    let conv = node.operation.asConvolution
    let source = PartSource(parameters[parameter], conv, pool: pool)
    let isHalved = constants.method == .strassen
    let outputs = isHalved ? conv.outputChannels / 2 : conv.outputChannels
    let perPanel = constants.method.packedCount(
      conv, outputs: min(kernels.panelWidth, outputs), kernels: kernels)
    let bytes = min(Self.partBytes, WorkingMemory.whole)
    let panels = max(
      1,
      min(
        kernels.panelCount(outputChannels: outputs),
        bytes / (perPanel * MemoryLayout<Float>.size)))
    let block = AlignedFloats(count: perPanel * panels)
    for first in stride(from: 0, to: outputs, by: panels * kernels.panelWidth) {
      let channels = first..<min(first + panels * kernels.panelWidth, outputs)
      let ranges = isHalved ? [channels, channels.shifted(by: outputs)] : [channels]
      guard
        let packed = LayerConstants(
          method: constants.method, weights: source.filters(ranges), bias: constants.bias,
          block: block, kernels: kernels, pool: pool)
      else { return false }
      let run = LayerRun(
        executor: executor, node: self.node, inputShape: inputShape, outputShape: outputShape,
        constants: packed,
        part: ChannelPart(
          first: first, count: ranges.reduce(0) { $0 + $1.count },
          secondHalf: isHalved ? outputs : nil))
      guard withExtendedLifetime(packed, { run.convolvePart(input, epilogue.shifted(by: first)) })
      else { return false }
    }
    return true
  }
}

/// The filters of a layer that are packed some at a time.
private struct PartSource {
  private let tensor: TensorData
  private let releases: Bool
  private let conv: Operation.Convolution
  private let pool: WorkerPool

  init(_ tensor: TensorData, _ conv: Operation.Convolution, pool: WorkerPool) {
    releases = tensor.isDeferred
    self.tensor = tensor.made.asFloat32()
    (self.conv, self.pool) = (conv, pool)
  }

  /// The filters of some output channels as they are multiplied; their pages are let go.
  func filters(_ channels: [Range<Int>]) -> TensorData {
    let perFilter = tensor.shape.elementCount / tensor.shape[0]
    let count = channels.reduce(0) { $0 + $1.count }
    return tensor.withFloats { source in
      TensorData(shape: Shape([count] + tensor.shape.dimensions.dropFirst())) { target in
        var place = 0
        for range in channels {
          let elements = range.lowerBound * perFilter..<range.upperBound * perFilter
          copy(
            UnsafeBufferPointer(rebasing: source[elements]),
            to: UnsafeMutableBufferPointer(rebasing: target[place..<place + elements.count]))
          place += elements.count
          if releases { tensor.releasePages(ofElements: elements) }
        }
      }
    }
  }

  private func copy(
    _ filters: UnsafeBufferPointer<Float>, to target: UnsafeMutableBufferPointer<Float>
  ) {
    guard let from = filters.baseAddress, let to = target.baseAddress else { return }
    guard let epsilon = conv.weightStandardizationEpsilon else {
      return to.update(from: from, count: filters.count)
    }
    standardize(
      from, filters: filters.count / (conv.inputChannels * tensor.taps),
      length: conv.inputChannels * tensor.taps, epsilon: epsilon, to: to, pool: pool)
  }
}

extension ConvolutionMethod {
  /// The packed floats of so many output channels, of half of them where they are computed by halves.
  fileprivate func packedCount(
    _ conv: Operation.Convolution, outputs: Int, kernels: any KernelSet.Type
  ) -> Int {
    let (inputs, taps) =
      switch self {
      case .direct: (conv.inputChannels, conv.kernel * conv.kernel)
      case .winograd(let side): (conv.inputChannels, (side + 2) * (side + 2))
      case .strassen: (conv.inputChannels / 2, Self.strassenProducts)
      }
    return kernels.packedCount(outputChannels: outputs, inputChannels: inputs, taps: taps)
  }
}

extension Operation {
  /// A convolution, or a dense layer as one.
  ///
  /// - Precondition: it is one of them.
  var asConvolution: Convolution {
    switch self {
    case .convolution(let conv):
      return conv
    case .dense(let inputChannels, let outputChannels, _):
      return .init(
        kernel: 1, stride: 1, padding: .each(0), inputChannels: inputChannels,
        outputChannels: outputChannels)
    default:
      preconditionFailure("only convolutions and dense layers are convolved")
    }
  }
}

extension RNWEpilogue {
  /// The same for channels from another one on.
  fileprivate func shifted(by channels: Int) -> RNWEpilogue {
    var epilogue = self
    epilogue.scale = scale.map { $0 + channels }
    epilogue.shift = shift.map { $0 + channels }
    epilogue.residual = residual.map { $0 + channels }
    epilogue.output = output.map { $0 + channels }
    epilogue.nextScale = nextScale.map { $0 + channels }
    epilogue.nextShift = nextShift.map { $0 + channels }
    epilogue.activated = activated.map { $0 + channels }
    return epilogue
  }
}

extension Range<Int> {
  fileprivate func shifted(by offset: Int) -> Range<Int> {
    lowerBound + offset..<upperBound + offset
  }
}

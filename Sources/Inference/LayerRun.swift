import CKernelSupport
import KernelSet
import ResNetV2
import Tensors

/// The work of one layer, divided among the threads.
struct LayerRun {
  let executor: FastExecutor
  let node: Int
  let inputShape: Shape
  let outputShape: Shape
  let constants: LayerConstants
  /// The output channels that are computed, where they are not all.
  let part: ChannelPart?

  /// - Parameter constants: the node's, or those of a part of its channels; they must outlive what is computed.
  init(
    executor: FastExecutor, node: Int, inputShape: Shape, outputShape: Shape,
    constants: LayerConstants? = nil, part: ChannelPart? = nil
  ) {
    self.part = part
    (self.executor, self.node) = (executor, node)
    (self.inputShape, self.outputShape) = (inputShape, outputShape)
    self.constants = constants ?? executor.constants[node]
  }

  var kernels: any KernelSet.Type { executor.kernels }
  var pool: WorkerPool { executor.pool }

  /// Does the node's own operation.
  func perform(inputs: [UnsafePointer<Float>], output: UnsafeMutablePointer<Float>) {
    let count = outputShape.elementCount
    switch executor.graph.nodes[node].operation {
    case .input:
      output.update(from: inputs[0], count: count)
    case .convolution, .dense:
      var epilogue = RNWEpilogue()
      epilogue.output = output
      convolve(inputs[0], epilogue)
    case .adjust(let scale, let offset, let reversesChannels):
      let channels = outputShape[3]
      let adjustment = Adjustment(
        channels: channels, scale: scale, offset: offset, reversesChannels: reversesChannels)
      inPieces(of: count / channels, atLeast: 1 << 12) { range in
        let start = range.lowerBound * channels
        adjustment.apply(inputs[0] + start, output + start, pixels: range.count)
      }
    case .norm(let norm, _, _):
      normalize(norm, inputs[0], rectifies: false, output: output)
    case .activation(let activation):
      apply(activation, inputs[0], output)
    case .add:
      inPieces(of: count, atLeast: 1 << 14) { range in
        kernels.add(
          inputs[0] + range.lowerBound, inputs[1] + range.lowerBound,
          output: output + range.lowerBound,
          count: range.count)
      }
    case .maxPool(let window):
      pooling(inputs[0], window, kernels.maxPool, output)
    case .averagePool(let window):
      pooling(inputs[0], window, kernels.averagePool, output)
    case .subsample(let stride):
      let window = Operation.Pool(size: 1, stride: stride, padding: .ignored(0))
      pooling(inputs[0], window, kernels.maxPool, output)
    case .globalAverage:
      let pixels = inputShape[1] * inputShape[2]
      let channels = outputShape[1]
      pool.run(outputShape[0]) { image, _ in
        kernels.globalAverage(
          inputs[0] + image * pixels * channels, output: output + image * channels, pixels: pixels,
          channels: channels)
      }
    case .globalMaximum:
      RearrangedValues(inputShape).maximum(inputs[0], output)
    case .flatten(_, _, let channelsFirst):
      RearrangedValues(inputShape).flatten(inputs[0], output, channelsFirst: channelsFirst)
    case .padChannels(let before, _):
      RearrangedValues(inputShape).padChannels(
        inputs[0], output, before: before, of: outputShape[3])
    }
  }

  private func apply(
    _ activation: ActivationFunction, _ input: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>
  ) {
    let count = outputShape.elementCount
    guard activation != .relu else {
      return inPieces(of: count, atLeast: 1 << 14) { range in
        kernels.rectify(
          input + range.lowerBound, output: output + range.lowerBound, count: range.count)
      }
    }
    let row = outputShape[outputShape.rank - 1]
    inPieces(of: count / row, atLeast: (1 << 10) / row + 1) { range in
      let start = range.lowerBound * row
      activation.apply(input + start, output + start, range.count * row, row: row)
    }
  }

  /// A norm, and perhaps a ReLU.
  func normalize(
    _ norm: Configuration.Norm, _ input: UnsafePointer<Float>, rectifies: Bool,
    output: UnsafeMutablePointer<Float>
  ) {
    switch norm {
    case .batch: affine(input, rectifies: rectifies, output: output)
    case .group(let groups, let epsilon):
      groupNorm(input, groups: groups, epsilon: epsilon, rectifies: rectifies, output: output)
    }
  }

  /// input · scale + shift, and perhaps a ReLU.
  private func affine(
    _ input: UnsafePointer<Float>, rectifies: Bool, output: UnsafeMutablePointer<Float>
  ) {
    guard let scale = constants.scale, let shift = constants.shift else { return }
    let channels = scale.count
    inPieces(of: outputShape.elementCount / channels, atLeast: (1 << 14) / channels + 1) { range in
      let start = range.lowerBound * channels
      kernels.affine(
        input + start, scale: scale.pointer, shift: shift.pointer, rectifies: rectifies,
        output: output + start, pixels: range.count,
        channels: channels)
    }
  }

  // MARK: - Others

  private func pooling(
    _ input: UnsafePointer<Float>, _ window: Operation.Pool,
    _ kernel: @Sendable (UnsafePointer<RNWPool>, Range<Int>) -> Void,
    _ output: UnsafeMutablePointer<Float>
  ) {
    var work = RNWPool(window, input: inputShape, output: outputShape)
    work.input = input
    work.output = output
    withUnsafePointer(to: work) { work in
      inPieces(of: outputShape[0] * outputShape[1], atLeast: 4) { kernel(work, $0) }
    }
  }

  /// How many chunks of at most so many a count is divided into: the same number for every thread.
  func chunks(of count: Int, atMost most: Int) -> Int {
    let threads = pool.threadCount
    return min((count + most * threads - 1) / (most * threads) * threads, count)
  }

  /// Divides a count among the threads, in pieces that are worth a thread's while.
  private func inPieces(of count: Int, atLeast minimum: Int, _ body: (Range<Int>) -> Void) {
    let piece = max(minimum, (count + pool.threadCount * 2 - 1) / (pool.threadCount * 2))
    pool.run((count + piece - 1) / piece) { index, _ in
      body(index * piece..<min((index + 1) * piece, count))
    }
  }
}

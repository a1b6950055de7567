import CKernelSupport
import ResNetV2
import Tensors

/// The work of one layer, divided among the threads.
struct LayerRun {
  let executor: FastExecutor
  let node: Int
  let inputShape: Shape
  let outputShape: Shape

  private var kernels: Kernels { executor.kernels }
  private var pool: WorkerPool { executor.pool }
  private var constants: LayerConstants { executor.constants[node] }

  /// Does the node's own operation.
  func perform(inputs: [UnsafePointer<Float>], output: UnsafeMutablePointer<Float>) {
    let count = outputShape.elementCount
    switch executor.graph.nodes[node].operation {
    case .input:
      output.update(from: inputs[0], count: count)
    case .convolution, .dense:
      var work = RNWConvolution()
      work.output = output
      convolve(inputs[0], work)
    case .norm(.batch, _):
      affine(inputs[0], rectifies: false, output: output)
    case .norm(.group(let groups, let epsilon), let channels):
      groupNorm(inputs[0], groups: groups, epsilon: epsilon, channels: channels, output: output)
    case .relu:
      inPieces(of: count, atLeast: 1 << 14) { range in
        kernels.rectify(inputs[0] + range.lowerBound, output + range.lowerBound, range.count)
      }
    case .add:
      inPieces(of: count, atLeast: 1 << 14) { range in
        kernels.add(
          inputs[0] + range.lowerBound, inputs[1] + range.lowerBound, output + range.lowerBound,
          range.count)
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
          inputs[0] + image * pixels * channels, output + image * channels, pixels, channels)
      }
    case .softmax:
      let values = Array(UnsafeBufferPointer(start: inputs[0], count: count))
      let result = softmax(Activation(shape: outputShape, values: values))
      result.withPointer { output.update(from: $0, count: count) }
    }
  }

  /// input · scale + shift, and perhaps a ReLU.
  func affine(
    _ input: UnsafePointer<Float>, rectifies: Bool, output: UnsafeMutablePointer<Float>
  ) {
    guard let scale = constants.scale, let shift = constants.shift else { return }
    let channels = scale.count
    inPieces(of: outputShape.elementCount / channels, atLeast: (1 << 14) / channels + 1) { range in
      let start = range.lowerBound * channels
      kernels.affine(
        input + start, scale.pointer, shift.pointer, rectifies, output + start, range.count,
        channels)
    }
  }

  // MARK: - Convolution

  /// The most bytes of packed weights that a thread keeps in its cache while it goes over the
  /// pixels.
  private static let cachedWeights = 1100 << 10

  /// Packed weights above this are worth going over only for many pixels at once.
  private static let smallWeights = 300 << 10

  /// The most bytes of one panel that stay in the cache; a larger panel is done in blocks of taps.
  private static let cachedPanel = 384 << 10

  /// The most tiles whose sums wait for the next block of taps.
  private static let maximumWaitingTiles = 64

  /// Convolves; `fused` says what is done to the result and where it goes.
  func convolve(_ input: UnsafePointer<Float>, _ fused: RNWConvolution) {
    let conv = convolution
    var work = RNWConvolution(conv, input: inputShape, output: outputShape)
    work.input = input
    work.weights = constants.weights.map { UnsafePointer($0.pointer) }
    work.zeros = UnsafePointer(executor.zeros.pointer)
    work.bias = constants.bias.map { UnsafePointer($0.pointer) }
    work.scale = fused.scale
    work.shift = fused.shift
    work.rectifies = fused.rectifies
    work.residual = fused.residual
    work.output = fused.output
    work.nextScale = fused.nextScale
    work.nextShift = fused.nextShift
    work.nextRectifies = fused.nextRectifies
    work.activated = fused.activated
    guard conv.padding > 0, conv.inputChannels <= Self.fewChannels else {
      return divide(work, conv)
    }
    // A few channels make a short loop under each tap. With the border in memory, the taps of a row
    // lie side by side, and one loop goes over all of them.
    let padded = pad(input, by: conv.padding)
    work.input = UnsafePointer(padded.pointer)
    work.height += 2 * conv.padding
    work.width += 2 * conv.padding
    work.padding = 0
    work.kernelWidth = 1
    work.inputChannels = conv.kernel * conv.inputChannels
    divide(work, conv)
  }

  /// Below so many input channels the loop under one tap is too short to be worth its start.
  private static let fewChannels = 8

  /// A copy of the input with zeros around every image.
  private func pad(_ input: UnsafePointer<Float>, by padding: Int) -> AlignedFloats {
    let (height, width, channels) = (inputShape[1], inputShape[2], inputShape[3])
    let row = (width + 2 * padding) * channels
    let rows = height + 2 * padding
    let padded = AlignedFloats(count: inputShape[0] * rows * row)
    pool.run(inputShape[0] * rows) { index, _ in
      let target = padded.pointer + index * row
      let y = index % rows - padding
      guard y >= 0, y < height else { return target.update(repeating: 0, count: row) }
      let source = input + (index / rows * height + y) * width * channels
      let border = padding * channels
      target.update(repeating: 0, count: border)
      (target + border).update(from: source, count: width * channels)
      (target + border + width * channels).update(repeating: 0, count: border)
    }
    return padded
  }

  private var convolution: Operation.Convolution {
    switch executor.graph.nodes[node].operation {
    case .convolution(let conv):
      return conv
    case .dense(let inputChannels, let outputChannels, _):
      return .init(
        kernel: 1, stride: 1, padding: 0, inputChannels: inputChannels,
        outputChannels: outputChannels)
    default:
      preconditionFailure("only convolutions and dense layers are convolved")
    }
  }

  /// Divides the tiles and panels among the threads, so that weights or pixels stay in their
  /// caches.
  private func divide(_ work: RNWConvolution, _ conv: Operation.Convolution) {
    var work = work
    let taps = work.kernelHeight * work.kernelWidth
    let bytesPerTap = work.inputChannels * kernels.panelWidth * MemoryLayout<Float>.size
    work.tapsPerBlock = max(1, min(taps, Self.cachedPanel / bytesPerTap))
    let pixels = work.images * work.outputHeight * work.outputWidth
    let tiles = (pixels + kernels.tileRows - 1) / kernels.tileRows
    let panels = kernels.panelCount(conv.outputChannels)
    let weightBytes =
      kernels.packedCount(conv.outputChannels, work.inputChannels, taps) * MemoryLayout<Float>.size
    let isBlocked = work.tapsPerBlock < taps
    let panelsInside = !isBlocked && weightBytes <= Self.cachedWeights && tiles >= pool.threadCount
    let perThread = panelsInside ? (weightBytes > Self.smallWeights ? 2 : 8) : 4
    let wanted = pool.threadCount * perThread
    var chunks = min(tiles, panelsInside ? wanted : (wanted + panels - 1) / panels)
    if isBlocked { chunks = max(chunks, tiles / Self.maximumWaitingTiles) }
    let perChunk = (tiles + chunks - 1) / max(chunks, 1)
    chunks = (tiles + perChunk - 1) / perChunk
    let scratch = Scratch(
      sums: kernels.sumCount(isBlocked ? perChunk : 1), pixels: taps * kernels.tileRows,
      workers: pool.threadCount)
    withUnsafePointer(to: work) { work in
      pool.run(panelsInside ? chunks : chunks * panels) { piece, worker in
        let chunk = panelsInside ? piece : piece % chunks
        let panel = panelsInside ? 0..<panels : piece / chunks..<piece / chunks + 1
        let start = chunk * perChunk
        kernels.convolve(
          work, panel, start..<min(start + perChunk, tiles), panelsInside, scratch.sums(worker),
          scratch.pixels(worker))
      }
    }
  }

  /// What each thread needs while it convolves.
  private final class Scratch: @unchecked Sendable {
    private let floats: AlignedFloats
    private let addresses: UnsafeMutablePointer<UnsafePointer<Float>>
    private let sumCount: Int
    private let pixelCount: Int

    init(sums: Int, pixels: Int, workers: Int) {
      // A cache line apart, so that the threads do not take each other's lines.
      sumCount = (sums + 31) / 16 * 16
      pixelCount = (pixels + 15) / 8 * 8
      floats = AlignedFloats(count: sumCount * workers)
      addresses = .allocate(capacity: pixelCount * workers)
    }

    deinit {
      addresses.deallocate()
    }

    func sums(_ worker: Int) -> UnsafeMutablePointer<Float> {
      floats.pointer + worker * sumCount
    }

    func pixels(_ worker: Int) -> UnsafeMutablePointer<UnsafePointer<Float>> {
      addresses + worker * pixelCount
    }
  }

  // MARK: - Others

  private func groupNorm(
    _ input: UnsafePointer<Float>, groups: Int, epsilon: Double, channels: Int,
    output: UnsafeMutablePointer<Float>
  ) {
    guard let scale = constants.scale, let shift = constants.shift else { return }
    let pixels = outputShape[1] * outputShape[2]
    pool.run(outputShape[0]) { image, _ in
      let start = image * pixels * channels
      let (mean, variance) = kernels.moments(
        input + start, pixels: pixels, channels: channels, groups: groups)
      let imageScale = AlignedFloats(count: channels)
      let imageShift = AlignedFloats(count: channels)
      for channel in 0..<channels {
        let factor = Double(scale.pointer[channel]) / (variance[channel] + epsilon).squareRoot()
        imageScale.pointer[channel] = Float(factor)
        imageShift.pointer[channel] = Float(
          Double(shift.pointer[channel]) - mean[channel] * factor)
      }
      kernels.affine(
        input + start, imageScale.pointer, imageShift.pointer, false, output + start, pixels,
        channels)
    }
  }

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

  /// Divides a count among the threads, in pieces that are worth a thread's while.
  private func inPieces(of count: Int, atLeast minimum: Int, _ body: (Range<Int>) -> Void) {
    let piece = max(minimum, (count + pool.threadCount * 2 - 1) / (pool.threadCount * 2))
    pool.run((count + piece - 1) / piece) { index, _ in
      body(index * piece..<min((index + 1) * piece, count))
    }
  }
}

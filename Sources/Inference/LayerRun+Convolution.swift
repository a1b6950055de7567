import CKernelSupport
import KernelSet
import ResNetV2
import Tensors

extension LayerRun {
  /// The most bytes of packed weights that a thread keeps in its cache while it goes over the
  /// pixels.
  private static let cachedWeights = 1100 << 10

  /// Packed weights above this are worth going over only for many pixels at once.
  private static let smallWeights = 300 << 10

  /// The most bytes of one panel that stay in the cache; a larger panel is done in blocks of taps.
  private static let cachedPanel = 384 << 10

  /// The most products that are summed up one after the other: longer sums are made of shorter ones,
  /// which lose less.
  private static let longestSum = 1152

  /// The most tiles whose sums wait for the next block of taps.
  private static let maximumWaitingTiles = 64

  /// Convolves, and does to the result what the epilogue says beside the layer's own bias.
  func convolve(_ input: UnsafePointer<Float>, _ epilogue: RNWEpilogue) {
    guard constants.weights == nil, let unpacked = executor.unpacked else {
      return convolvePacked(input, epilogue)
    }
    if convolveInParts(unpacked, input, epilogue) { return }
    // What one part alone cannot tell, all weights together decide.
    let packed = LayerConstants(
      executor.graph.nodes[node], unpacked, method: constants.method, kernels: kernels, pool: pool)
    LayerRun(
      executor: executor, node: node, inputShape: inputShape, outputShape: outputShape,
      constants: packed
    ).convolvePacked(input, epilogue)
  }

  private func convolvePacked(_ input: UnsafePointer<Float>, _ epilogue: RNWEpilogue) {
    let work = work(input, epilogue)
    guard constants.method != .direct else { return convolveDirectly(work) }
    if convolveWithFewerProducts(work) { return }
    // An image's numbers do not depend on its neighbours.
    guard work.images == 1 else { return convolveImages(input, epilogue) }
    // A value that is not finite spoils more than the pixels that see it; the plain sum keeps to them.
    let weights = constants.restoredWeights(convolution, kernels: kernels, pool: pool)
    var plain = work
    plain.weights = UnsafePointer(weights.pointer)
    withExtendedLifetime(weights) { divide(plain, convolution) }
  }

  /// Convolves some output channels, whose weights these constants are.
  ///
  /// - Returns: whether it could be done; if not, the outputs are worth nothing.
  func convolvePart(_ input: UnsafePointer<Float>, _ epilogue: RNWEpilogue) -> Bool {
    let work = work(input, epilogue)
    if constants.method != .direct { return convolveWithFewerProducts(work) }
    convolveDirectly(work)
    return true
  }

  private func work(
    _ input: UnsafePointer<Float>, _ epilogue: RNWEpilogue
  ) -> RNWConvolution {
    let conv = convolution
    var work = RNWConvolution(conv, input: inputShape, output: outputShape)
    work.input = input
    work.weights = constants.weights.map { UnsafePointer($0.pointer) }
    work.zeros = UnsafePointer(executor.zeros.pointer)
    work.epilogue = epilogue
    work.epilogue.bias = constants.bias.map { UnsafePointer($0.pointer + (part?.first ?? 0)) }
    return work
  }

  private func convolveDirectly(_ work: RNWConvolution) {
    let conv = convolution
    var work = work
    guard work.top + work.left > 0, conv.inputChannels <= Self.fewChannels, conv.dilation == 1
    else {
      return divide(conv.isPlainProduct ? inTwoSums(work) : work, conv)
    }
    // A few channels make a short loop under each tap. With the border in memory, the taps of a row
    // lie side by side, and one loop goes over all of them.
    let height = max((work.outputHeight - 1) * conv.stride + conv.kernel, work.top + work.height)
    let width = max((work.outputWidth - 1) * conv.stride + conv.kernel, work.left + work.width)
    executor.arenas.withFloats(count: work.images * height * width * work.inputChannels) { padded in
      pad(work, height: height, width: width, to: padded)
      work.input = UnsafePointer(padded)
      (work.height, work.width) = (height, width)
      (work.top, work.left) = (0, 0)
      work.kernelWidth = 1
      work.inputChannels = conv.kernel * conv.inputChannels
      divide(work, conv)
    }
  }

  /// A plain product of long sums, seen as one of twice as many pixels of half the channels, two of which make a
  /// result: two taps, and so two sums.
  private func inTwoSums(_ work: RNWConvolution) -> RNWConvolution {
    guard work.inputChannels > Self.longestSum, work.inputChannels.isMultiple(of: 2) else {
      return work
    }
    var work = work
    work.inputChannels /= 2
    work.pixelStride = work.inputChannels
    work.width = work.outputHeight * work.outputWidth * 2
    work.height = 1
    work.outputWidth *= work.outputHeight
    work.outputHeight = 1
    work.kernelWidth = 2
    (work.stride, work.dilation) = (2, 1)
    return work
  }

  /// - Returns: whether it could be done; if not, the outputs are worth nothing.
  private func convolveWithFewerProducts(_ work: RNWConvolution) -> Bool {
    switch constants.method {
    case .direct: false
    case .winograd(let outputs): convolveSquares(work, outputs: outputs)
    case .strassen: convolveHalves(work)
    }
  }

  /// Convolves one image after the other.
  private func convolveImages(_ input: UnsafePointer<Float>, _ epilogue: RNWEpilogue) {
    let single = LayerRun(
      executor: executor, node: node, inputShape: Shape([1] + inputShape.dimensions.dropFirst()),
      outputShape: Shape([1] + outputShape.dimensions.dropFirst()), constants: constants)
    for image in 0..<inputShape[0] {
      let start = image * single.outputShape.elementCount
      var own = epilogue
      own.residual = epilogue.residual.map { $0 + start }
      own.output = epilogue.output.map { $0 + start }
      own.activated = epilogue.activated.map { $0 + start }
      single.convolvePacked(input + image * single.inputShape.elementCount, own)
    }
  }

  /// Below so many input channels the loop under one tap is too short to be worth its start.
  private static let fewChannels = 8

  /// Copies the input with zeros around every image, which then has a height and width.
  private func pad(
    _ work: RNWConvolution, height: Int, width: Int, to padded: UnsafeMutablePointer<Float>
  ) {
    let channels = work.inputChannels
    let source = work.width * channels
    let (left, row) = (work.left * channels, width * channels)
    pool.run(work.images * height) { index, _ in
      let target = padded + index * row
      let y = index % height - work.top
      guard y >= 0, y < work.height else { return target.update(repeating: 0, count: row) }
      let start = work.input + (index / height * work.height + y) * source
      target.update(repeating: 0, count: left)
      (target + left).update(from: start, count: source)
      (target + left + source).update(repeating: 0, count: row - left - source)
    }
  }

  /// What is computed, of a part that of its channels.
  private var convolution: Operation.Convolution {
    var convolution = executor.graph.nodes[node].operation.asConvolution
    if let part { convolution.outputChannels = part.count }
    return convolution
  }

  /// Divides the tiles and panels among the threads, so that weights or pixels stay in their
  /// caches.
  private func divide(_ work: RNWConvolution, _ conv: Operation.Convolution) {
    var work = work
    let taps = work.kernelHeight * work.kernelWidth
    let bytesPerTap = work.inputChannels * kernels.panelWidth * MemoryLayout<Float>.size
    work.tapsPerBlock = max(
      1, min(taps, Self.cachedPanel / bytesPerTap, Self.longestSum / work.inputChannels))
    let pixels = work.images * work.outputHeight * work.outputWidth
    let tiles = (pixels + kernels.tileRows - 1) / kernels.tileRows
    let panels = kernels.panelCount(outputChannels: conv.outputChannels)
    let weightBytes =
      kernels.packedCount(
        outputChannels: conv.outputChannels, inputChannels: work.inputChannels, taps: taps)
      * MemoryLayout<Float>.size
    let isBlocked = work.tapsPerBlock < taps
    let panelsInside = !isBlocked && weightBytes <= Self.cachedWeights && tiles >= pool.threadCount
    // Each thread keeps to its own pixels, layer after layer, also where the weights are large: what
    // it needs is then in its own cache.
    let perThread = panelsInside ? (weightBytes > Self.smallWeights ? 2 : 8) : 1
    var chunks = min(tiles, pool.threadCount * perThread)
    if isBlocked { chunks = max(chunks, tiles / Self.maximumWaitingTiles) }
    let tilesPerChunk = (tiles + chunks - 1) / chunks + 1
    let layout = ThreadScratch(
      floats: kernels.sumCount(tiles: isBlocked ? tilesPerChunk : 1),
      addresses: taps * kernels.tileRows)
    executor.arenas.withFloats(count: layout.count(threads: pool.threadCount)) { scratch in
      withUnsafePointer(to: work) { work in
        pool.run(panelsInside ? chunks : chunks * panels) { piece, worker in
          let chunk = panelsInside ? piece : piece / panels
          let panel = panelsInside ? 0..<panels : piece % panels..<piece % panels + 1
          kernels.convolve(
            work, panels: panel, pixels: pixels * chunk / chunks..<pixels * (chunk + 1) / chunks,
            panelsInside: panelsInside,
            sums: layout.floats(scratch, worker), addresses: layout.addresses(scratch, worker))
        }
      }
    }
  }
}

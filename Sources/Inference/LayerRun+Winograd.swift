import CKernelSupport
import KernelSet
import Synchronization
import Tensors

extension LayerRun {
  /// The most bytes of transformed squares that a thread works on at once: about half of its
  /// second-level cache.
  private static let cachedSquares = 640 << 10

  /// Below so many squares for each thread it is better to divide the positions.
  private static let fewSquares = 20

  /// The fewest squares that go through the weights together.
  private static let squaresPerPass = 14

  /// Convolves by squares.
  ///
  /// - Returns: whether all outputs are finite; if not, they are worth nothing.
  func convolveSquares(_ layer: RNWConvolution, outputs: Int) -> Bool {
    var work = RNWWinograd()
    work.layer = layer
    work.outputs = outputs
    work.across = (layer.outputWidth + outputs - 1) / outputs
    work.down = (layer.outputHeight + outputs - 1) / outputs
    let squares = layer.images * work.across * work.down
    return squares >= Self.fewSquares * pool.threadCount
      ? divideSquares(work, squares) : dividePositions(work, squares)
  }

  /// Gives each thread squares of its own, which it takes all the way; what it computes stays in its
  /// cache.
  private func divideSquares(_ work: RNWWinograd, _ squares: Int) -> Bool {
    let bytesPerSquare = floatsPerSquare(work) * positions(work) * MemoryLayout<Float>.size
    let wanted = max(Self.cachedSquares / bytesPerSquare, Self.squaresPerPass)
    let chunks = chunks(of: squares, atMost: wanted)
    let perChunk = (squares + chunks - 1) / chunks
    var work = work
    setSteps(&work, squares: perChunk)
    let layout = scratch(positions(work) * (work.inputStep + work.productStep))
    let isFinite = Atomic(true)
    executor.arenas.withFloats(count: layout.count(threads: pool.threadCount)) { scratch in
      pool.run(chunks) { chunk, worker in
        let range = squares * chunk / chunks..<squares * (chunk + 1) / chunks
        var work = work
        work.firstSquare = range.lowerBound
        work.inputs = layout.floats(scratch, worker)
        work.products = work.inputs + positions(work) * work.inputStep
        let pixels = layout.addresses(scratch, worker)
        kernels.transformInput(&work, squares: range, pixels: pixels)
        for position in 0..<positions(work) {
          kernels.multiplyTransformed(
            &work, position: position, squares: 0..<range.count, pixels: pixels)
        }
        if !kernels.transformOutput(&work, squares: range) {
          isFinite.store(false, ordering: .relaxed)
        }
      }
    }
    return isFinite.load(ordering: .relaxed)
  }

  /// Divides the positions, because there are few squares for a lot of weights.
  private func dividePositions(_ work: RNWWinograd, _ squares: Int) -> Bool {
    var work = work
    setSteps(&work, squares: squares)
    let shared = positions(work) * (work.inputStep + work.productStep)
    let layout = scratch(0)
    let isFinite = Atomic(true)
    executor.arenas.withFloats(count: shared + layout.count(threads: pool.threadCount)) { block in
      work.inputs = block
      work.products = block + positions(work) * work.inputStep
      let scratch = block + shared
      withUnsafePointer(to: work) { work in
        inRanges(of: squares) { range, worker in
          kernels.transformInput(work, squares: range, pixels: layout.addresses(scratch, worker))
        }
        pool.run(positions(work.pointee)) { position, worker in
          kernels.multiplyTransformed(
            work, position: position, squares: 0..<squares,
            pixels: layout.addresses(scratch, worker))
        }
        inRanges(of: squares) { range, _ in
          if !kernels.transformOutput(work, squares: range) {
            isFinite.store(false, ordering: .relaxed)
          }
        }
      }
    }
    return isFinite.load(ordering: .relaxed)
  }

  private func inRanges(of count: Int, _ body: (Range<Int>, Int) -> Void) {
    let pieces = min(count, pool.threadCount * 2)
    pool.run(pieces) { piece, worker in
      body(count * piece / pieces..<count * (piece + 1) / pieces, worker)
    }
  }

  private func scratch(_ floats: Int) -> ThreadScratch {
    ThreadScratch(floats: floats, addresses: max(36, kernels.tileRows))
  }

  private func positions(_ work: RNWWinograd) -> Int {
    (work.outputs + 2) * (work.outputs + 2)
  }

  private func floatsPerSquare(_ work: RNWWinograd) -> Int {
    kernels.wholeVectors(work.layer.inputChannels) + kernels.wholeVectors(work.layer.outputChannels)
  }

  /// Sets how far the positions lie apart: never a multiple of a page, or all values of a square would
  /// fall into the same few lines of the cache.
  private func setSteps(_ work: inout RNWWinograd, squares: Int) {
    let line = 16
    let step = { (channels: Int) in
      let count = squares * kernels.wholeVectors(channels)
      let lines = (count + line - 1) / line
      return (lines.isMultiple(of: 2) ? lines + 1 : lines) * line
    }
    work.inputStep = step(work.layer.inputChannels)
    work.productStep = step(work.layer.outputChannels)
  }
}

import CKernelSupport
import KernelSet
package import Tensors

extension ReferenceArithmetic {
  /// A convolution: the window moves by `stride` over an image with `top` rows of zeros above and `left`
  /// columns left of it, and as many below and right as the result needs.
  ///
  /// Features [N, C] are images of one pixel.
  ///
  /// - Parameters:
  ///   - weights: [height, width, input, output], or [input, output].
  ///   - bias: what is added per output channel.
  ///   - dilation: how many pixels apart the taps of the window are.
  ///   - shape: the shape of the result.
  package func convolve(
    _ input: Activation, weights: TensorData, bias: [Float]?, stride: Int = 1,
    dilation: Int = 1, top: Int = 0, left: Int = 0, to shape: Shape
  ) -> Activation {
    convolve(
      input, ReferenceWeights(weights, .outputsLast), bias: bias, stride: stride,
      dilation: dilation, top: top, left: left, to: shape)
  }

  /// The most pixels whose sums wait in a cache for the next weights.
  private static let pixelsAtOnce = 384

  /// The same with weights of any order.
  func convolve(
    _ input: Activation, _ weights: ReferenceWeights, bias: [Float]?, stride: Int = 1,
    dilation: Int = 1, top: Int = 0, left: Int = 0, to shape: Shape
  ) -> Activation {
    let zeros = [Float](repeating: 0, count: weights.inputChannels)
    let pixels = shape.elementCount / max(weights.outputChannels, 1)
    return make(shape) { output in
      input.withPointer { source in
        zeros.withUnsafeBufferPointer { zeros in
          bias.withOptionalPointer { bias in
            var work = RNWConvolution()
            work.setExtents(input: input.shape, output: shape)
            (work.kernelHeight, work.kernelWidth) = (weights.kernelHeight, weights.kernelWidth)
            work.inputChannels = weights.inputChannels
            (work.stride, work.dilation) = (stride, dilation)
            (work.top, work.left) = (top, left)
            work.input = source
            work.zeros = zeros.baseAddress
            work.epilogue.bias = bias
            work.epilogue.output = output
            withUnsafePointer(to: work) { work in
              weights.forEachPanels(kernels, pool: pool) { convolve(work, $0, pixels: pixels) }
            }
          }
        }
      }
    }
  }

  private func convolve(
    _ work: UnsafePointer<RNWConvolution>, _ panels: ReferenceWeights.Panels, pixels: Int
  ) {
    let rows = kernels.referenceRows
    let tiles = (pixels + rows - 1) / rows
    // Enough pieces that the threads end together.
    let wanted = (pool.threadCount * 4 + panels.channels.count - 1) / panels.channels.count
    let atOnce = Self.pixelsAtOnce / rows
    let chunks = min(tiles, max(wanted, (tiles + atOnce - 1) / atOnce))
    pool.run(panels.channels.count * chunks) { piece, _ in
      let (panel, chunk) = (piece / chunks, piece % chunks)
      let first = tiles * chunk / chunks * rows
      let end = min(tiles * (chunk + 1) / chunks * rows, pixels)
      kernels.convolveReference(
        work, weights: panels.weights(of: panel), channels: panels.channels[panel],
        pixels: first..<end)
    }
  }
}

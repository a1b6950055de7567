import CKernelSupport
import KernelSet
import ResNetV2
package import Tensors

/// The operations of networks with sums in Double, in a fixed order, on float32 values: what every
/// reference is made of.
///
/// Images are [N, H, W, C], row-major. No shape is checked here: whoever calls has the shapes of the
/// values before and after.
package struct ReferenceArithmetic: Sendable {
  private let kernels: any KernelSet.Type
  let pool: WorkerPool

  /// Prepares to compute on the threads of a pool.
  package init(pool: WorkerPool, instructionSet: InstructionSet = .best) {
    kernels = instructionSet.kernels
    self.pool = pool
  }

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
    let sizes = weights.shape.dimensions
    let (height, width) = sizes.count == 4 ? (sizes[0], sizes[1]) : (1, 1)
    let (inputChannels, outputChannels) = (sizes[sizes.count - 2], sizes[sizes.count - 1])
    // What lies outside the image is only looked at where that makes a difference.
    let zeros =
      weights.isFinite ? [] : [Float](repeating: 0, count: inputChannels)
    let pixels = shape.elementCount / max(outputChannels, 1)
    // A few pixels at a time, so that the threads end together.
    let piece = max(1, min(64, pixels / (pool.threadCount * 4)))
    return make(shape) { output in
      weights.withFloats { weights in
        input.withPointer { source in
          zeros.withUnsafeBufferPointer { zeros in
            bias.withOptionalPointer { bias in
              var work = RNWConvolution()
              work.setExtents(input: input.shape, output: shape)
              (work.kernelHeight, work.kernelWidth) = (height, width)
              (work.inputChannels, work.pixelStride) = (inputChannels, inputChannels)
              (work.stride, work.dilation) = (stride, dilation)
              (work.top, work.left) = (top, left)
              work.tapsPerBlock = height * width
              work.input = source
              work.weights = weights.baseAddress
              work.zeros = zeros.isEmpty ? nil : zeros.baseAddress
              work.epilogue.bias = bias
              work.epilogue.output = output
              withUnsafePointer(to: work) { work in
                pool.run((pixels + piece - 1) / piece) { index, _ in
                  let start = index * piece
                  kernels.convolveReference(work, pixels: start..<min(start + piece, pixels))
                }
              }
            }
          }
        }
      }
    }
  }

  /// (x − mean) / √(variance + ε) · scale + shift, per channel.
  package func normalize(
    _ input: Activation, mean: [Float], variance: [Float], epsilon: Double, scale: [Float],
    shift: [Float]
  ) -> Activation {
    let (mean, variance) = (mean.map(Double.init), variance.map(Double.init))
    let channels = scale.count
    return make(input.shape) { output in
      input.withPointer { source in
        kernels.normalizeReference(
          source, mean: mean, variance: variance, epsilon: epsilon, scale: scale, shift: shift,
          output: output,
          pixels: input.values.count / max(channels, 1), channels: channels)
      }
    }
  }

  /// The same with the moments of each image's groups of channels.
  package func normalize(
    _ input: Activation, groups: Int, epsilon: Double, scale: [Float], shift: [Float]
  ) -> Activation {
    let channels = scale.count
    let images = input.shape[0]
    let pixels = input.values.count / max(channels * images, 1)
    return make(input.shape) { output in
      input.withPointer { source in
        for image in 0..<images {
          let start = image * pixels * channels
          let (mean, variance) = kernels.moments(
            source + start, pixels: pixels, channels: channels, groups: groups)
          kernels.normalizeReference(
            source + start, mean: mean, variance: variance, epsilon: epsilon, scale: scale,
            shift: shift, output: output + start, pixels: pixels,
            channels: channels)
        }
      }
    }
  }

  /// max(x, 0).
  package func rectify(_ input: Activation) -> Activation {
    make(input.shape) { output in
      input.withPointer { kernels.rectify($0, output: output, count: input.shape.elementCount) }
    }
  }

  /// The sum of two values of the same shape.
  package func add(_ first: Activation, _ second: Activation) -> Activation {
    make(first.shape) { output in
      first.withPointer { first in
        second.withPointer {
          kernels.add(first, $0, output: output, count: second.shape.elementCount)
        }
      }
    }
  }

  /// The largest value of each window.
  package func maxPool(_ input: Activation, _ window: PoolWindow, to shape: Shape) -> Activation {
    pool(input, window, to: shape, kernels.maxPool)
  }

  /// The mean of each window, counting only what lies within the image.
  package func averagePool(
    _ input: Activation, _ window: PoolWindow, to shape: Shape
  ) -> Activation {
    pool(input, window, to: shape, kernels.averagePool)
  }

  /// The mean over the image: [N, H, W, C] to [N, C], or to any shape with as many values.
  package func globalAverage(_ input: Activation, to shape: Shape) -> Activation {
    let pixels = input.shape[1] * input.shape[2]
    let channels = input.shape[3]
    return make(shape) { output in
      input.withPointer { source in
        for image in 0..<shape[0] {
          kernels.globalAverage(
            source + image * pixels * channels, output: output + image * channels, pixels: pixels,
            channels: channels)
        }
      }
    }
  }

  /// A function of each value, or a softmax over the innermost axis, in Double.
  package func apply(
    _ activation: ActivationFunction, to input: Activation
  ) -> Activation {
    guard activation != .relu else { return rectify(input) }
    let row = input.shape[input.shape.rank - 1]
    return make(input.shape) { output in
      input.withPointer { activation.apply($0, output, input.values.count, row: row) }
    }
  }

  /// exp(x) / Σ exp(x) over the innermost axis.
  package func softmax(_ input: Activation) -> Activation {
    apply(.softmax, to: input)
  }

  /// x · scale + offset per channel, of x with its channels in reverse order where asked.
  package func adjust(_ input: Activation, _ adjustment: Adjustment) -> Activation {
    make(input.shape) { output in
      input.withPointer {
        adjustment.apply($0, output, pixels: input.values.count / adjustment.channels)
      }
    }
  }

  /// The largest value of each channel: [N, H, W, C] to [N, C], or to any shape with as many values.
  package func globalMaximum(_ input: Activation, to shape: Shape) -> Activation {
    make(shape) { output in
      input.withPointer { RearrangedValues(input.shape).maximum($0, output) }
    }
  }

  /// All values of an image side by side, the channels outermost or innermost.
  package func flatten(
    _ input: Activation, channelsFirst: Bool, to shape: Shape
  ) -> Activation {
    make(shape) { output in
      input.withPointer {
        RearrangedValues(input.shape).flatten($0, output, channelsFirst: channelsFirst)
      }
    }
  }

  /// Channels of zeros before and after the others.
  package func padChannels(_ input: Activation, before: Int, to shape: Shape) -> Activation {
    make(shape) { output in
      input.withPointer {
        RearrangedValues(input.shape).padChannels($0, output, before: before, of: shape[3])
      }
    }
  }

  private func pool(
    _ input: Activation, _ window: PoolWindow, to shape: Shape,
    _ kernel: (UnsafePointer<RNWPool>, Range<Int>) -> Void
  ) -> Activation {
    make(shape) { output in
      input.withPointer { source in
        var work = RNWPool(window, input: input.shape, output: shape)
        work.input = source
        work.output = output
        kernel(&work, 0..<shape[0] * shape[1])
      }
    }
  }

  private func make(
    _ shape: Shape, _ body: (UnsafeMutablePointer<Float>) -> Void
  ) -> Activation {
    Activation(
      shape: shape,
      values: [Float](unsafeUninitializedCapacity: shape.elementCount) { buffer, count in
        if let start = buffer.baseAddress { body(start) }
        count = shape.elementCount
      })
  }
}

/// A square window that moves over an image.
package struct PoolWindow: Hashable, Sendable {
  /// The height and width.
  package let size: Int
  /// The stride in both directions.
  package let stride: Int
  /// The rows above the image where the first window begins.
  package let top: Int
  /// The columns left of it.
  package let left: Int
  /// Whether the border counts as zeros rather than not at all.
  package let includesZeros: Bool

  /// Describes a window.
  package init(size: Int, stride: Int, top: Int = 0, left: Int = 0, includesZeros: Bool = false) {
    self.size = size
    self.stride = stride
    self.top = top
    self.left = left
    self.includesZeros = includesZeros
  }
}

extension RNWPool {
  /// The extents of a window that moves over an image.
  init(_ window: PoolWindow, input: Shape, output: Shape) {
    self.init()
    (images, height, width, channels) = (input[0], input[1], input[2], input[3])
    (outputHeight, outputWidth) = (output[1], output[2])
    (size, stride) = (window.size, window.stride)
    (top, left) = (window.top, window.left)
    includesZeros = window.includesZeros ? 1 : 0
  }
}

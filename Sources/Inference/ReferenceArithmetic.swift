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
  let kernels: any KernelSet.Type
  let pool: WorkerPool

  /// Prepares to compute on the threads of a pool.
  package init(pool: WorkerPool, instructionSet: InstructionSet = .best) {
    kernels = instructionSet.kernels
    self.pool = pool
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
        inPieces(of: input.values.count / max(channels, 1), channels: channels) { start, pixels in
          kernels.normalizeReference(
            source + start, mean: mean, variance: variance, epsilon: epsilon, scale: scale,
            shift: shift, output: output + start, pixels: pixels, channels: channels)
        }
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
          inPieces(of: pixels, channels: channels) { first, pixels in
            kernels.normalizeReference(
              source + start + first, mean: mean, variance: variance, epsilon: epsilon,
              scale: scale, shift: shift, output: output + start + first, pixels: pixels,
              channels: channels)
          }
        }
      }
    }
  }

  /// Divides pixels among the threads, each of which computes by itself.
  ///
  /// - Parameter body: is given where the first of some pixels lies, and how many there are.
  private func inPieces(
    of pixels: Int, channels: Int, _ body: (_ start: Int, _ pixels: Int) -> Void
  ) {
    let piece = max(1, (1 << 16) / max(channels, 1))
    pool.run((pixels + piece - 1) / piece) { index, _ in
      body(index * piece * channels, min(piece, pixels - index * piece))
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

  func make(
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

package import Files
package import Tensors

/// What a node of a file's graph computes; images are NHWC.
package enum SourceOperation: Hashable, Sendable {
  /// The image that is given; the sizes that the file fixes.
  case input(height: Int?, width: Int?, channels: Int?)

  /// A border around an image: of zeros, or of values that never win in a max-pool.
  case padding(Border)

  /// Channels of zeros before and after the others.
  case padChannels(before: Int, after: Int)

  /// A two-dimensional convolution.
  case convolution(Convolution)

  /// (x − mean) / √(variance + ε) · scale + shift over the channels, with stored statistics; a factor or summand
  /// that is turned off is left out.
  case batchNorm(Norm)

  /// The same with the statistics of each image and group of channels.
  case groupNorm(Norm, groups: Int)

  /// A function of each value, or of each pixel's values.
  case activation(ActivationFunction)

  /// The largest value of each window.
  case maxPool(Window)

  /// The mean of each window, counting only what lies within the image.
  case averagePool(Window)

  /// The mean over the image: to [N, C], or to [N, 1, 1, C].
  case globalAverage(keepsImage: Bool)

  /// The largest value over the image.
  case globalMaximum(keepsImage: Bool)

  /// All inputs, value by value.
  case merge(Merge)

  /// All inputs side by side along an axis.
  case concatenate(axis: Int)

  /// x · kernel + bias over the last axis.
  case dense(outputs: Int, hasBias: Bool)

  /// All values of an image in a row: [C, H, W], or [H, W, C].
  case flatten(channelsFirst: Bool)

  /// The same values in another shape; sizes without that of the batch, one of which may be −1.
  case reshape([Int])

  /// What only training does anything in: dropout, noise, random changes of an image.
  case identity

  /// x · scale + offset, with a value for all channels or one for each.
  case affine(scale: [Double], offset: [Double])

  /// (x − mean) / max(√variance, 10⁻⁷), with a mean and a variance of each channel that stand among the weights.
  case standardize

  /// The channels in reverse order.
  case reverseChannels

  /// One channel of an image alone: [N, H, W]. It means something only where channels are put together again.
  case channel(Int)

  /// Channels that were taken alone, put together again.
  case stackChannels

  /// An image with its channels outermost. It means something only where it is flattened.
  case channelsFirst

  /// What is not understood, and why.
  case other(InputError)

  /// A border around an image.
  package struct Border: Hashable, Sendable {
    /// The rows and columns on each side.
    package var top: Int
    package var bottom: Int
    package var left: Int
    package var right: Int
    /// Whether the values are −∞ rather than zeros.
    package var isNegativeInfinity = false
  }

  /// The options of a convolution.
  package struct Convolution: Hashable, Sendable {
    /// The channels that it puts out.
    package var outputs: Int
    /// The height and width of the kernel.
    package var height: Int
    package var width: Int
    /// The stride in both directions.
    package var stride: Int
    /// Whether the image is padded so that ⌈size / stride⌉ pixels come out, rather than not at all.
    package var isSame: Bool
    /// Whether a bias is added.
    package var hasBias: Bool
    /// How many pixels apart the taps are, in both directions.
    package var dilation = 1

    /// The rows and columns of an image that the taps span.
    package var spanHeight: Int { (height - 1) * dilation + 1 }
    package var spanWidth: Int { (width - 1) * dilation + 1 }
  }

  /// The options of a norm.
  package struct Norm: Hashable, Sendable {
    /// The axis of the channels; negative ones count from the end.
    package var axis: Int
    /// What is added to the variance.
    package var epsilon: Double
    /// Whether there is a factor.
    package var hasScale: Bool
    /// Whether there is a summand.
    package var hasShift: Bool
    /// Whether there are a mean and a variance; without, they are 0 and 1.
    package var hasStatistics = true
  }

  /// A square window of a pool.
  package struct Window: Hashable, Sendable {
    /// The height and width.
    package var size: Int
    /// The stride in both directions.
    package var stride: Int
    /// Whether the image is padded so that ⌈size / stride⌉ pixels come out, rather than not at all.
    package var isSame: Bool
  }

  /// How values are put together.
  package enum Merge: String, Hashable, Sendable {
    case add, subtract, multiply, average, maximum, minimum
  }
}

extension SourceOperation {
  /// The variables that the layer has, in the order in which its framework keeps them.
  package var variables: [String] {
    switch self {
    case .convolution(let conv): ["kernel"] + (conv.hasBias ? ["bias"] : [])
    case .dense(_, let hasBias): ["kernel"] + (hasBias ? ["bias"] : [])
    case .batchNorm(let norm):
      norm.variables + (norm.hasStatistics ? ["moving_mean", "moving_variance"] : [])
    case .groupNorm(let norm, _): norm.variables
    case .standardize: ["mean", "variance"]
    default: []
    }
  }

  /// Whether a window moves over the image, so that padding before it is part of the operation.
  package var hasWindow: Bool {
    switch self {
    case .convolution, .maxPool, .averagePool: true
    default: false
    }
  }

  /// Whether the value that is read is handed on unchanged, whatever its shape.
  package var isIdentity: Bool { self == .identity }
}

extension SourceOperation.Norm {
  fileprivate var variables: [String] { (hasScale ? ["gamma"] : []) + (hasShift ? ["beta"] : []) }
}

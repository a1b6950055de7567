public import Tensors

/// What a node of the graph computes; images are NHWC.
public enum Operation: Hashable, Sendable {
  /// The image that is given.
  case input(channels: Int)

  /// x · scale + offset per channel, of x with its channels in reverse order where asked; empty
  /// lists are 1 and 0.
  case adjust(scale: [Double], offset: [Double], reversesChannels: Bool)

  /// A two-dimensional convolution.
  case convolution(Convolution)

  /// A normalisation over the channels.
  case norm(Configuration.Norm, channels: Int, affine: Affine = .both)

  /// A function of each value, or of all channels.
  case activation(ActivationFunction)

  /// The largest value of each window.
  case maxPool(Pool)

  /// The mean of each window, counting only what lies within the image.
  case averagePool(Pool)

  /// Every `stride`-th pixel in both directions, starting with the first.
  case subsample(stride: Int)

  /// Channels of zeros before and after the others.
  case padChannels(before: Int, after: Int)

  /// The sum of the two inputs.
  case add

  /// The mean over the image: [N, H, W, C] to [N, C].
  case globalAverage

  /// The largest value of each channel: [N, H, W, C] to [N, C].
  case globalMaximum

  /// All values of an image of that size side by side: [N, H, W, C] to [N, H · W · C], channels
  /// outermost (C, H, W) or innermost (H, W, C).
  case flatten(height: Int, width: Int, channelsFirst: Bool)

  /// x · Wᵀ + b over the channels, with W [out, in].
  case dense(inputChannels: Int, outputChannels: Int, hasBias: Bool)

  /// max(x, 0).
  public static let relu = Operation.activation(.relu)

  /// exp(x) / Σ exp(x) over the channels.
  public static let softmax = Operation.activation(.softmax)

  /// Which of its parameters a norm has.
  public struct Affine: Hashable, Sendable {
    /// Whether there is a scale; without, it is 1.
    public var hasScale: Bool
    /// Whether there is a shift; without, it is 0.
    public var hasShift: Bool
    /// Whether a batch norm has a mean and a variance; without, they are 0 and 1.
    public var hasStatistics: Bool

    /// All, as usual.
    public static let both = Affine(hasScale: true, hasShift: true)

    /// Says which there are.
    public init(hasScale: Bool, hasShift: Bool, hasStatistics: Bool = true) {
      self.hasScale = hasScale
      self.hasShift = hasShift
      self.hasStatistics = hasStatistics
    }
  }

  /// The properties of a convolution.
  public struct Convolution: Hashable, Sendable {
    /// The height and width of the kernel.
    public var kernel: Int
    /// The stride in both directions.
    public var stride: Int
    /// How many pixels apart the taps of the kernel are, in both directions.
    public var dilation: Int
    /// The zeros around the image.
    public var padding: Padding
    /// The channels that it reads.
    public var inputChannels: Int
    /// The channels that it puts out.
    public var outputChannels: Int
    /// Whether a bias is added.
    public var hasBias: Bool
    /// The ε of weight standardisation, where the weights are standardised before use.
    public var weightStandardizationEpsilon: Double?

    /// Makes the properties of a convolution.
    public init(
      kernel: Int, stride: Int, dilation: Int = 1, padding: Padding, inputChannels: Int,
      outputChannels: Int, hasBias: Bool = false, weightStandardizationEpsilon: Double? = nil
    ) {
      self.kernel = kernel
      self.stride = stride
      self.dilation = dilation
      self.padding = padding
      self.inputChannels = inputChannels
      self.outputChannels = outputChannels
      self.hasBias = hasBias
      self.weightStandardizationEpsilon = weightStandardizationEpsilon
    }

    /// The height and width of the part of an image that the taps span.
    package var span: Int { (kernel - 1) * dilation + 1 }

    /// The zeros around the image.
    public enum Padding: Hashable, Sendable {
      /// So many rows and columns on every side.
      case each(Int)
      /// As few as give ⌈size / stride⌉ outputs, the odd one below and right.
      case same
    }
  }

  /// The properties of a pooling window.
  public struct Pool: Hashable, Sendable {
    /// The height and width of the window.
    public var size: Int
    /// The stride in both directions.
    public var stride: Int
    /// How the border is filled.
    public var padding: Padding

    /// Makes the properties of a window.
    public init(size: Int, stride: Int, padding: Padding) {
      self.size = size
      self.stride = stride
      self.padding = padding
    }

    /// How the border of a pool is filled.
    public enum Padding: Hashable, Sendable {
      /// So many rows and columns of zeros on each side.
      case zero(Int)
      /// So many rows and columns on each side that do not count.
      case ignored(Int)
      /// As few as give ⌈size / stride⌉ outputs, the odd one below and right; they do not count.
      case same
    }
  }
}

extension Operation {
  /// Whether it makes one value of a channel's whole image.
  package var isGlobalPool: Bool { self == .globalAverage || self == .globalMaximum }
}

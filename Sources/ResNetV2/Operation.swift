/// What a node of the graph computes; images are NHWC.
public enum Operation: Hashable, Sendable {
  /// The image that is given.
  case input(channels: Int)

  /// A two-dimensional convolution.
  case convolution(Convolution)

  /// A normalisation over the channels.
  case norm(Configuration.Norm, channels: Int)

  /// max(x, 0).
  case relu

  /// The largest value of each window.
  case maxPool(Pool)

  /// The mean of each window, counting only what lies within the image.
  case averagePool(Pool)

  /// Every `stride`-th pixel in both directions, starting with the first.
  case subsample(stride: Int)

  /// The sum of the two inputs.
  case add

  /// The mean over the image: [N, H, W, C] to [N, C].
  case globalAverage

  /// x · Wᵀ + b, with W [out, in].
  case dense(inputChannels: Int, outputChannels: Int, hasBias: Bool)

  /// exp(x) / Σ exp(x) over the channels.
  case softmax

  /// The properties of a convolution.
  public struct Convolution: Hashable, Sendable {
    /// The height and width of the kernel.
    public var kernel: Int
    /// The stride in both directions.
    public var stride: Int
    /// The zeros around the image on every side.
    public var padding: Int
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
      kernel: Int, stride: Int, padding: Int, inputChannels: Int, outputChannels: Int,
      hasBias: Bool = false, weightStandardizationEpsilon: Double? = nil
    ) {
      self.kernel = kernel
      self.stride = stride
      self.padding = padding
      self.inputChannels = inputChannels
      self.outputChannels = outputChannels
      self.hasBias = hasBias
      self.weightStandardizationEpsilon = weightStandardizationEpsilon
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

extension Configuration {
  /// What happens before the first block: convolution, perhaps norm and ReLU, perhaps a max-pool.
  public struct Stem: Hashable, Sendable {
    /// The convolutions, first to last: one 7×7, three 3×3 (“deep”), or one 3×3 for small images.
    public var convolutions: [Convolution]

    /// Whether a norm and ReLU stand after the last convolution.
    ///
    /// Between the convolutions of a deep stem they always do.
    public var hasNorm: Bool

    /// The max-pool that follows, or `nil` where there is none.
    public var pool: Pool?

    /// Makes a stem.
    public init(convolutions: [Convolution], hasNorm: Bool, pool: Pool?) {
      self.convolutions = convolutions
      self.hasNorm = hasNorm
      self.pool = pool
    }

    /// Makes a stem that ends in the usual max-pool: 3×3 with stride 2.
    public init(convolutions: [Convolution], hasNorm: Bool, poolPadding: PoolPadding) {
      self.init(convolutions: convolutions, hasNorm: hasNorm, pool: Pool(padding: poolPadding))
    }

    /// One convolution of the stem.
    public struct Convolution: Hashable, Sendable, Encodable {
      /// The height and width of the kernel.
      public var kernel: Int
      /// The stride in both directions.
      public var stride: Int
      /// The channels that it puts out.
      public var outputChannels: Int
      /// Whether it has a bias.
      public var hasBias: Bool

      /// Makes a convolution.
      public init(kernel: Int, stride: Int, outputChannels: Int, hasBias: Bool) {
        self.kernel = kernel
        self.stride = stride
        self.outputChannels = outputChannels
        self.hasBias = hasBias
      }
    }

    /// The max-pool at the end of the stem.
    public struct Pool: Hashable, Sendable, Encodable {
      /// The height and width of the window.
      public var size: Int
      /// The stride in both directions.
      public var stride: Int
      /// How the border is filled.
      public var padding: PoolPadding

      /// Makes a max-pool; usually it is 3×3 with stride 2.
      public init(size: Int = 3, stride: Int = 2, padding: PoolPadding) {
        self.size = size
        self.stride = stride
        self.padding = padding
      }
    }

    /// How the border of the max-pool is filled.
    ///
    /// It matters exactly where no ReLU comes before: zero then beats negative values at the
    /// border.
    public enum PoolPadding: String, Hashable, Sendable, Codable {
      /// Zeros on each side, half the window less one wide (Keras, BiT).
      case zero
      /// As wide, of values that never win (PyTorch).
      case negativeInfinity
      /// TensorFlow's SAME: as little as needed, the odd one below and right, never winning
      /// (tf-slim).
      case same
      /// No border: windows lie within the image (Keras' ResNet50 before 2018).
      case valid
    }
  }
}

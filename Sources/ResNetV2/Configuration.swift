/// Which residual network it is: a point in a space of independent options.
///
/// Every public family of ResNet weights is one combination of these options; nothing downstream
/// asks for the family. Two configurations that differ in any option are different networks, even
/// where their parameters have the same names and shapes.
public struct Configuration: Hashable, Sendable, Codable {
  /// How the convolutions of a block are arranged.
  public var block: Block

  /// The stages, first to last.
  public var stages: [Stage]

  /// What happens before the first block.
  public var stem: Stem

  /// How the side path of a block is made where it is not the identity.
  public var shortcut: Shortcut

  /// The normalisation used everywhere.
  public var norm: Norm

  /// What follows the last block.
  public var head: Head

  /// The number of channels of an input image.
  public var inputChannels: Int

  /// Whether the input itself passes through a normalisation first (Gluon).
  public var normalizesInput: Bool

  /// The ε of weight standardisation of every convolution but the head, or `nil` for plain weights.
  ///
  /// W′ = (W − mean) / √(variance + ε) per output channel with biased variance (Qiao et al., 2019).
  public var weightStandardizationEpsilon: Double?

  /// Makes a configuration.
  public init(
    block: Block, stages: [Stage], stem: Stem, shortcut: Shortcut, norm: Norm, head: Head,
    inputChannels: Int = 3, normalizesInput: Bool = false,
    weightStandardizationEpsilon: Double? = nil
  ) {
    self.block = block
    self.stages = stages
    self.stem = stem
    self.shortcut = shortcut
    self.norm = norm
    self.head = head
    self.inputChannels = inputChannels
    self.normalizesInput = normalizesInput
    self.weightStandardizationEpsilon = weightStandardizationEpsilon
  }
}

extension Configuration {
  /// How the convolutions of a block are arranged.
  public struct Block: Hashable, Sendable, Codable {
    /// Two 3×3 convolutions, or a 3×3 between two 1×1.
    public var kind: Kind

    /// Whether a norm and ReLU come before each convolution or after it.
    public var order: Order

    /// Which convolution of a block that shrinks the image has the stride.
    public var stridedConvolution: StridedConvolution

    /// Which block of a stage shrinks the image.
    public var stridedBlock: StridedBlock

    /// Whether the convolutions before the last one of a block have biases.
    public var hasInnerBiases: Bool

    /// Whether the last convolution of a block has a bias.
    public var hasLastBias: Bool

    /// Makes a block.
    public init(
      kind: Kind, order: Order, stridedConvolution: StridedConvolution = .spatial,
      stridedBlock: StridedBlock, hasInnerBiases: Bool = false, hasLastBias: Bool = false
    ) {
      self.kind = kind
      self.order = order
      self.stridedConvolution = stridedConvolution
      self.stridedBlock = stridedBlock
      self.hasInnerBiases = hasInnerBiases
      self.hasLastBias = hasLastBias
    }

    /// The two block shapes of “Deep Residual Learning” (He and others, 2015), section 4.1.
    public enum Kind: String, Hashable, Sendable, Codable {
      /// Two 3×3 convolutions.
      case basic
      /// A 1×1, a 3×3 and a 1×1 convolution.
      case bottleneck
    }

    /// The order of norm, activation and convolution.
    public enum Order: String, Hashable, Sendable, Codable {
      /// Norm, ReLU, convolution; nothing after the addition (ResNetV2; He et al., 2016).
      case preActivation
      /// Convolution, norm, ReLU; a ReLU after the addition (ResNetV1; He et al., 2015).
      case postActivation
    }

    /// Which convolution of a block has the stride.
    public enum StridedConvolution: String, Hashable, Sendable, Codable {
      /// The first convolution of the block.
      case first
      /// The first 3×3 convolution: the only one of a bottleneck, the first of a basic block.
      case spatial
    }

    /// Which block of a stage has the stage's stride.
    public enum StridedBlock: String, Hashable, Sendable, Codable {
      /// The first block.
      case first
      /// The last block (Keras V2 and tf-slim).
      case last
    }
  }

  /// A run of blocks of the same width.
  public struct Stage: Hashable, Sendable, Codable {
    /// The number of blocks.
    public var blocks: Int

    /// The channels between the convolutions of a block.
    public var innerChannels: Int

    /// The channels that a block puts out.
    public var outputChannels: Int

    /// By how much the stage shrinks the image.
    public var stride: Int

    /// Makes a stage.
    public init(blocks: Int, innerChannels: Int, outputChannels: Int, stride: Int) {
      self.blocks = blocks
      self.innerChannels = innerChannels
      self.outputChannels = outputChannels
      self.stride = stride
    }
  }

  /// What happens before the first block: convolution, perhaps norm and ReLU, max-pool.
  public struct Stem: Hashable, Sendable, Codable {
    /// The convolutions, first to last: one 7×7, or three 3×3 (“deep”).
    public var convolutions: [Convolution]

    /// Whether a norm and ReLU stand between the last convolution and the max-pool.
    ///
    /// Between the convolutions of a deep stem they always do.
    public var hasNorm: Bool

    /// How the border of the 3×3 stride-2 max-pool is filled.
    public var poolPadding: PoolPadding

    /// Makes a stem.
    public init(convolutions: [Convolution], hasNorm: Bool, poolPadding: PoolPadding) {
      self.convolutions = convolutions
      self.hasNorm = hasNorm
      self.poolPadding = poolPadding
    }

    /// One convolution of the stem, padded by half its kernel.
    public struct Convolution: Hashable, Sendable, Codable {
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

    /// How the border of the max-pool is filled.
    ///
    /// It matters exactly where no ReLU comes before: zero then beats negative values at the
    /// border.
    public enum PoolPadding: String, Hashable, Sendable, Codable {
      /// One row and column of zeros on each side (Keras, BiT).
      case zero
      /// One row and column on each side that never wins (PyTorch).
      case negativeInfinity
      /// TensorFlow's SAME: as little as needed, the odd one below and right, never winning
      /// (tf-slim).
      case same
    }
  }

  /// How the side path of a block is made where it is not the identity.
  public struct Shortcut: Hashable, Sendable, Codable {
    /// Where a projection stands.
    public var placement: Placement

    /// What the projection reads.
    public var input: Input

    /// What the projection is made of.
    public var kind: Kind

    /// Whether the projection's convolution has a bias.
    public var hasBias: Bool

    /// Makes a shortcut.
    public init(placement: Placement, input: Input, kind: Kind, hasBias: Bool = false) {
      self.placement = placement
      self.input = input
      self.kind = kind
      self.hasBias = hasBias
    }

    /// Where a projection stands; elsewhere the side path is the identity, subsampled by the
    /// stride.
    public enum Placement: String, Hashable, Sendable, Codable {
      /// In the first block of every stage.
      case everyStage
      /// In a block that changes the number of channels or the image size, when it is the first of
      /// its stage.
      case whereShapeChanges
    }

    /// What the projection reads.
    public enum Input: String, Hashable, Sendable, Codable {
      /// The block's input.
      case raw
      /// The block's input after its first norm and ReLU.
      case preActivated
    }

    /// What the projection is made of.
    public enum Kind: String, Hashable, Sendable, Codable {
      /// A 1×1 convolution with the block's stride.
      case convolution
      /// A 1×1 convolution with the block's stride, then a norm.
      case convolutionNorm
      /// A 2×2 average pool with the block's stride, then a 1×1 convolution with stride 1.
      case averagePoolConvolution
    }
  }

  /// The normalisation.
  public enum Norm: Hashable, Sendable, Codable {
    /// (x − mean) / √(variance + ε) · scale + shift with stored statistics (Ioffe and Szegedy,
    /// 2015).
    case batch(epsilon: Double)
    /// The same with statistics of each image and group of channels (Wu and He, 2018).
    case group(count: Int, epsilon: Double)
  }

  /// What follows the last block and, in a pre-activation network, its final norm and ReLU.
  public struct Head: Hashable, Sendable, Codable {
    /// Whether the features are averaged over the image; without, the network ends at the feature
    /// map.
    public var hasPooling: Bool

    /// The number of classes of the dense layer; 0 where there is none.
    public var classes: Int

    /// Whether the network itself ends in a softmax.
    public var hasSoftmax: Bool

    /// Makes a head.
    public init(hasPooling: Bool = true, classes: Int, hasSoftmax: Bool) {
      self.hasPooling = hasPooling
      self.classes = classes
      self.hasSoftmax = hasSoftmax
    }
  }
}

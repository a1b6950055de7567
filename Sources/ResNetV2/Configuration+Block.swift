extension Configuration {
  /// How the convolutions of a block are arranged.
  public struct Block: Hashable, Sendable {
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

    /// Whether the 3×3 convolution of a bottleneck has no bias where ``hasInnerBiases`` gives the 1×1 before it one.
    public var omitsSpatialBias: Bool

    /// Whether the last convolution of a block has a bias.
    public var hasLastBias: Bool

    /// Whether the very first block begins with a norm and ReLU like the others.
    ///
    /// Without, it reads what the stem has already activated. Only pre-activation blocks begin so.
    public var firstBlockIsPreActivated: Bool

    /// Makes a block.
    public init(
      kind: Kind, order: Order, stridedConvolution: StridedConvolution = .spatial,
      stridedBlock: StridedBlock, hasInnerBiases: Bool = false, omitsSpatialBias: Bool = false,
      hasLastBias: Bool = false, firstBlockIsPreActivated: Bool = true
    ) {
      self.kind = kind
      self.order = order
      self.stridedConvolution = stridedConvolution
      self.stridedBlock = stridedBlock
      self.hasInnerBiases = hasInnerBiases
      self.omitsSpatialBias = omitsSpatialBias
      self.hasLastBias = hasLastBias
      self.firstBlockIsPreActivated = firstBlockIsPreActivated
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
  public struct Stage: Hashable, Sendable {
    /// The number of blocks.
    public var blocks: Int

    /// The channels between the convolutions of a block.
    public var innerChannels: Int

    /// The channels that a block puts out.
    public var outputChannels: Int

    /// By how much the stage shrinks the image.
    public var stride: Int

    /// How many pixels apart the taps of the 3×3 convolutions are; 1 where they are side by side.
    ///
    /// Networks that shrink the image less (DeepLab's, “output stride” 8 or 16) see as far by that.
    public var dilation: Int

    /// Makes a stage.
    public init(
      blocks: Int, innerChannels: Int, outputChannels: Int, stride: Int, dilation: Int = 1
    ) {
      self.blocks = blocks
      self.innerChannels = innerChannels
      self.outputChannels = outputChannels
      self.stride = stride
      self.dilation = dilation
    }
  }

  /// How the side path of a block is made where it is not the identity.
  public struct Shortcut: Hashable, Sendable, Encodable {
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
      /// Every stride-th pixel, and channels of zeros, half of them before the others and half after
      /// (of an odd number the smaller half before): no parameters (He et al., 2015, option A).
      case zeroChannelsAround
      /// The same with all channels of zeros after the others.
      case zeroChannelsAfter

      /// Whether it is made without a convolution.
      public var isParameterFree: Bool { self == .zeroChannelsAround || self == .zeroChannelsAfter }
    }
  }
}

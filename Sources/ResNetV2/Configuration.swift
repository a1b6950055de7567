/// Which residual network it is: a point in a space of independent options.
///
/// Every public family of ResNet weights is one combination of these options; nothing downstream
/// asks for the family. Two configurations that differ in any option are different networks, even
/// where their parameters have the same names and shapes.
public struct Configuration: Hashable, Sendable {
  /// The images that the network takes, and what it does to them first.
  public var input: Input

  /// What happens before the first block.
  public var stem: Stem

  /// How the convolutions of a block are arranged.
  public var block: Block

  /// The stages, first to last.
  public var stages: [Stage]

  /// How the side path of a block is made where it is not the identity.
  public var shortcut: Shortcut

  /// The normalisation used everywhere but in the head's layers.
  public var norm: Norm

  /// Whether those norms have a scale; without, it is 1.
  public var hasNormScales: Bool

  /// Whether those norms have a shift; without, it is 0.
  public var hasNormShifts: Bool

  /// Whether those norms have a mean and a variance; without, they are x · scale + shift, as their statistics have been
  /// folded into these.
  public var hasNormStatistics: Bool

  /// Whether the norms that read a convolution are left out, as they have been folded into its kernel and bias.
  ///
  /// Exporters to ONNX do that. The first norm of a pre-activation block, and the last of the network, are there all
  /// the same: they read a sum.
  public var foldsNorms: Bool

  /// How the border of every convolution is made.
  public var convolutionPadding: ConvolutionPadding

  /// The ε of weight standardisation of every convolution but the head, or `nil` for plain weights.
  ///
  /// W′ = (W − mean) / √(variance + ε) per output channel with biased variance (Qiao et al., 2019).
  public var weightStandardizationEpsilon: Double?

  /// What follows the last addition, before the head.
  public var ending: Ending

  /// The pooling and the layers after the last block.
  public var head: Head

  /// Makes a configuration.
  public init(
    block: Block, stages: [Stage], stem: Stem, shortcut: Shortcut, norm: Norm, head: Head,
    input: Input = Input(), hasNormScales: Bool = true, hasNormShifts: Bool = true,
    hasNormStatistics: Bool = true, foldsNorms: Bool = false,
    convolutionPadding: ConvolutionPadding = .symmetric,
    weightStandardizationEpsilon: Double? = nil, ending: Ending = .activation
  ) {
    self.block = block
    self.stages = stages
    self.stem = stem
    self.shortcut = shortcut
    self.norm = norm
    self.head = head
    self.input = input
    self.hasNormScales = hasNormScales
    self.hasNormShifts = hasNormShifts
    self.hasNormStatistics = hasNormStatistics
    self.foldsNorms = foldsNorms
    self.convolutionPadding = convolutionPadding
    self.weightStandardizationEpsilon = weightStandardizationEpsilon
    self.ending = ending
  }
}

extension Configuration {
  /// The images that a network takes, and what it does to them before its first convolution.
  ///
  /// The value is x · scale + offset per channel, of x with its channels reversed where the network
  /// does so; then a norm may follow.
  public struct Input: Hashable, Sendable {
    /// The number of channels of an image.
    public var channels: Int

    /// What the values are multiplied by: one number per channel, in the order after the reversal;
    /// empty for 1.
    public var scale: [Double]

    /// What is then added: one number per channel, in the order after the reversal; empty for 0.
    public var offset: [Double]

    /// Whether the channels are put in reverse order first (RGB to BGR).
    public var reversesChannels: Bool

    /// Whether the input then passes through a normalisation (Gluon).
    public var hasNorm: Bool

    /// Whether that norm has a scale, where the others have one; without, it is 1 (MXNet's `fix_gamma`).
    public var hasNormScale: Bool

    /// Makes an input; by default an image of three channels that is taken as it is.
    public init(
      channels: Int = 3, scale: [Double] = [], offset: [Double] = [],
      reversesChannels: Bool = false, hasNorm: Bool = false, hasNormScale: Bool = true
    ) {
      self.channels = channels
      self.scale = scale
      self.offset = offset
      self.reversesChannels = reversesChannels
      self.hasNorm = hasNorm
      self.hasNormScale = hasNormScale
    }

    /// Whether the network changes the values before its norm or first convolution.
    public var isAdjusted: Bool { !scale.isEmpty || !offset.isEmpty || reversesChannels }
  }

  /// The normalisation.
  public enum Norm: Hashable, Sendable {
    /// (x − mean) / √(variance + ε) · scale + shift with stored statistics (Ioffe and Szegedy,
    /// 2015).
    case batch(epsilon: Double)
    /// The same with statistics of each image and group of channels (Wu and He, 2018).
    case group(count: Int, epsilon: Double)
  }

  /// How the border of a convolution is made; it is of zeros.
  public enum ConvolutionPadding: String, Hashable, Sendable, Codable {
    /// Half the kernel on every side (PyTorch, Keras' applications).
    case symmetric
    /// TensorFlow's SAME: as little as gives ⌈size / stride⌉ outputs, the odd one below and right.
    ///
    /// It differs where a convolution of 3×3 or more has a stride.
    case same
  }

  /// What follows the last addition, before the head.
  public enum Ending: String, Hashable, Sendable, Codable {
    /// The norm and ReLU of a pre-activation network; the ReLU that ends a post-activation block.
    case activation
    /// The norm of a pre-activation network alone.
    case norm
    /// Nothing: the sum of the last block itself.
    case sum
  }
}

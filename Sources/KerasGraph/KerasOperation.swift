/// What a layer of a Keras model computes, with the options that its configuration gives; images are
/// NHWC.
package enum KerasOperation: Hashable, Sendable {
  /// The image that is given; the sizes that the configuration fixes.
  case input(height: Int?, width: Int?, channels: Int?)

  /// Zeros around an image.
  case zeroPadding(top: Int, bottom: Int, left: Int, right: Int)

  /// A two-dimensional convolution.
  case convolution(Convolution)

  /// (x − moving_mean) / √(moving_variance + ε) · gamma + beta over the channels; a factor or summand that
  /// is turned off is left out.
  case batchNorm(Norm)

  /// A function of each value, or of each pixel's values.
  case activation(Function)

  /// The largest value of each window.
  case maxPool(Window)

  /// The mean of each window, counting only what lies within the image.
  case averagePool(Window)

  /// The mean over the image: to [N, C], or to [N, 1, 1, C].
  case globalAverage(keepsImage: Bool)

  /// The largest value over the image.
  case globalMaximum(keepsImage: Bool)

  /// The sum of all inputs.
  case add

  /// x · kernel + bias over the last axis, and a function of that.
  case dense(outputs: Int, hasBias: Bool, function: Function)

  /// All values of an image in a row.
  case flatten

  /// What only training does anything in: dropout, noise, random changes of an image.
  case identity

  /// x · scale + offset, with a value for all channels or one for each.
  case rescaling(scale: [Double], offset: [Double])

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
    /// What is done to the result.
    package var function: Function
  }

  /// The options of a batch norm.
  package struct Norm: Hashable, Sendable {
    /// The axis of the channels; negative ones count from the end.
    package var axis: Int
    /// What is added to the variance.
    package var epsilon: Double
    /// Whether there is a factor.
    package var hasScale: Bool
    /// Whether there is a summand.
    package var hasShift: Bool
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

  /// A function that a layer ends with.
  package enum Function: String, Hashable, Sendable {
    /// The values as they are.
    case linear
    /// max(x, 0).
    case relu
    /// exp(x) / Σ exp(x) over the channels.
    case softmax
  }
}

extension KerasOperation {
  /// The variables that the layer has, in the order in which Keras keeps them.
  var variables: [String] {
    switch self {
    case .convolution(let conv): ["kernel"] + (conv.hasBias ? ["bias"] : [])
    case .dense(_, let hasBias, _): ["kernel"] + (hasBias ? ["bias"] : [])
    case .batchNorm(let norm):
      (norm.hasScale ? ["gamma"] : []) + (norm.hasShift ? ["beta"] : [])
        + ["moving_mean", "moving_variance"]
    case .input, .zeroPadding, .activation, .maxPool, .averagePool, .globalAverage,
      .globalMaximum, .add, .flatten, .identity, .rescaling:
      []
    }
  }
}

extension KerasOperation {
  /// The function that a convolution or a dense layer ends in.
  var function: Function {
    switch self {
    case .convolution(let conv): conv.function
    case .dense(_, _, let function): function
    default: .linear
    }
  }

  /// The same without that function.
  var withoutFunction: KerasOperation {
    switch self {
    case .convolution(var conv):
      conv.function = .linear
      return .convolution(conv)
    case .dense(let outputs, let hasBias, _):
      return .dense(outputs: outputs, hasBias: hasBias, function: .linear)
    default: return self
    }
  }
}

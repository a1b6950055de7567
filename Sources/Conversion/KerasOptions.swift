import Plain
import ResNetV2
import Tensors

extension ActivationFunction {
  /// The name that Keras 3 has for it; `nil` for one that has none, or an option of its own.
  var kerasName: String? {
    switch self {
    case .softmax: "softmax"
    case .sigmoid: "sigmoid"
    case .tanh: "tanh"
    case .relu: "relu"
    case .relu6: "relu6"
    case .leakyRelu(let slope): slope == 0.2 ? "leaky_relu" : nil
    case .elu(let alpha): alpha == 1 ? "elu" : nil
    case .selu: "selu"
    case .gelu: "gelu"
    case .geluTanh: nil
    case .silu: "silu"
    case .softplus: "softplus"
    case .hardSigmoid(let slope): slope == 1.0 / 6 ? "hard_sigmoid" : nil
    case .hardSwish: "hard_silu"
    }
  }

  /// The layer, or the operation of a module, that computes it; `nil` where Keras has none.
  var kerasLayer: (className: String, settings: [String: JSONValue], module: String?)? {
    if let kerasName { return ("Activation", ["activation": .text(kerasName)], nil) }
    switch self {
    case .leakyRelu(let slope): return ("LeakyReLU", ["negative_slope": .number(slope)], nil)
    case .elu(let alpha): return ("ELU", ["alpha": .number(alpha)], nil)
    case .geluTanh: return ("Gelu", ["approximate": .bool(true)], "keras.src.ops.nn")
    default: return nil
    }
  }
}

extension Configuration {
  /// The options of the same network as layers of Keras have them.
  var inKeras: Configuration {
    var own = self
    own.weightStandardizationEpsilon = nil
    own.hasNormStatistics = true
    // Zeros stand for values that never win.
    if stem.hasNorm, stem.pool?.padding == .negativeInfinity { own.stem.pool?.padding = .zero }
    return own
  }
}

extension Operation.Pool.Padding {
  /// Whether a mean over a window is over a border of TensorFlow's SAME or none; `nil` for another.
  var isSame: Bool? {
    switch self {
    case .same: true
    case .zero(0), .ignored(0): false
    case .zero, .ignored: nil
    }
  }
}

extension Operation {
  /// Whether its values are never negative.
  var isNeverNegative: Bool {
    switch self {
    case .activation(.relu), .activation(.relu6), .activation(.sigmoid), .activation(.softmax): true
    default: false
    }
  }
}

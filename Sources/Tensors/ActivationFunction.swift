/// A function of each value, or of each pixel's values, as Keras and PyTorch define it.
///
/// The one list of them: a network's layers and the graphs that files carry are both written in it.
public enum ActivationFunction: Hashable, Sendable {
  /// exp(x) / Σ exp(x) over the channels.
  case softmax
  /// 1 / (1 + exp(−x)).
  case sigmoid
  /// (exp(x) − exp(−x)) / (exp(x) + exp(−x)).
  case tanh
  /// max(x, 0).
  case relu
  /// min(max(x, 0), 6).
  case relu6
  /// x where it is positive, else slope · x.
  case leakyRelu(slope: Double)
  /// x where it is positive, else α · (exp(x) − 1).
  case elu(alpha: Double)
  /// λ · ELU with λ = 1.0507009873554805 and α = 1.6732632423543772 (Klambauer et al., 2017).
  case selu
  /// x · Φ(x), with the normal distribution's Φ.
  case gelu
  /// x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))).
  case geluTanh
  /// x / (1 + exp(−x)).
  case silu
  /// log(1 + exp(x)).
  case softplus
  /// min(max(slope · x + 1/2, 0), 1); the slope is 1/6 in PyTorch and Keras 3, 0.2 before.
  case hardSigmoid(slope: Double)
  /// x · min(max(x + 3, 0), 6) / 6.
  case hardSwish
}

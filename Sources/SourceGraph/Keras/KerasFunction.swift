import Files
import Plain
import Tensors

extension LayerSettings {
  /// An operation, and the function that a setting says it ends in.
  func ended(
    by setting: String, _ operations: [SourceOperation]
  ) throws(InputError) -> [SourceOperation] {
    operations + (try activation(setting).map { [.activation($0)] } ?? [])
  }

  /// The function of a layer that is one, such as `ReLU` or `Activation`; `nil` where that changes nothing.
  func function() throws(InputError) -> ActivationFunction? {
    switch className {
    case "Activation":
      // Keras always writes one: without it the class is somebody's own.
      guard !isAbsent("activation") else { throw fault("lacks its activation") }
      return try activation("activation")
    case "ReLU": return try relu()
    case "LeakyReLU":
      let setting = isAbsent("negative_slope") ? "alpha" : "negative_slope"
      return .leakyRelu(slope: try finite(setting, default: 0.3))
    case "ELU": return .elu(alpha: try finite("alpha", default: 1))
    case "Softmax":
      // None is all axes, not the last one.
      guard values["axis"] == nil || values["axis"] == .integer(-1) else {
        throw refusal(of: "axis that is not the last")
      }
      return .softmax
    default: throw refusal(of: "activation, \(className),")
    }
  }

  private func relu() throws(InputError) -> ActivationFunction {
    guard try number("threshold", default: 0) == 0 else { throw refusal(of: "threshold") }
    let slope = try finite("negative_slope", default: 0)
    if isAbsent("max_value") { return slope == 0 ? .relu : .leakyRelu(slope: slope) }
    guard slope == 0, try number("max_value") == 6 else { throw refusal(of: "max_value") }
    return .relu6
  }

  private func finite(_ setting: String, default standard: Double) throws(InputError) -> Double {
    let value = try number(setting, default: standard)
    guard value.isFinite else { throw fault("has an impossible \(setting)") }
    return value
  }

  /// The function of a setting: its name, or a layer in its place; `nil` for none.
  private func activation(_ setting: String) throws(InputError) -> ActivationFunction? {
    if isAbsent(setting) { return nil }
    if let name = values[setting]?.text { return try function(named: name) }
    // A layer in place of a function; a function of the author's own is written as `function`.
    guard let value = values[setting], let className = value["class_name"]?.text,
      let config = value["config"], case .object = config, value["registered_name"]?.text == nil,
      value["module"]?.text?.hasPrefix("keras.") ?? true
    else {
      throw refusal(of: "activation, \(values[setting]?["class_name"]?.text ?? "another form"),")
    }
    return try LayerSettings(
      path: path, name: name, className: className, values: config, isKerasOwn: true,
      module: module, registeredName: nil, version: version
    ).function()
  }

  /// A function by the name that Keras has for it; `nil` for the one that changes nothing.
  func function(named name: String) throws(InputError) -> ActivationFunction? {
    switch name {
    case "linear": return nil
    case "relu": return .relu
    case "relu6": return .relu6
    case "leaky_relu": return .leakyRelu(slope: 0.2)
    case "elu": return .elu(alpha: 1)
    case "selu": return .selu
    case "gelu": return .gelu
    case "silu", "swish": return .silu
    case "softplus": return .softplus
    case "hard_silu", "hard_swish": return .hardSwish
    case "sigmoid": return .sigmoid
    case "tanh": return .tanh
    case "softmax": return .softmax
    case "hard_sigmoid":
      // 0.2·x + 0.5 until Keras 3, which has x/6 + 0.5.
      guard let major = version?.split(separator: ".").first.flatMap({ Int($0) }) else {
        throw fault(
          "has an activation that differs between versions of Keras, \(name)",
          expected: "a keras_version in the file")
      }
      return .hardSigmoid(slope: major >= 3 ? 1.0 / 6 : 0.2)
    default: throw refusal(of: "activation, \(name),")
    }
  }
}

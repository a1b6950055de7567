import Files
import Plain
import Tensors

// The operations that stand in a graph without being layers: what is computed with a value where a model
// is made, such as `x / 127.5 - 1`. Keras 3 has a class for each (`TrueDivide`), TF-Keras one class with the name of
// TensorFlow's function (`TFOpLambda`).

extension LayerSettings {
  /// The operations whose classes no layer shares; an `.h5` does not say where a class comes from.
  private static let operators: Set<String> = [
    "TFOpLambda", "SlicingOpLambda", "TrueDivide", "Divide", "Negative", "Flip", "Cast", "Pad",
    "GetItem", "Stack",
    "Mean", "Max", "Relu", "Relu6", "Sigmoid", "Tanh", "Selu", "Softplus", "Silu",
  ]

  /// Whether the layer is an operation with arguments of its own.
  func isOperator(_ arguments: [Argument]) -> Bool {
    if module.hasPrefix("keras.src.ops") || Self.operators.contains(className) { return true }
    // An operation with a constant, or with its values one by one.
    return module.isEmpty && ["Add", "Subtract", "Multiply"].contains(className)
      && arguments.contains { if case .constant = $0 { true } else { false } }
  }

  /// What the operation does with its arguments.
  func operatorOperation(
    _ arguments: [Argument], named: [String: Argument]
  ) throws(InputError) -> SourceOperation {
    let isKeras2 = className == "TFOpLambda" || className == "SlicingOpLambda"
    let function = isKeras2 ? values["function"]?.text ?? "" : className.snakeCased
    let call = OperatorCall(
      settings: self, function: function, arguments: arguments, named: named)
    return try call.operation()
  }

  /// All numbers of a setting, however deep the lists are in which each is the only element.
  func flatNumbers(_ setting: String) throws(InputError) -> [Double] {
    guard let numbers = values[setting]?.flatNumbers, numbers.allSatisfy(\.isFinite) else {
      throw fault("has a damaged \(setting)", expected: "numbers")
    }
    return numbers
  }
}

/// An operation with its arguments.
private struct OperatorCall {
  let settings: LayerSettings
  let function: String
  let arguments: [Argument]
  let named: [String: Argument]

  func operation() throws(InputError) -> SourceOperation {
    switch function {
    case "math.add", "__operators__.add", "add": return try sum(sign: 1)
    case "nn.bias_add": return try sum(sign: 1)
    case "math.subtract", "subtract": return try sum(sign: -1)
    case "math.multiply", "multiply": return try product()
    case "math.truediv", "math.divide", "true_divide", "divide": return try quotient()
    case "math.negative", "negative": return .affine(scale: [-1], offset: [0])
    case "reverse", "flip":
      try requireLastAxis()
      return .reverseChannels
    case "__operators__.getitem", "get_item": return try item()
    case "cast":
      guard text("dtype") == "float32" else { throw refusal }
      return .identity
    case "pad": return try padding()
    case "identity", "stop_gradient": return .identity
    case "stack":
      guard axes == [-1] || axes == [3] else { throw refusal }
      return .stackChannels
    case "math.reduce_mean", "mean": return .globalAverage(keepsImage: try overImage())
    case "math.reduce_max", "max": return .globalMaximum(keepsImage: try overImage())
    case "concat", "concatenate":
      guard let axis = axes.first, axes.count == 1 else { throw refusal }
      return .concatenate(axis: axis)
    case "reshape" where settings.className == "Reshape":
      // Of the whole batch: its size is left open.
      guard let sizes = settings.values["newshape"]?.elements?.compactMap(\.integer),
        sizes.count > 1, sizes[0] == -1, !sizes.dropFirst().contains(where: { $0 < 1 })
      else { throw refusal }
      return .reshape(Array(sizes.dropFirst()))
    case "softmax", "nn.softmax":
      try requireNothingBeside(["axis", "logits"])
      // None is the last axis to TensorFlow, and all of them to Keras 3.
      let isOfAll = function == "softmax" && constant("axis") == .null
      guard !isOfAll, axes.isEmpty || axes == [-1] else { throw refusal }
      return .activation(.softmax)
    case "nn.relu", "nn.relu6", "nn.sigmoid", "math.sigmoid", "nn.tanh", "math.tanh", "nn.elu",
      "nn.selu",
      "relu", "relu6", "sigmoid", "tanh", "selu", "softplus", "silu", "math.softplus":
      guard arguments.count == 1 else { throw refusal }
      let name = function.split(separator: ".").last.map(String.init) ?? ""
      return try settings.function(named: name).map { .activation($0) } ?? .identity
    case "gelu":
      guard arguments.count == 1, case .bool(let isApproximate) = constant("approximate") else {
        throw refusal
      }
      return .activation(isApproximate ? .geluTanh : .gelu)
    default: throw refusal
    }
  }

  // MARK: - Arithmetic with a constant

  /// x + c, c + x, x − c, c − x; or the sum of values.
  private func sum(sign: Double) throws(InputError) -> SourceOperation {
    let (constant, isFirst) = try operand()
    guard let constant else { return .merge(sign > 0 ? .add : .subtract) }
    if isFirst { return .affine(scale: [sign], offset: constant) }
    return .affine(scale: [1], offset: constant.map { sign * $0 })
  }

  private func product() throws(InputError) -> SourceOperation {
    let (constant, _) = try operand()
    return constant.map { .affine(scale: $0, offset: [0]) } ?? .merge(.multiply)
  }

  private func quotient() throws(InputError) -> SourceOperation {
    let (constant, isFirst) = try operand()
    guard let constant, !isFirst, constant.allSatisfy({ $0 != 0 }) else { throw refusal }
    return .affine(scale: constant.map { 1 / $0 }, offset: [0])
  }

  /// The constant of two operands, and whether it is the first; `nil` where both are values.
  private func operand() throws(InputError) -> (constant: [Double]?, isFirst: Bool) {
    var operands = arguments
    for name in ["x", "x1", "y", "x2", "bias", "value"] {
      if let argument = named[name] { operands.append(argument) }
    }
    let allowed: Set<String> = ["x", "x1", "y", "x2", "bias", "value", "name", "data_format"]
    guard operands.count == 2, Set(named.keys).isSubset(of: allowed),
      text("data_format").map({ $0 == "NHWC" }) ?? true
    else { throw refusal }
    switch (operands[0], operands[1]) {
    case (.value, .value): return (nil, false)
    case (.value, .constant(let value)): return (try numbers(value), false)
    case (.constant(let value), .value): return (try numbers(value), true)
    default: throw refusal
    }
  }

  private func numbers(_ value: JSONValue) throws(InputError) -> [Double] {
    guard let numbers = value.flatNumbers, numbers.allSatisfy(\.isFinite) else { throw refusal }
    return numbers
  }

  // MARK: - Axes and parts

  /// `x[..., ::-1]`, or one channel, which means something only where channels are put together again.
  private func item() throws(InputError) -> SourceOperation {
    let parts: [JSONValue]
    switch (arguments.dropFirst().first, named["slice_spec"]) {
    case (.constant(let value)?, nil), (nil, .constant(let value)?): parts = value.elements ?? []
    default: throw refusal
    }
    guard parts.count == 2, parts[0]["class_name"] == .text("__ellipsis__") else { throw refusal }
    if let channel = parts[1].integer { return .channel(channel) }
    let slice = parts[1]["config"] ?? parts[1]
    guard ["start", "stop"].allSatisfy({ slice[$0] == nil || slice[$0] == .null }),
      slice["step"] == .integer(-1)
    else { throw refusal }
    return .reverseChannels
  }

  /// A border around an image, [[0, 0], [top, bottom], [left, right], [0, 0]], or channels of zeros, [[0, 0], [0, 0],
  /// [0, 0], [before, after]].
  private func padding() throws(InputError) -> SourceOperation {
    let widths = constant("pad_width") ?? constant("paddings")
    let pairs = (widths?.elements ?? []).map { ($0.elements ?? []).compactMap(\.integer) }
    let mode = text("mode")?.lowercased() ?? "constant"
    let fill = constant("constant_values") ?? .null
    guard pairs.count == 4,
      pairs.allSatisfy({ $0.count == 2 && $0.allSatisfy((0...4096).contains) }),
      pairs[0] == [0, 0], mode == "constant",
      fill == .null || fill.number == 0 || fill.number == -.infinity
    else { throw refusal }
    if pairs[3] != [0, 0] {
      guard pairs[1] == [0, 0], pairs[2] == [0, 0], fill.number != -.infinity else { throw refusal }
      return .padChannels(before: pairs[3][0], after: pairs[3][1])
    }
    return .padding(
      .init(
        top: pairs[1][0], bottom: pairs[1][1], left: pairs[2][0], right: pairs[2][1],
        isNegativeInfinity: fill.number == -.infinity))
  }

  /// Whether a reduction over height and width keeps them as 1.
  private func overImage() throws(InputError) -> Bool {
    try requireNothingBeside(["axis", "keepdims", "input_tensor"])
    // Of images: what has other axes does not fit what comes after.
    guard axes.map({ $0 < 0 ? $0 + 4 : $0 }).sorted() == [1, 2] else { throw refusal }
    return constant("keepdims") == .bool(true)
  }

  /// Refuses any other setting or argument that has a value, such as `initial`.
  private func requireNothingBeside(_ known: Set<String>) throws(InputError) {
    let all = known.union(["x", "name", "dtype", "trainable", "function"])
    guard case .object(let entries) = settings.values else { throw refusal }
    for name in Set(entries.keys).union(named.keys).subtracting(all).sorted() {
      if case .constant(.null)? = named[name] { continue }
      guard named[name] == nil, settings.isAbsent(name) else {
        throw settings.refusal(of: name)
      }
    }
  }

  private func requireLastAxis() throws(InputError) {
    guard axes == [-1] || axes == [3] else { throw refusal }
  }

  private var axes: [Int] {
    let axis = constant("axis") ?? .null
    return axis.integer.map { [$0] } ?? (axis.elements ?? []).compactMap(\.integer)
  }

  /// A setting of the operation, or an argument of its call.
  private func constant(_ name: String) -> JSONValue? {
    if case .constant(let value) = named[name] { return value }
    return settings.values[name]
  }

  private func text(_ name: String) -> String? { constant(name)?.text }

  private var refusal: InputError {
    settings.fault("does what its own graph cannot be run with: \(function)")
  }
}

extension JSONValue {
  /// All numbers, where lists have one element each but for the innermost.
  fileprivate var flatNumbers: [Double]? {
    if let number { return [number] }
    guard let elements, !elements.isEmpty else { return nil }
    if elements.count == 1 { return elements[0].flatNumbers }
    let numbers = elements.compactMap(\.number)
    return numbers.count == elements.count ? numbers : nil
  }
}

import Files
import Tensors

extension ONNXReader {
  /// What a node makes.
  ///
  /// - Throws: `InputError` that says what of the node is not understood, and what to do.
  mutating func value(of node: ONNXModel.Node) throws(InputError) -> Value {
    guard node.domain.isEmpty || node.domain == "ai.onnx" else {
      throw refusal(node, "an operator of '\(node.domain)'")
    }
    if let reason = Self.neverRead[node.kind] { throw refusal(node, reason) }
    let arguments = node.inputs.map { $0.isEmpty ? nil : value($0) }
    if let first = arguments.first, case .sizes = first { return try sizes(node) }
    if node.kind != "Reshape",
      arguments.contains(where: { if case .sizes? = $0 { true } else { false } })
    {
      return try sizes(node)
    }
    guard arguments.contains(where: { if case .computed? = $0 { true } else { false } }) else {
      return try constant(node)
    }
    switch node.kind {
    case "Conv": return try convolution(node)
    case "Gemm": return try gemm(node)
    case "MatMul": return try matrixProduct(node)
    case "BatchNormalization": return try batchNorm(node)
    case "GroupNormalization": return try groupNorm(node)
    case "MaxPool", "AveragePool": return try pool(node)
    case "GlobalAveragePool", "GlobalMaxPool": return try globalPool(node)
    case "ReduceMean", "ReduceMax": return try reduction(node)
    case "Pad": return try padding(node)
    case "Add", "Sum", "Sub", "Mul", "Div": return try arithmetic(node)
    case "Flatten", "Reshape", "Squeeze", "Unsqueeze": return try reshape(node)
    case "Transpose": return try transpose(node)
    case "Concat": return try concatenation(node)
    case "Slice", "Gather": return try reversal(node)
    case "Shape": return try shape(node)
    case "Identity", "Dropout", "Cast": return try identity(node)
    default:
      guard let function = try function(node) else {
        throw refusal(node, "an operator that is not known here")
      }
      return try append(.activation(function), node)
    }
  }

  /// What is not read whatever it is given.
  private static let neverRead: [String: String] = [
    "If": branches, "Loop": branches, "Scan": branches,
    "DequantizeLinear": quantised, "QuantizeLinear": quantised, "DynamicQuantizeLinear": quantised,
    "QLinearConv": quantised, "QLinearMatMul": quantised, "ConvInteger": quantised,
    "MatMulInteger": quantised,
  ]

  private static let branches =
    "a graph within the graph, of which the values decide whether or how often it is computed"
  private static let quantised =
    "quantised values; the model as it was before it was quantised can be read"

  // MARK: - Parts of handlers

  /// What the message says of a node that is not understood.
  func refusal(_ node: ONNXModel.Node, _ what: String) -> InputError {
    InputError(
      .badData, path: model.path, "has a node that is not understood, \(node.name)",
      place: "\(node.kind): \(what)",
      hint: "the weights alone can be given, as .safetensors, .npz or .pth")
  }

  /// The value that a node changes.
  func image(_ node: ONNXModel.Node) throws(InputError) -> Computed {
    guard let first = node.inputs.first, let value = computed(first) else {
      throw refusal(node, "a first value that does not depend on the image")
    }
    return value
  }

  /// Appends what a node makes of its first value.
  mutating func append(
    _ operation: SourceOperation, _ node: ONNXModel.Node,
    tensors: [String: SourceGraph.Tensor] = [:], layout: Layout? = nil, channels: Int?? = nil
  ) throws(InputError) -> Value {
    var value = try image(node)
    value.node = append(
      operation, named: node.name, kind: node.kind, reading: [value.node], tensors: tensors)
    value.layout = layout ?? value.layout
    if let channels { value.channels = channels }
    return .computed(value)
  }

  /// A tensor of the file that a node reads; `nil` where it is left out.
  func tensor(
    _ node: ONNXModel.Node, _ index: Int, _ what: String
  ) throws(InputError) -> (info: TensorInfo, isTransposed: Bool)? {
    guard index < node.inputs.count, !node.inputs[index].isEmpty else { return nil }
    guard case .tensor(let name, let isTransposed) = value(node.inputs[index]),
      let info = model.tensors[name]
    else { throw refusal(node, "\(what) that depends on the image") }
    return (info, isTransposed)
  }

  /// The numbers of a small tensor that a node reads; `nil` where it is left out.
  mutating func numbers(_ node: ONNXModel.Node, _ index: Int) throws(InputError) -> [Double]? {
    guard let found = try tensor(node, index, "a setting") else { return nil }
    return try numbers(found.info.name, of: node)
  }

  /// The numbers of a small tensor.
  mutating func numbers(_ name: String, of node: ONNXModel.Node) throws(InputError) -> [Double] {
    guard let info = model.tensors[name], info.shape.elementCount <= 1 << 16 else {
      throw refusal(node, "a constant of too many values")
    }
    passOver(name, "a constant that \(node.name) reads")
    do {
      let data = try model.read(name)
      guard info.dtype == .int64 || info.dtype == .float64 else {
        return data.floats().map(Double.init)
      }
      return data.withUnsafeBytes { bytes in
        (0..<info.shape.elementCount).map { index in
          let bits = UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
          return info.dtype == .int64
            ? Double(Int64(bitPattern: bits)) : Double(bitPattern: bits)
        }
      }
    } catch {
      throw refusal(node, "a constant that cannot be read: \(error)")
    }
  }

  /// A list of integers that is a setting or, in later versions, a tensor.
  mutating func integers(
    _ node: ONNXModel.Node, _ setting: String, or index: Int
  ) throws(InputError) -> [Int]? {
    if let value = node.attributes[setting] {
      if case .integers(let list) = value { return list }
      throw refusal(node, "a damaged setting \(setting)")
    }
    guard let numbers = try numbers(node, index) else { return nil }
    var list: [Int] = []
    for number in numbers {
      guard let integer = Int(exactly: number) else { throw refusal(node, "a damaged \(setting)") }
      list.append(integer)
    }
    return list
  }
}

extension ONNXModel.Node {
  /// A setting that is an integer; the standard's usual value where it is not there.
  func integer(_ setting: String, usually standard: Int) -> Int {
    if case .integer(let value) = attributes[setting] { value } else { standard }
  }

  /// A setting that is a number.
  func number(_ setting: String, usually standard: Double) -> Double {
    if case .number(let value) = attributes[setting] { value } else { standard }
  }

  /// A setting that is a text.
  func text(_ setting: String, usually standard: String) -> String {
    if case .text(let value) = attributes[setting] { value } else { standard }
  }

  /// A setting that is a list of integers.
  func integers(_ setting: String) -> [Int]? {
    if case .integers(let value) = attributes[setting] { value } else { nil }
  }
}

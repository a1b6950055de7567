package import Files
package import SourceGraph
package import Tensors

/// An ONNX model: the graph, and the tensors in the file or in files beside it.
///
/// Tensors have the names of the values that they are; the values of `Constant` nodes are among them.
package struct ONNXSource: WeightSource {
  /// `onnx`.
  package let container = "onnx"

  /// The path by which the file was opened.
  package var path: String { model.path }

  /// The initialisers in the order of the file, then the constants.
  package let tensors: [TensorInfo]

  /// `onnx.opset`, `onnx.producer` and what else the file says of itself.
  package let metadata: [String: String]

  /// The graph, or why it cannot be read.
  package let carriedGraph: Result<SourceGraph, InputError>?

  /// The file of the model, then those of its tensors.
  package let files: [SourceFile]

  private let model: ONNXModel

  /// Checks and opens a mapped file.
  ///
  /// - Parameter opensOthers: whether files beside the model may be opened; copied into memory where the model is.
  /// - Throws: `InputError` for the first rule of the format that is broken.
  init(_ file: MappedFile, opensOthers: Bool = true) throws {
    let listing = try ONNXListing(file)
    var external = ONNXExternalFiles(
      model: file.path, copying: file.isCopied, isAllowed: opensOthers)
    var data: [String: TensorData] = [:]
    var tensors: [TensorInfo] = []
    for tensor in listing.tensors {
      let content = try external.data(of: tensor)
      guard data.updateValue(content, forKey: tensor.name) == nil else {
        throw InputError(
          .badData, path: file.path, "has two tensors of one name", place: tensor.name)
      }
      tensors.append(TensorInfo(name: tensor.name, dtype: content.dtype, shape: content.shape))
    }
    self.tensors = tensors
    files = [SourceFile(file)] + external.files.map(SourceFile.init)
    metadata = listing.metadata
    let path = file.path
    let values = data
    let known = Set(values.keys)
    model = ONNXModel(
      path: path, opset: listing.opset, nodes: listing.nodes,
      // Old files list their tensors among what they are given.
      inputs: listing.inputs.filter { !known.contains($0.name) }, outputs: listing.outputs,
      tensors: Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0) })
    ) { name in
      guard let value = values[name] else { throw InputError.noTensor(name, in: path) }
      return value
    }
    do {
      carriedGraph = .success(try SourceGraph(onnx: model))
    } catch {
      carriedGraph = .failure(error)
    }
  }

  /// Hands out one tensor, mapped where its values are bytes.
  package func tensor(named name: String) throws(InputError) -> TensorData {
    try InputError.only(of: path) { try model.read(name) }
  }

  /// Whether a file begins as a model does: with its version, and with no field before its graph that a model has not.
  static func isONNX(_ file: MappedFile) -> Bool {
    var reader = ProtocolBuffer(FileBytes(file))
    guard let version = reader.next(), version.field == 1, let number = version.value.count,
      (1...64).contains(number)
    else { return false }
    while let key = reader.readNumber() {
      // A graph that is cut off begins all the same.
      if key == 7 << 3 | 2 { return true }
      let isText = [2, 3, 4, 6].contains(key >> 3) && key & 7 == 2
      if isText || key == 8 << 3 | 2 || key == 14 << 3 | 2 {
        guard let count = reader.readCount(), count < 1 << 16,
          let bytes = reader.read(count: count),
          !isText || String(validating: bytes, as: UTF8.self) != nil
        else { return false }
      } else {
        guard key == 5 << 3, reader.readNumber() != nil else { return false }
      }
    }
    return false
  }
}

extension ONNXSource: GraphCarrier {}

/// What stands in the file of a model.
struct ONNXListing {
  private(set) var opset = 0
  private(set) var nodes: [ONNXModel.Node] = []
  private(set) var tensors: [ONNXTensor] = []
  private(set) var inputs: [ONNXModel.Value] = []
  private(set) var outputs: [String] = []
  private(set) var metadata: [String: String] = [:]

  private var fields: ONNXFields

  init(_ file: MappedFile) throws(InputError) {
    fields = ONNXFields(path: file.path)
    var graph: FileBytes?
    for (field, value) in try fields.fields(FileBytes(file), of: "the model") {
      switch field {
      case 1: metadata["onnx.ir"] = "\(try fields.integer(value, "the model"))"
      case 2: metadata["onnx.producer"] = try fields.text(value, "the model")
      case 3: metadata["onnx.producer_version"] = try fields.text(value, "the model")
      case 7:
        guard graph == nil else {
          throw InputError(.badData, path: file.path, "has two graphs", place: "field 7")
        }
        graph = try fields.slice(value, "the model")
      case 8: try readOperators(try fields.slice(value, "the model"))
      case 14: try readMetadata(try fields.slice(value, "the model"))
      default: break
      }
    }
    guard let graph else { throw fields.damaged("the model, which has no graph") }
    metadata["onnx.opset"] = "\(opset)"
    try read(graph)
    metadata["onnx.graph"] = "\(nodes.count) nodes"
  }

  /// The version of a set of operators.
  private mutating func readOperators(_ bytes: FileBytes) throws(InputError) {
    let message = "the versions of operators"
    let parts = try fields.fields(bytes, of: message)
    let domain = parts.last { $0.field == 1 }?.value.text ?? ""
    guard domain.isEmpty || domain == "ai.onnx" else { return }
    opset = parts.last { $0.field == 2 }?.value.count ?? 0
  }

  private mutating func readMetadata(_ bytes: FileBytes) throws(InputError) {
    let message = "what the file says of itself"
    let parts = try fields.fields(bytes, of: message)
    guard let key = parts.last(where: { $0.field == 1 })?.value.text,
      let text = parts.last(where: { $0.field == 2 })?.value.text, !key.hasPrefix("onnx.")
    else { return }
    metadata[key] = text
  }

  private mutating func read(_ graph: FileBytes) throws(InputError) {
    for (field, value) in try fields.fields(graph, of: "the graph") {
      switch field {
      case 1:
        let (node, values) = try fields.node(try fields.slice(value, "the graph"))
        for (attribute, bytes) in values where node.kind == "Constant" && attribute == "value" {
          try append(try ONNXTensor(bytes, fields), under: node.outputs.first ?? "")
        }
        if let constant = Self.constant(node) {
          try append(constant, under: node.outputs.first ?? "")
        }
        nodes.append(node)
        try limit(nodes.count, ONNXFields.maximumNodes, "nodes")
      case 5: try append(try ONNXTensor(try fields.slice(value, "the graph"), fields), under: nil)
      case 11: inputs.append(try fields.valueInfo(try fields.slice(value, "the graph")))
      case 12: outputs.append(try fields.valueInfo(try fields.slice(value, "the graph")).name)
      case 15:
        throw InputError(
          .badData, path: fields.path, "has sparse tensors, which are not read",
          place: "in the description of the graph")
      default: break
      }
    }
  }

  /// Lists a tensor, under another name where one is given.
  private mutating func append(_ tensor: ONNXTensor, under name: String?) throws(InputError) {
    var tensor = tensor
    if let name { tensor.name = name }
    guard !tensor.name.isEmpty else {
      throw InputError(
        .badData, path: fields.path, "has a tensor without a name", place: "tensor \(tensors.count)"
      )
    }
    tensors.append(tensor)
    try limit(tensors.count, ONNXFields.maximumTensors, "tensors")
  }

  private func limit(_ count: Int, _ most: Int, _ what: String) throws(InputError) {
    guard count <= most else {
      throw InputError(
        .badData, path: fields.path, "has too many \(what)", place: "the limit is \(most)")
    }
  }

  /// The tensor of a `Constant` that is written as numbers.
  private static func constant(_ node: ONNXModel.Node) -> ONNXTensor? {
    guard node.kind == "Constant" else { return nil }
    func integers(_ values: [Int], _ shape: Shape) -> ONNXTensor {
      let bytes = values.flatMap { value in
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
      }
      return ONNXTensor(name: "", TensorData(dtype: .int64, shape: shape, bytes: bytes))
    }
    func numbers(_ values: [Double], _ shape: Shape) -> ONNXTensor {
      ONNXTensor(name: "", TensorData(shape: shape, values: values.map { Float($0) }))
    }
    for (name, attribute) in node.attributes {
      switch (name, attribute) {
      case ("value_int", .integer(let value)): return integers([value], [])
      case ("value_ints", .integers(let values)): return integers(values, [values.count])
      case ("value_float", .number(let value)): return numbers([value], [])
      case ("value_floats", .numbers(let values)): return numbers(values, [values.count])
      default: continue
      }
    }
    return nil
  }
}

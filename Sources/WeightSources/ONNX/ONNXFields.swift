import Files
import SourceGraph

/// Reads the messages of an ONNX model field by field; what has no meaning here is passed over.
///
/// No message is entered that can stand within one of its own kind: the graphs within nodes are not read, so that the
/// depth is that of this code.
struct ONNXFields {
  typealias Value = ProtocolBuffer<FileBytes>.Value

  /// The most nodes of a graph, and the most tensors; ResNet152 has 514 nodes.
  static let maximumNodes = 20_000
  static let maximumTensors = 100_000
  /// The most names and numbers that nodes have, all together.
  private static let maximumValues = 1_000_000

  let path: String
  private var values = 0

  init(path: String) {
    self.path = path
  }

  /// All fields of a message.
  func fields(
    _ bytes: FileBytes, of message: String
  ) throws(InputError) -> [(field: Int, value: Value)] {
    var reader = ProtocolBuffer(bytes)
    var fields: [(field: Int, value: Value)] = []
    while !reader.isAtEnd {
      guard let field = reader.next() else { throw damaged(message) }
      fields.append(field)
    }
    return fields
  }

  /// What a field must be: a part of the message's bytes.
  func slice(_ value: Value, _ message: String) throws(InputError) -> FileBytes {
    guard let slice = value.slice else { throw damaged(message) }
    return slice
  }

  func text(_ value: Value, _ message: String) throws(InputError) -> String {
    guard let text = value.text else { throw damaged(message) }
    return text
  }

  /// A number that may be negative.
  func integer(_ value: Value, _ message: String) throws(InputError) -> Int {
    guard case .number(let bits) = value else { throw damaged(message) }
    return Int(truncatingIfNeeded: bits)
  }

  /// Numbers of variable length, packed or one.
  func integers(_ value: Value, _ message: String) throws(InputError) -> [Int] {
    guard case .bytes(let slice) = value else { return [try integer(value, message)] }
    var reader = ProtocolBuffer(slice)
    var numbers: [Int] = []
    while !reader.isAtEnd {
      guard let number = reader.readNumber() else { throw damaged(message) }
      numbers.append(Int(truncatingIfNeeded: number))
    }
    return numbers
  }

  /// A float32 as its shortest decimal: 1e-5 and not 9.99999974737875e-06.
  static func decimal(_ bits: UInt64) -> Double {
    let float = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
    return Double("\(float)") ?? Double(float)
  }

  /// Counts what nodes have against the limit.
  mutating func count(_ count: Int, at place: String) throws(InputError) {
    values += count
    guard values <= Self.maximumValues else {
      throw InputError(
        .badData, path: path, "has nodes with too many values",
        place: "\(place); the limit is \(Self.maximumValues)")
    }
  }

  func damaged(_ message: String) -> InputError {
    InputError(
      .badData, path: path, "is damaged or cut short", place: "in the description of \(message)")
  }
}

extension ONNXFields {
  /// One node of a graph; the tensors among its attributes are handed out beside it.
  mutating func node(
    _ bytes: FileBytes
  ) throws(InputError) -> (node: ONNXModel.Node, tensors: [(attribute: String, FileBytes)]) {
    var node = ONNXModel.Node()
    var tensors: [(attribute: String, FileBytes)] = []
    for (field, value) in try fields(bytes, of: "a node") {
      switch field {
      case 1: node.inputs.append(try text(value, "a node"))
      case 2: node.outputs.append(try text(value, "a node"))
      case 3: node.name = try text(value, "a node")
      case 4: node.kind = try text(value, "a node")
      case 5:
        let (name, attribute, tensor) = try attribute(try slice(value, "a node"))
        try count(1, at: node.name)
        guard node.attributes.updateValue(attribute, forKey: name) == nil else {
          throw InputError(
            .badData, path: path, "has a node with two attributes of one name",
            place: "\(node.name): \(name)")
        }
        if let tensor { tensors.append((name, tensor)) }
      case 7: node.domain = try text(value, "a node")
      default: break
      }
    }
    try count(node.inputs.count + node.outputs.count, at: node.name)
    if node.name.isEmpty { node.name = node.outputs.first { !$0.isEmpty } ?? "" }
    return (node, tensors)
  }

  private mutating func attribute(
    _ bytes: FileBytes
  ) throws(InputError) -> (String, ONNXModel.Attribute, FileBytes?) {
    var name = ""
    var attribute = ONNXModel.Attribute.other
    var integers: [Int] = []
    var numbers: [Double] = []
    var tensor: FileBytes?
    for (field, value) in try fields(bytes, of: "an attribute") {
      switch field {
      case 1: name = try text(value, "an attribute")
      case 2:
        guard case .number(let bits) = value else { throw damaged("an attribute") }
        attribute = .number(Self.decimal(bits))
      case 3: attribute = .integer(try integer(value, "an attribute"))
      case 4: attribute = value.text.map { .text($0) } ?? .other
      case 5:
        tensor = try slice(value, "an attribute")
        attribute = .tensor
      case 7: numbers += try floats(value)
      case 8: integers += try self.integers(value, "an attribute")
      default: break
      }
    }
    try count(integers.count + numbers.count, at: name)
    if !integers.isEmpty { attribute = .integers(integers) }
    if !numbers.isEmpty { attribute = .numbers(numbers) }
    return (name, attribute, tensor)
  }

  private func floats(_ value: Value) throws(InputError) -> [Double] {
    guard case .bytes(let slice) = value else {
      if case .number(let bits) = value { return [Self.decimal(bits)] }
      return []
    }
    guard slice.count.isMultiple(of: 4) else { throw damaged("an attribute") }
    return stride(from: slice.startIndex, to: slice.endIndex, by: 4).map { start in
      Self.decimal(slice[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }
  }

  /// What the model is given, or gives: a name, and the sizes that are fixed.
  func valueInfo(_ bytes: FileBytes) throws(InputError) -> ONNXModel.Value {
    let message = "an input or output"
    var result = ONNXModel.Value(name: "", sizes: nil)
    for (field, value) in try fields(bytes, of: message) {
      if field == 1 { result.name = try text(value, message) }
      guard field == 2 else { continue }
      for (field, type) in try fields(try slice(value, message), of: message) where field == 1 {
        for (field, part) in try fields(try slice(type, message), of: message) {
          if field == 1 { result.elementType = try integer(part, message) }
          guard field == 2 else { continue }
          var sizes: [Int?] = []
          for (field, size) in try fields(try slice(part, message), of: message) where field == 1 {
            let parts = try fields(try slice(size, message), of: message)
            sizes.append(parts.first { $0.field == 1 }?.value.count)
          }
          result.sizes = sizes
        }
      }
    }
    return result
  }
}

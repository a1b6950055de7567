package import Files
package import SourceGraph
package import Tensors

/// A model as it is to be written.
package struct ONNXDraft: Sendable {
  /// The version of the standard's operators.
  package var opset = 13
  /// The nodes, each after those that make what it reads.
  package var nodes: [ONNXModel.Node] = []
  /// The tensors, by name.
  package var tensors: [(name: String, data: TensorData)] = []
  /// What the model is given.
  package var input = Value(name: "input", sizes: [])
  /// What it puts out.
  package var output = Value(name: "output", sizes: [])
  /// What the file says of itself.
  package var metadata: [(key: String, value: String)] = []

  package init() {}

  /// An input or output, of float32.
  package struct Value: Sendable {
    package var name: String
    package var sizes: [Size]

    package init(name: String, sizes: [Size]) {
      (self.name, self.sizes) = (name, sizes)
    }
  }

  /// A size of one.
  package enum Size: Sendable {
    case fixed(Int)
    /// Left open, under a name.
    case open(String)
  }
}

/// Writes a model: the tensors as bytes, little-endian, one after the other; in a file beside it where the model would be
/// larger than a message can be.
package enum ONNXWriter {
  /// What a message of protocol buffers can hold, and what readers take.
  package static let largestMessage = (1 << 31) - 1

  /// What the file beside a model is called, behind the model's own name.
  package static let valuesEnding = ".data"

  /// Tensors of fewer bytes stay in the model: readers look at sizes and borders before they open other files.
  private static let smallestExternal = 1024
  /// Where a tensor may begin in a file that is mapped.
  private static let alignment = 4096

  /// Writes a whole model under the temporary name of an output.
  ///
  /// - Parameter maximumBytes: the largest model that is one file.
  /// - Returns: the file of the values, where they are in one of their own: the caller commits both, as a pair.
  /// - Throws: `InputError` where the model cannot be written.
  package static func write(
    _ draft: ONNXDraft, producer: (name: String, version: String), to output: OutputFile,
    maximumBytes: Int = largestMessage
  ) throws -> OutputFile? {
    let whole = Message(draft, producer, draft.tensors.map { Tensor($0.name, $0.data) })
    guard whole.byteCount > maximumBytes else {
      try whole.write(to: output)
      return nil
    }
    let values = try output.beside(valuesEnding)
    let (tensors, end) = placed(draft.tensors, in: values.path.lastName)
    let message = Message(draft, producer, tensors)
    guard message.byteCount <= maximumBytes else {
      throw InputError(
        .cannotCreate, path: output.path, "would be larger than an .onnx file can be",
        place: "\(message.byteCount >> 20) MB without the values of its tensors",
        hint: ".safetensors holds networks of any size")
    }
    try values.reserve(end)
    for tensor in tensors {
      guard let offset = tensor.offset else { continue }
      try tensor.data.withUnsafeBytes { try values.write($0, at: offset) }
    }
    try message.write(to: output)
    return values
  }

  /// The tensors one after the other in a file of a name, and where that ends.
  private static func placed(
    _ tensors: [(name: String, data: TensorData)], in location: String
  ) -> (tensors: [Tensor], end: Int) {
    var end = 0
    let placed = tensors.map { name, data in
      guard data.byteCount >= smallestExternal else { return Tensor(name, data) }
      let offset = (end + alignment - 1) / alignment * alignment
      end = offset + data.byteCount
      return Tensor(name, data, location: location, offset: offset)
    }
    return (placed, end)
  }

  /// A tensor as the message has it.
  private struct Tensor {
    let data: TensorData
    /// Where its values are in the file beside the model; `nil` where they are in the message.
    let offset: Int?
    /// All but the values, which come last.
    let head: [UInt8]

    /// The bytes of the message.
    var byteCount: Int { head.count + (offset == nil ? data.byteCount : 0) }

    init(_ name: String, _ data: TensorData) {
      (self.data, offset) = (data, nil)
      var tensor = Self.description(name, data)
      tensor.head(9, data.byteCount)
      head = tensor.bytes
    }

    init(_ name: String, _ data: TensorData, location: String, offset: Int) {
      (self.data, self.offset) = (data, offset)
      var tensor = Self.description(name, data)
      for (key, value) in [
        ("location", location), ("offset", "\(offset)"), ("length", "\(data.byteCount)"),
      ] {
        var entry = WireBytes()
        entry.text(1, key)
        entry.text(2, value)
        tensor.message(13, entry)
      }
      tensor.number(14, 1)
      head = tensor.bytes
    }

    private static func description(_ name: String, _ data: TensorData) -> WireBytes {
      var tensor = WireBytes()
      for dimension in data.shape.dimensions { tensor.number(1, dimension) }
      tensor.number(2, number(of: data.dtype))
      tensor.text(8, name)
      return tensor
    }
  }

  /// The whole message: what stands before the tensors, these, and what stands behind.
  private struct Message {
    private let start: [UInt8]
    private let tensors: [Tensor]
    private let end: [UInt8]

    var byteCount: Int { start.count + Self.byteCount(of: tensors) + end.count }

    init(_ draft: ONNXDraft, _ producer: (name: String, version: String), _ tensors: [Tensor]) {
      var nodes = WireBytes()
      for node in draft.nodes { nodes.message(1, message(node)) }
      nodes.text(2, "network")
      var values = WireBytes()
      values.message(11, message(draft.input))
      values.message(12, message(draft.output))
      var head = WireBytes()
      // The version of the format in which these operators came.
      head.number(1, draft.opset <= 18 ? 8 : draft.opset <= 20 ? 9 : 10)
      head.text(2, producer.name)
      head.text(3, producer.version)
      head.head(7, nodes.bytes.count + Self.byteCount(of: tensors) + values.bytes.count)
      var tail = values
      var operators = WireBytes()
      operators.text(1, "")
      operators.number(2, draft.opset)
      tail.message(8, operators)
      for (key, value) in draft.metadata {
        var entry = WireBytes()
        entry.text(1, key)
        entry.text(2, value)
        tail.message(14, entry)
      }
      start = head.bytes + nodes.bytes
      self.tensors = tensors
      end = tail.bytes
    }

    private static func byteCount(of tensors: [Tensor]) -> Int {
      tensors.reduce(0) { $0 + WireBytes.headCount(5, $1.byteCount) + $1.byteCount }
    }

    func write(to output: OutputFile) throws {
      var offset = 0
      func append(_ bytes: [UInt8]) throws {
        try output.write(bytes, at: offset)
        offset += bytes.count
      }
      try append(start)
      for tensor in tensors {
        var own = WireBytes()
        own.head(5, tensor.byteCount)
        try append(own.bytes + tensor.head)
        guard tensor.offset == nil else { continue }
        try tensor.data.withUnsafeBytes { try output.write($0, at: offset) }
        offset += tensor.data.byteCount
      }
      try append(end)
    }
  }

  /// The standard's numbers of types.
  private static func number(of type: DType) -> Int {
    switch type {
    case .float32: 1
    case .uint8: 2
    case .int8: 3
    case .uint16: 4
    case .int16: 5
    case .int32: 6
    case .int64: 7
    case .bool: 9
    case .float16: 10
    case .float64: 11
    case .uint32: 12
    case .uint64: 13
    case .bfloat16: 16
    }
  }

  private static func message(_ node: ONNXModel.Node) -> WireBytes {
    var message = WireBytes()
    for input in node.inputs { message.text(1, input) }
    for output in node.outputs { message.text(2, output) }
    message.text(3, node.name)
    message.text(4, node.kind)
    for (name, value) in node.attributes.sorted(by: { $0.key < $1.key }) {
      var attribute = WireBytes()
      attribute.text(1, name)
      switch value {
      case .integer(let number):
        attribute.number(3, number)
        attribute.number(20, 2)
      case .number(let number):
        attribute.float(2, Float(number))
        attribute.number(20, 1)
      case .text(let text):
        attribute.text(4, text)
        attribute.number(20, 3)
      case .integers(let numbers):
        for number in numbers { attribute.number(8, number) }
        attribute.number(20, 7)
      case .numbers(let numbers):
        for number in numbers { attribute.float(7, Float(number)) }
        attribute.number(20, 6)
      case .tensor, .other: continue
      }
      message.message(5, attribute)
    }
    return message
  }

  private static func message(_ value: ONNXDraft.Value) -> WireBytes {
    var shape = WireBytes()
    for size in value.sizes {
      var dimension = WireBytes()
      switch size {
      case .fixed(let count): dimension.number(1, count)
      case .open(let name): dimension.text(2, name)
      }
      shape.message(1, dimension)
    }
    var tensor = WireBytes()
    tensor.number(1, 1)
    tensor.message(2, shape)
    var type = WireBytes()
    type.message(1, tensor)
    var result = WireBytes()
    result.text(1, value.name)
    result.message(2, type)
    return result
  }
}

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

/// Writes a model: the tensors as bytes, little-endian, one after the other.
package enum ONNXWriter {
  /// What a message of protocol buffers can hold, and what readers take.
  private static let maximumBytes = (1 << 31) - 1

  /// Writes a whole file under the temporary name of an output; the caller commits it.
  ///
  /// - Throws: `InputError` where the model is too large for one file, or cannot be written.
  package static func write(
    _ draft: ONNXDraft, producer: (name: String, version: String), to output: OutputFile
  ) throws {
    let tensors = draft.tensors.map { (head: description(of: $0.name, $0.data), data: $0.data) }
    var start = WireBytes()
    for node in draft.nodes { start.message(1, message(node)) }
    start.text(2, "network")
    var end = WireBytes()
    end.message(11, message(draft.input))
    end.message(12, message(draft.output))
    let tensorBytes = tensors.reduce(0) {
      let size = $1.head.count + $1.data.byteCount
      return $0 + WireBytes.headCount(5, size) + size
    }
    let graphBytes = start.bytes.count + tensorBytes + end.bytes.count
    guard graphBytes < maximumBytes - (1 << 20) else {
      throw InputError(
        .cannotCreate, path: output.path, "would be larger than an .onnx file can be",
        place: "\(graphBytes >> 20) MB; the limit is 2048 MB",
        hint: ".safetensors holds networks of any size")
    }
    var head = WireBytes()
    // The version of the format in which these operators came.
    head.number(1, draft.opset <= 18 ? 8 : draft.opset <= 20 ? 9 : 10)
    head.text(2, producer.name)
    head.text(3, producer.version)
    head.head(7, graphBytes)
    var offset = 0
    func append(_ bytes: [UInt8]) throws {
      try output.write(bytes, at: offset)
      offset += bytes.count
    }
    try append(head.bytes + start.bytes)
    for tensor in tensors {
      var own = WireBytes()
      own.head(5, tensor.head.count + tensor.data.byteCount)
      try append(own.bytes + tensor.head)
      try tensor.data.withUnsafeBytes { try output.write($0, at: offset) }
      offset += tensor.data.byteCount
    }
    var tail = end
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
    try append(tail.bytes)
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

  /// A tensor's message but for its values, which come last.
  private static func description(of name: String, _ data: TensorData) -> [UInt8] {
    var tensor = WireBytes()
    for dimension in data.shape.dimensions { tensor.number(1, dimension) }
    tensor.number(2, number(of: data.dtype))
    tensor.text(8, name)
    tensor.head(9, data.byteCount)
    return tensor.bytes
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

/// The fields of a message of protocol buffers, written one after the other.
private struct WireBytes {
  private(set) var bytes: [UInt8] = []

  mutating func number(_ field: Int, _ value: Int) {
    append(UInt64(field) << 3)
    append(UInt64(bitPattern: Int64(value)))
  }

  mutating func float(_ field: Int, _ value: Float) {
    append(UInt64(field) << 3 | 5)
    for byte in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> (8 * byte))) }
  }

  mutating func text(_ field: Int, _ text: String) {
    head(field, text.utf8.count)
    bytes += text.utf8
  }

  mutating func message(_ field: Int, _ message: WireBytes) {
    head(field, message.bytes.count)
    bytes += message.bytes
  }

  /// What stands before so many bytes.
  mutating func head(_ field: Int, _ count: Int) {
    append(UInt64(field) << 3 | 2)
    append(UInt64(count))
  }

  static func headCount(_ field: Int, _ count: Int) -> Int {
    var head = WireBytes()
    head.head(field, count)
    return head.bytes.count
  }

  private mutating func append(_ number: UInt64) {
    var number = number
    while number > 0x7F {
      bytes.append(UInt8(truncatingIfNeeded: number) | 0x80)
      number >>= 7
    }
    bytes.append(UInt8(number))
  }
}

/// A message of protocol buffers as a test makes it.
struct MadeMessage {
  var bytes: [UInt8] = []

  /// A number.
  func number(_ field: Int, _ value: Int) -> MadeMessage {
    appending(Self.varint(field << 3) + Self.varint(value))
  }

  /// A text, a message, packed numbers or any bytes.
  func bytes(_ field: Int, _ content: [UInt8]) -> MadeMessage {
    appending(Self.varint(field << 3 | 2) + Self.varint(content.count) + content)
  }

  func text(_ field: Int, _ text: String) -> MadeMessage { bytes(field, Array(text.utf8)) }

  func message(_ field: Int, _ message: MadeMessage) -> MadeMessage {
    bytes(field, message.bytes)
  }

  /// Four bytes.
  func float(_ field: Int, _ value: Float) -> MadeMessage {
    appending(Self.varint(field << 3 | 5) + Self.littleEndian(value))
  }

  static func varint(_ value: Int) -> [UInt8] {
    var bits = UInt64(bitPattern: Int64(value))
    var bytes: [UInt8] = []
    while bits > 0x7F {
      bytes.append(UInt8(truncatingIfNeeded: bits) | 0x80)
      bits >>= 7
    }
    return bytes + [UInt8(bits)]
  }

  static func littleEndian(_ value: Float) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
  }

  private func appending(_ more: [UInt8]) -> MadeMessage {
    var copy = self
    copy.bytes += more
    return copy
  }
}

/// An ONNX model as a test makes it.
struct MadeONNX {
  var nodes: [MadeMessage] = []
  var tensors: [MadeMessage] = []
  var inputs = [Self.value("x", [1, 3, 8, 8])]
  var outputs = [Self.value("y", [1, 3, 8, 8])]
  var opset = 13

  /// A model that hands a tensor's shape of its image on: one ReLU.
  static let plain: MadeONNX = {
    var model = MadeONNX()
    model.nodes = [node("Relu", ["x"], ["y"])]
    return model
  }()

  var graph: MadeMessage {
    var graph = MadeMessage()
    for node in nodes { graph = graph.message(1, node) }
    for tensor in tensors { graph = graph.message(5, tensor) }
    for input in inputs { graph = graph.message(11, input) }
    for output in outputs { graph = graph.message(12, output) }
    return graph
  }

  var bytes: [UInt8] {
    MadeMessage().number(1, 8).text(2, "a test").message(7, graph)
      .message(8, MadeMessage().text(1, "").number(2, opset)).bytes
  }

  static func node(
    _ kind: String, _ inputs: [String], _ outputs: [String], name: String = "",
    attributes: [MadeMessage] = []
  ) -> MadeMessage {
    var node = MadeMessage()
    for input in inputs { node = node.text(1, input) }
    for output in outputs { node = node.text(2, output) }
    node = node.text(3, name).text(4, kind)
    for attribute in attributes { node = node.message(5, attribute) }
    return node
  }

  /// A tensor: the standard's number of its type, and what else is in the message.
  static func tensor(
    _ name: String, _ type: Int, _ dimensions: [Int], _ rest: MadeMessage = MadeMessage()
  ) -> MadeMessage {
    var tensor = MadeMessage()
    for dimension in dimensions { tensor = tensor.number(1, dimension) }
    tensor = tensor.number(2, type).text(8, name)
    return MadeMessage(bytes: tensor.bytes + rest.bytes)
  }

  static func value(_ name: String, _ sizes: [Int]) -> MadeMessage {
    var shape = MadeMessage()
    for size in sizes { shape = shape.message(1, MadeMessage().number(1, size)) }
    let type = MadeMessage().message(1, MadeMessage().number(1, 1).message(2, shape))
    return MadeMessage().text(1, name).message(2, type)
  }
}

package import Files
import Tensors

extension SourceGraph {
  /// Reads the graph of an ONNX model.
  ///
  /// Images are NHWC here and mostly NCHW there: what the layers read and make is the same, in another order, and a
  /// map of one pixel that a pool has made of the whole image is a vector.
  ///
  /// - Throws: `InputError` where values are read that nothing makes, or made twice.
  package init(onnx model: ONNXModel) throws(InputError) {
    var reader = ONNXReader(model)
    try reader.read()
    self.init(
      path: model.path, nodes: reader.nodes, inputs: reader.inputs, outputs: reader.outputs,
      layersByPlace: [:], passedOver: reader.passedOver, halfPrecision: reader.halfPrecision)
  }
}

/// Turns a model's nodes into those of a graph, one after the other.
struct ONNXReader {
  let model: ONNXModel
  private(set) var nodes: [SourceGraph.Node] = []
  private(set) var inputs: [Int] = []
  private(set) var outputs: [Int] = []
  /// The tensors that are no layer's variables, and why.
  private(set) var passedOver: [String: String]
  private(set) var halfPrecision: String?

  private var values: [String: Value] = [:]
  private var names: Set<String> = []
  /// How many nodes have each name that several have.
  private var calls: [String: Int] = [:]
  /// The tensors by which nodes multiply each channel.
  var factors: [Int: String] = [:]
  /// How many nodes read each value.
  private var readerCounts: [String: Int] = [:]
  /// The nodes of which a value is read several times under one of its names.
  private var shared: Set<Int> = []
  /// The shape of each node's value for one image of the size that the file fixes; `nil` where it fixes none.
  private var shapes: [Shape?] = []

  /// A value as the nodes of the file know it.
  enum Value {
    /// What a node of the graph makes.
    case computed(Computed)
    /// A tensor of the file, with its two axes exchanged where asked.
    case tensor(String, isTransposed: Bool)
    /// The sizes of a value, as far as they are known.
    case sizes([Extent])
  }

  /// A value that depends on the image.
  struct Computed {
    var node: Int
    var layout: Layout
    /// The number of channels, where that is known.
    var channels: Int?
  }

  /// How the file has the axes of a value.
  enum Layout: Hashable {
    case nchw, nhwc
    /// A vector for each image, with a number of axes of one pixel after it.
    case features(pixelAxes: Int)

    var rank: Int {
      if case .features(let axes) = self { 2 + axes } else { 4 }
    }
    var isImage: Bool { self == .nchw || self == .nhwc }
    /// The axis of the channels.
    var channelAxis: Int { self == .nhwc ? 3 : 1 }
  }

  /// One size of a value.
  enum Extent: Hashable {
    case number(Int)
    case batch
    case open

    /// The size as a message has it.
    var description: String {
      switch self {
      case .number(let size): "\(size)"
      case .batch: "N"
      case .open: "?"
      }
    }
  }

  init(_ model: ONNXModel) {
    self.model = model
    passedOver = model.tensors.mapValues { _ in "of a node that no output depends on" }
    for name in model.tensors.keys { values[name] = .tensor(name, isTransposed: false) }
  }

  mutating func read() throws(InputError) {
    for node in model.nodes {
      for input in node.inputs { readerCounts[input, default: 0] += 1 }
    }
    for output in model.outputs { readerCounts[output, default: 0] += 1 }
    for input in model.inputs { try append(input) }
    for node in model.nodes where node.kind != "Constant" || values[node.outputs.first ?? ""] == nil
    {
      try read(node)
    }
    for name in model.outputs {
      guard case .computed(let value) = values[name] else {
        throw fault("puts out a value that does not depend on its input", name)
      }
      outputs.append(value.node)
    }
    guard !outputs.isEmpty else { throw fault("has a graph without outputs", "the graph") }
  }

  // MARK: - Values

  private mutating func append(_ input: ONNXModel.Value) throws(InputError) {
    if input.elementType == 10 { tellHalfPrecision() }
    let isNHWC = model.expectsChannelsLast(input.name)
    let sizes = input.sizes ?? []
    let layout: Layout = isNHWC ? .nhwc : .nchw
    func size(_ axis: Int) -> Int? { sizes.count == 4 ? sizes[axis] : nil }
    let channels = size(layout.channelAxis)
    var operation = SourceOperation.input(
      height: size(isNHWC ? 1 : 2), width: size(isNHWC ? 2 : 3), channels: channels)
    if !sizes.isEmpty, sizes.count != 4 {
      operation = .other(
        fault("takes something else than images", "\(input.name) of \(sizes.count) axes"))
    }
    let node = append(operation, named: input.name, kind: "Input", reading: [])
    inputs.append(node)
    guard
      values.updateValue(
        .computed(.init(node: node, layout: layout, channels: channels)), forKey: input.name) == nil
    else { throw fault("has two values of one name", input.name) }
    note(node, as: input.name)
  }

  /// Takes note that something is computed in half precision, or rounded to it.
  mutating func tellHalfPrecision() { halfPrecision = "float16" }

  /// Appends a node of the graph and returns its index.
  mutating func append(
    _ operation: SourceOperation, named name: String, kind: String, reading inputs: [Int],
    tensors: [String: SourceGraph.Tensor] = [:]
  ) -> Int {
    var unique = name
    while !names.insert(unique).inserted {
      calls[name, default: 1] += 1
      unique = "\(name):\(calls[name, default: 1])"
    }
    for tensor in tensors.values { passedOver[tensor.name] = nil }
    shapes.append(shape(of: operation, reading: inputs))
    nodes.append(
      .init(
        name: unique, className: kind, operation: operation, inputs: inputs,
        place: .init(names: [unique], groups: [], call: 0), tensors: tensors))
    return nodes.count - 1
  }

  private mutating func read(_ node: ONNXModel.Node) throws(InputError) {
    for input in node.inputs where !input.isEmpty && values[input] == nil {
      throw fault(
        "has a node that reads what none before it makes", "\(node.name) reads \(input)")
    }
    guard let output = node.outputs.first, !output.isEmpty else { return }
    let value: Value
    do {
      value = try self.value(of: node)
    } catch {
      let reads = node.inputs.compactMap { computed($0) }
      let index = append(
        .other(error), named: node.name, kind: node.kind, reading: reads.map(\.node))
      value = .computed(
        .init(node: index, layout: reads.first?.layout ?? .nchw, channels: nil))
    }
    guard values.updateValue(value, forKey: output) == nil else {
      throw fault("has two values of one name", output)
    }
    if case .computed(let computed) = value { note(computed.node, as: output) }
    // What only training reads, such as the places of a pool's largest values, nothing makes here.
  }

  func value(_ name: String) -> Value? { values[name] }

  /// A value that depends on the image; `nil` for others.
  func computed(_ name: String) -> Computed? {
    if case .computed(let value) = values[name] { return value }
    return nil
  }

  /// Takes note of a name under which nodes read what a node of the graph makes.
  private mutating func note(_ node: Int, as name: String) {
    if readerCounts[name] != 1 { shared.insert(node) }
  }

  /// Whether one node or output alone reads what a node makes, under whichever of its names: what only hands it on
  /// gives it another one.
  func isReadOnce(_ node: Int) -> Bool { !shared.contains(node) }

  /// How many values of one image a value has; `nil` where that depends on the size of the image.
  func valuesPerImage(_ value: Computed) -> Int? {
    shapes[value.node]?.elementCount ?? (value.layout.isImage ? nil : value.channels)
  }

  /// The size of the batch, where the file fixes it.
  var fixedBatch: Int? { model.inputs.count == 1 ? model.inputs[0].sizes?.first ?? nil : nil }

  private func shape(of operation: SourceOperation, reading inputs: [Int]) -> Shape? {
    if case .input(let height?, let width?, let channels?) = operation {
      let sizes = [height, width, channels]
      return sizes.allSatisfy { (1...4096).contains($0) } ? Shape([1] + sizes) : nil
    }
    let given = inputs.compactMap { shapes[$0] }
    guard given.count == inputs.count else { return nil }
    return operation.shape(for: given).flatMap {
      $0.elementCount <= SourceGraph.maximumValues ? $0 : nil
    }
  }

  /// Says what a tensor is for that is no layer's variable.
  mutating func passOver(_ tensor: String, _ reason: String) {
    if passedOver[tensor] != nil { passedOver[tensor] = reason }
  }

  /// Changes the node that a bias was found for.
  mutating func replace(
    _ index: Int, _ operation: SourceOperation, tensors: [String: SourceGraph.Tensor]
  ) {
    for tensor in tensors.values { passedOver[tensor.name] = nil }
    let node = nodes[index]
    nodes[index] = .init(
      name: node.name, className: node.className, operation: operation, inputs: node.inputs,
      place: node.place, tensors: tensors)
  }

  func fault(_ problem: String, _ place: String) -> InputError {
    InputError(.badData, path: model.path, problem, place: place)
  }
}

extension ONNXModel {
  /// Whether images are given with their channels last: then they are turned before the first window moves over them.
  fileprivate func expectsChannelsLast(_ input: String) -> Bool {
    var followed: Set<String> = [input]
    for node in nodes where node.inputs.contains(where: followed.contains) {
      switch node.kind {
      case "Transpose": return node.attributes["perm"] == .integers([0, 3, 1, 2])
      case "Add", "Sub", "Mul", "Div", "Identity", "Cast", "Pad", "Clip", "Gather", "Slice",
        "Reshape":
        followed.formUnion(node.outputs)
      default: return false
      }
    }
    return false
  }
}

import Families
import Files
import Inference
import RNW
import ResNetV2
import SourceGraph
import Tensors
import WeightSources

/// A network as an ONNX model: a node or a few for each of its nodes, under the canonical names, with images as NCHW.
///
/// Weights that are standardised before use are written as they are used.
struct ONNXExport {
  private(set) var draft = ONNXDraft()
  private let graph: Graph
  private let parameters: Parameters
  /// What each node's value is called.
  private var values: [Int: String] = [:]
  /// Constants that several nodes read.
  private var constants: Set<String> = []

  /// - Parameters:
  ///   - usual: the image that the network is usually run on.
  ///   - batch: the number of images; `nil` leaves it open.
  /// - Throws: `InputError` where a layer has no operators.
  init(
    _ parameters: Parameters, of graph: Graph, family: Family, usual: Shape, batch: Int? = nil,
    path: String
  ) throws {
    (self.graph, self.parameters) = (graph, parameters)
    for (index, node) in graph.nodes.enumerated() {
      guard let value = try append(node, index) else {
        throw InputError(
          .cannotCreate, path: path, "has a layer that ONNX has no operators for",
          place: node.name)
      }
      values[index] = value
    }
    var stated = graph.configuration
    stated.weightStandardizationEpsilon = nil
    draft.metadata = [
      ("rnw.configuration", try RecordCoding.json(stated)), ("rnw.family", family.id),
    ]
    let images: ONNXDraft.Size = batch.map { .fixed($0) } ?? .open("batch")
    let channels = ONNXDraft.Size.fixed(graph.configuration.input.channels)
    var image: [ONNXDraft.Size] = [.open("height"), .open("width")]
    if let size = try graph.requiredImage(usual: usual, path: path) {
      image = [.fixed(size[1]), .fixed(size[2])]
    }
    let hasMap = graph.configuration.head.pooling == .none
    draft.input = .init(name: "input", sizes: [images, channels] + image)
    draft.output = .init(
      name: "output",
      sizes: [images, .fixed(graph.outputChannels)]
        + (hasMap ? [.open("rows"), .open("columns")] : []))
  }

  /// Writes the model, and puts it into its place with the file beside it, where it has one.
  ///
  /// - Parameter maximumBytes: the largest model that is one file.
  /// - Returns: the files that were written.
  func commit(to output: OutputFile, maximumBytes: Int) throws -> [String] {
    let values = try ONNXWriter.write(
      draft, producer: ("rnw", PackageVersion.text), to: output, maximumBytes: maximumBytes)
    guard let values else {
      try output.commit()
      return [output.path]
    }
    try output.commit(with: values)
    return [output.path, values.path]
  }

  // MARK: - Nodes

  /// Appends what a node does, and returns the name of its value.
  private mutating func append(_ node: Node, _ index: Int) throws -> String? {
    let reads = node.inputs.compactMap { values[$0] }
    let isOutput = index == graph.outputIndex
    let name = isOutput ? "output" : node.name
    guard let x = reads.first else { return "input" }
    switch node.operation {
    case .input: return "input"
    case .adjust(let scale, let offset, let reversesChannels):
      return adjust(node, x, scale, offset, reversesChannels, to: name)
    case .convolution(let conv):
      return convolution(node, conv, x, to: name)
    case .norm(let norm, let channels, let affine):
      return self.norm(node, norm, channels, affine, x, isImage: isImage(node.inputs[0]), to: name)
    case .activation(let activation):
      return function(node, activation, x, to: name)
    case .maxPool(let pool):
      return maxPool(node, pool, x, to: name)
    case .averagePool(let pool):
      guard let border = ONNXBorder(pool.padding) else {
        return nil
      }
      return add(
        "AveragePool", node.name, [x], name,
        border.attributes(size: pool.size, stride: pool.stride))
    case .subsample(let stride):
      return add(
        "MaxPool", node.name, [x], name,
        ["kernel_shape": .integers([1, 1]), "strides": .integers([stride, stride])])
    case .padChannels(let before, let after):
      let pads = constant("\(node.name).pads", integers: [0, before, 0, 0, 0, after, 0, 0])
      return add("Pad", node.name, [x, pads], name)
    case .add:
      return add("Add", node.name, reads, name)
    case .globalAverage, .globalMaximum:
      let kind = node.operation == .globalAverage ? "GlobalAveragePool" : "GlobalMaxPool"
      let pooled = add(kind, node.name, [x], "\(node.name).pooled")
      return add("Flatten", "\(node.name).flatten", [pooled], name)
    case .flatten(_, _, let channelsFirst):
      let image =
        channelsFirst
        ? x
        : add(
          "Transpose", "\(node.name).transpose", [x], "\(node.name).nhwc",
          ["perm": .integers([0, 2, 3, 1])])
      return add("Flatten", node.name, [image], name)
    case .dense(let inputs, let outputs, let hasBias):
      let bias = hasBias ? [tensor(node, .bias)] : []
      guard isImage(node.inputs[0]) else {
        return add(
          "Gemm", node.name, [x, tensor(node, .weight)] + bias, name, ["transB": .integer(1)])
      }
      // A dense layer of each pixel.
      return add(
        "Conv", node.name, [x, tensor(node, .weight, axes: [outputs, inputs, 1, 1])] + bias, name,
        ["kernel_shape": .integers([1, 1])])
    }
  }

  private mutating func adjust(
    _ node: Node, _ x: String, _ scale: [Double], _ offset: [Double], _ reverses: Bool,
    to name: String
  ) -> String {
    // Numbers that are none of float32 are kept, and computed with, as float64.
    let isPlain = (scale + offset).allSatisfy { Double(Float($0)) == $0 }
    var steps: [(kind: String, inputs: [String], attributes: [String: ONNXModel.Attribute])] = []
    if reverses {
      let channels = graph.configuration.input.channels
      let order = constant("\(node.name).order", integers: Array((0..<channels).reversed()))
      steps.append(("Gather", [order], ["axis": .integer(1)]))
    }
    if !isPlain { steps.append(("Cast", [], ["to": .integer(11)])) }
    for (kind, numbers) in [("Mul", scale), ("Add", offset)] where !numbers.isEmpty {
      let data = TensorData(numbers: numbers, asFloat32: isPlain)
      let word = kind == "Mul" ? "scale" : "offset"
      draft.tensors.append(("\(node.name).\(word)", data))
      steps.append((kind, ["\(node.name).\(word)"], [:]))
    }
    if !isPlain { steps.append(("Cast", [], ["to": .integer(1)])) }
    var value = x
    for (number, step) in steps.enumerated() {
      let isLast = number == steps.count - 1
      let label = isLast ? node.name : "\(node.name).\(number + 1)"
      value = add(
        step.kind, label, [value] + step.inputs, isLast ? name : label, step.attributes)
    }
    return value
  }

  private mutating func convolution(
    _ node: Node, _ conv: Operation.Convolution, _ x: String, to name: String
  ) -> String? {
    let padding: Operation.Pool.Padding
    switch conv.padding {
    case .each(let width): padding = .ignored(width)
    case .same: padding = .same
    }
    // ONNX Runtime computes no border by itself around taps that are apart.
    guard let border = ONNXBorder(padding), !border.isSame || conv.dilation == 1 else {
      return nil
    }
    let bias = conv.hasBias ? [tensor(node, .bias)] : []
    var attributes = border.attributes(size: conv.kernel, stride: conv.stride)
    if conv.dilation != 1 { attributes["dilations"] = .integers([conv.dilation, conv.dilation]) }
    return add(
      "Conv", node.name,
      [x, tensor(node, .weight, standardizing: conv.weightStandardizationEpsilon)] + bias, name,
      attributes)
  }

  private mutating func maxPool(
    _ node: Node, _ pool: Operation.Pool, _ x: String, to name: String
  ) -> String? {
    var x = x
    var padding = pool.padding
    if case .zero(let width) = padding {
      // Zeros that count are a border of their own.
      let pads = constant("\(node.name).pads", integers: [0, 0, width, width, 0, 0, width, width])
      x = add("Pad", "\(node.name).pad", [x, pads], "\(node.name).padded")
      padding = .ignored(0)
    }
    guard let border = ONNXBorder(padding) else { return nil }
    return add(
      "MaxPool", node.name, [x], name, border.attributes(size: pool.size, stride: pool.stride))
  }

  private mutating func norm(
    _ node: Node, _ norm: Configuration.Norm, _ channels: Int, _ affine: Operation.Affine,
    _ x: String, isImage: Bool, to name: String
  ) -> String? {
    // The scale and shift of a norm without statistics stand before the axes of the image.
    let isBare = !affine.hasStatistics
    let axes = isBare && isImage ? [channels, 1, 1] : [channels]
    let scale = affine.hasScale ? tensor(node, .scale, axes: axes) : constant(1, axes: axes)
    let shift = affine.hasShift ? tensor(node, .shift, axes: axes) : constant(0, axes: axes)
    switch norm {
    case .batch(let epsilon) where affine.hasStatistics:
      return add(
        "BatchNormalization", node.name,
        [x, scale, shift, tensor(node, .mean), tensor(node, .variance)], name,
        ["epsilon": .number(epsilon)])
    case .batch:
      let product = add("Mul", "\(node.name).mul", [x, scale], "\(node.name).scaled")
      return add("Add", node.name, [product, shift], name)
    case .group(let count, let epsilon):
      guard isImage else { return nil }
      draft.opset = 21
      return add(
        "GroupNormalization", node.name, [x, scale, shift], name,
        ["num_groups": .integer(count), "epsilon": .number(epsilon)])
    }
  }

  private mutating func function(
    _ node: Node, _ activation: ActivationFunction, _ x: String, to name: String
  ) -> String {
    switch activation {
    case .softmax: return add("Softmax", node.name, [x], name, ["axis": .integer(1)])
    case .sigmoid: return add("Sigmoid", node.name, [x], name)
    case .tanh: return add("Tanh", node.name, [x], name)
    case .relu: return add("Relu", node.name, [x], name)
    case .relu6:
      let limits = [("rnw.limit.low", Float(0)), ("rnw.limit.high", Float(6))].map { limit in
        if constants.insert(limit.0).inserted {
          draft.tensors.append((limit.0, TensorData(shape: [], values: [limit.1])))
        }
        return limit.0
      }
      return add("Clip", node.name, [x] + limits, name)
    case .leakyRelu(let slope):
      return add("LeakyRelu", node.name, [x], name, ["alpha": .number(slope)])
    case .elu(let alpha): return add("Elu", node.name, [x], name, ["alpha": .number(alpha)])
    case .selu: return add("Selu", node.name, [x], name)
    case .gelu, .geluTanh:
      draft.opset = max(draft.opset, 20)
      let rule = activation == .gelu ? "none" : "tanh"
      return add("Gelu", node.name, [x], name, ["approximate": .text(rule)])
    case .silu:
      let factor = add("Sigmoid", "\(node.name).sigmoid", [x], "\(node.name).factor")
      return add("Mul", node.name, [x, factor], name)
    case .softplus: return add("Softplus", node.name, [x], name)
    case .hardSigmoid(let slope):
      return add(
        "HardSigmoid", node.name, [x], name, ["alpha": .number(slope), "beta": .number(0.5)])
    case .hardSwish:
      draft.opset = max(draft.opset, 14)
      return add("HardSwish", node.name, [x], name)
    }
  }

  // MARK: - Parts

  /// Whether a node's value is an image rather than a vector.
  private func isImage(_ index: Int) -> Bool {
    let node = graph.nodes[index]
    switch node.operation {
    case .globalAverage, .globalMaximum, .flatten: return false
    case .dense, .norm, .activation: return isImage(node.inputs[0])
    default: return true
    }
  }

  private mutating func add(
    _ kind: String, _ name: String, _ inputs: [String], _ output: String,
    _ attributes: [String: ONNXModel.Attribute] = [:]
  ) -> String {
    var node = ONNXModel.Node()
    (node.kind, node.name, node.inputs, node.outputs) = (kind, name, inputs, [output])
    node.attributes = attributes
    draft.nodes.append(node)
    return output
  }

  /// Lists a parameter under its canonical name, and returns that.
  private mutating func tensor(
    _ node: Node, _ role: Parameter.Role, axes: [Int]? = nil, standardizing epsilon: Double? = nil
  ) -> String {
    guard let parameter = node.parameters.first(where: { $0.role == role }) else { return "" }
    var data = parameters[parameter].asFloat32()
    if let epsilon { data = data.standardized(epsilon: epsilon) }
    if let axes { data = data.reshaped(to: Shape(axes)) }
    draft.tensors.append((parameter.name, data))
    return parameter.name
  }

  /// The scale or shift of a norm that has none: the name tells a reader that no parameter was there.
  private mutating func constant(_ value: Float, axes: [Int]) -> String {
    let shape = Shape(axes)
    let sizes = axes.map(String.init).joined(separator: "x")
    let name = "rnw.\(value == 1 ? "ones" : "zeros").\(sizes)"
    if constants.insert(name).inserted {
      let values = [Float](repeating: value, count: shape.elementCount)
      draft.tensors.append((name, TensorData(shape: shape, values: values)))
    }
    return name
  }

  private mutating func constant(_ name: String, integers: [Int]) -> String {
    let bytes = integers.flatMap { integer in
      (0..<8).map { UInt8(truncatingIfNeeded: integer >> (8 * $0)) }
    }
    draft.tensors.append((name, TensorData(dtype: .int64, shape: [integers.count], bytes: bytes)))
    return name
  }
}

extension TensorData {
  /// Numbers of channels, before the axes of an image.
  fileprivate init(numbers: [Double], asFloat32: Bool) {
    let shape: Shape = [numbers.count, 1, 1]
    if asFloat32 {
      self.init(shape: shape, values: numbers.map { Float($0) })
    } else {
      let bytes = numbers.flatMap { number in
        (0..<8).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * $0)) }
      }
      self.init(dtype: .float64, shape: shape, bytes: bytes)
    }
  }
}

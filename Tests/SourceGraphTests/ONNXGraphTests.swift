import Files
import Inference
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import SourceGraph

@Suite("The graph of an ONNX model")
struct ONNXGraphTests {
  static let files = [
    "torch", "torch.plain", "torch.dynamo", "external", "torchvision", "timm", "timm.deep",
    "preact",
    "keras", "zoo",
  ]

  @Test("The graph computes what ONNX Runtime does, within 2e-6", arguments: files)
  func agrees(_ file: String) throws {
    let truth = try WeightFile.open(Fixture.path("onnx/\(file).truth.npz"))
    let source = try WeightFile.open(Fixture.path("onnx/\(file).onnx"))
    let graph = try #require(try source.graph())
    let input = try truth.tensor(named: "input")
    let run = try SourceRun(
      Activation(shape: input.shape, values: input.floats()), through: graph,
      weights: try SourceWeights(of: graph, in: source),
      arithmetic: ReferenceArithmetic(pool: WorkerPool(threads: 2)))
    let output = try #require(try run.value(of: graph.outputs[0]))
    let error = ScaledError(of: output.values, from: try truth.tensor(named: "output").floats())
    #expect(error.value <= 2e-6, "\(error.value)")
  }

  // MARK: - Single nodes

  /// A graph of one node of an image of 3 channels, and its tensors.
  func graph(
    _ nodes: [ONNXModel.Node], tensors: [String: TensorData] = [:], opset: Int = 13,
    input: [Int?] = [nil, 3, nil, nil]
  ) throws -> SourceGraph {
    let infos = Dictionary(
      uniqueKeysWithValues: tensors.map {
        ($0.key, TensorInfo(name: $0.key, dtype: $0.value.dtype, shape: $0.value.shape))
      })
    return try SourceGraph(
      onnx: ONNXModel(
        path: "m.onnx", opset: opset, nodes: nodes, inputs: [.init(name: "x", sizes: input)],
        outputs: [nodes.last?.outputs.first ?? ""], tensors: infos
      ) { name in
        try #require(tensors[name])
      })
  }

  func node(
    _ kind: String, _ inputs: [String] = ["x"], _ output: String = "y",
    _ attributes: [String: ONNXModel.Attribute] = [:]
  ) -> ONNXModel.Node {
    var node = ONNXModel.Node()
    (node.name, node.kind, node.inputs, node.outputs) = ("n_\(output)", kind, inputs, [output])
    node.attributes = attributes
    return node
  }

  static func floats(_ shape: Shape, _ value: Float = 0.5) -> TensorData {
    TensorData(shape: shape, values: [Float](repeating: value, count: shape.elementCount))
  }

  static func integers(_ values: [Int]) -> TensorData {
    TensorData(
      dtype: .int64, shape: [values.count],
      bytes: values.flatMap { value in
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
      })
  }

  /// A node that is not understood, and what is said of it.
  struct Refused: Sendable, CustomTestStringConvertible {
    let kind: String
    let expected: String
    var inputs = ["x"]
    var attributes: [String: ONNXModel.Attribute] = [:]

    var testDescription: String { "\(kind): \(expected)" }
  }

  static let refused: [Refused] = [
    Refused(kind: "Einsum", expected: "not known here"),
    Refused(
      kind: "Conv", expected: "3 groups", inputs: ["x", "k1"], attributes: ["group": .integer(3)]),
    Refused(
      kind: "Conv", expected: "dilations [1, 2]", inputs: ["x", "k"],
      attributes: ["dilations": .integers([1, 2])]),
    Refused(
      kind: "MaxPool", expected: "a pool with gaps",
      attributes: ["kernel_shape": .integers([3, 3]), "dilations": .integers([2, 2])]),
    Refused(
      kind: "Conv", expected: "strides of 1 and 2", inputs: ["x", "k"],
      attributes: ["strides": .integers([1, 2])]),
    Refused(
      kind: "Conv", expected: "SAME_LOWER", inputs: ["x", "k"],
      attributes: ["auto_pad": .text("SAME_LOWER")]),
    Refused(
      kind: "Conv", expected: "pads", inputs: ["x", "k"],
      attributes: ["pads": .integers([-1, 0, 0, 0])]),
    Refused(kind: "Conv", expected: "kernel", inputs: ["x", "v"]),
    Refused(
      kind: "MaxPool", expected: "ceil_mode",
      attributes: [
        "kernel_shape": .integers([3, 3]), "strides": .integers([2, 2]), "ceil_mode": .integer(1),
      ]),
    Refused(
      kind: "AveragePool", expected: "ceil_mode",
      attributes: [
        "kernel_shape": .integers([3, 3]), "strides": .integers([3, 3]), "ceil_mode": .integer(1),
      ]),
    Refused(
      kind: "MaxPool", expected: "not square", attributes: ["kernel_shape": .integers([3, 2])]),
    Refused(
      kind: "AveragePool", expected: "border around",
      attributes: ["kernel_shape": .integers([3, 3]), "pads": .integers([1, 1, 1, 1])]),
    Refused(
      kind: "Softmax", expected: "softmax over the axis 2", attributes: ["axis": .integer(2)]),
    Refused(
      kind: "Transpose", expected: "order of axes", attributes: ["perm": .integers([0, 2, 1, 3])]),
    Refused(kind: "Add", expected: "one value for each channel", inputs: ["x", "v4"]),
    Refused(kind: "Div", expected: "no number", inputs: ["x", "zero"]),
    Refused(kind: "Cast", expected: "type 7", attributes: ["to": .integer(7)]),
    Refused(kind: "Clip", expected: "limits", attributes: ["min": .number(0), "max": .number(1)]),
    Refused(kind: "Flatten", expected: "axis 2", attributes: ["axis": .integer(2)]),
    Refused(
      kind: "Pad", expected: "border of channels",
      attributes: ["pads": .integers([0, 1, 1, 0, 0, 0, 0, 0])]),
    Refused(
      kind: "Pad", expected: "not of one value",
      attributes: ["pads": .integers([0, 0, 1, 1, 0, 0, 1, 1]), "mode": .text("reflect")]),
    Refused(
      kind: "ReduceMean", expected: "not those of the image", attributes: ["axes": .integers([1])]),
    Refused(
      kind: "BatchNormalization", expected: "as it is trained", inputs: ["x", "v", "v", "v", "v"],
      attributes: ["training_mode": .integer(1)]),
    Refused(kind: "Gemm", expected: "no dense layer", inputs: ["x", "m"]),
    Refused(kind: "Sub", expected: "whole numbers (int64)", inputs: ["x", "i"]),
    Refused(kind: "If", expected: "a graph within the graph", inputs: ["i"]),
    Refused(kind: "DequantizeLinear", expected: "quantised", inputs: ["i", "v"]),
    Refused(kind: "Ceil", expected: "not known here", inputs: ["v"]),
    Refused(kind: "ConstantOfShape", expected: "not known here", inputs: ["i"]),
    Refused(kind: "Sqrt", expected: "exporter usually does itself", inputs: ["v"]),
  ]

  @Test("A node that is not understood is named, with what of it", arguments: refused)
  func refuses(_ refused: Refused) throws {
    let tensors: [String: TensorData] = [
      "k": Self.floats([4, 3, 3, 3]), "k1": Self.floats([3, 1, 3, 3]), "v": Self.floats([3]),
      "v4": Self.floats([4, 1, 1]), "zero": Self.floats([], 0), "m": Self.floats([3, 2]),
      "i": Self.integers([100]),
    ]
    let graph = try graph(
      [node(refused.kind, refused.inputs, "y", refused.attributes)], tensors: tensors)
    let error = #expect(throws: InputError.self) { try graph.requireUnderstood() }
    #expect(error?.problem.contains("n_y") == true)
    #expect(error?.place?.contains(refused.expected) == true, "\(error?.description ?? "")")
  }

  @Test(
    "A norm that gives the statistics of the images too is one as it is trained",
    arguments: [9, 13])
  func trainedNorm(opset: Int) throws {
    var norm = node("BatchNormalization", ["x", "v", "v", "v", "v"])
    let tensors = ["v": Self.floats([3])]
    norm.outputs = ["y", "", ""]
    try graph([norm], tensors: tensors, opset: opset).requireUnderstood()
    norm.outputs = ["y", "mean", "variance", "saved_mean", "saved_variance"]
    let trained = try graph([norm], tensors: tensors, opset: opset)
    let error = #expect(throws: InputError.self) { try trained.requireUnderstood() }
    #expect(error?.place?.contains("as it is trained") == true)
  }

  @Test("Values that are rounded to half precision on their way are told", arguments: [1, 10])
  func rounded(type: Int) throws {
    let graph = try graph([
      node("Cast", ["x"], "h", ["to": .integer(type)]),
      node("Cast", ["h"], "f", ["to": .integer(1)]),
      node("Relu", ["f"]),
    ])
    #expect(graph.halfPrecision == (type == 10 ? "float16" : nil))
  }

  @Test("A node that no output depends on may be anything")
  func dead() throws {
    let graph = try graph([node("Einsum", ["x"], "z"), node("Relu")])
    try graph.requireUnderstood()
  }

  @Test("The shape of a flattened image may be computed from the image's")
  func computedShape() throws {
    let shape = node("Shape", ["x"], "s")
    let gather = node("Gather", ["s", "zero"], "n", ["axis": .integer(0)])
    let wider = node("Unsqueeze", ["n", "zero"], "u")
    let concat = node("Concat", ["u", "open"], "t", ["axis": .integer(0)])
    let reshape = node("Reshape", ["x", "t"])
    let graph = try graph(
      [shape, gather, wider, concat, reshape],
      tensors: ["zero": Self.integers([0]), "open": Self.integers([-1])])
    try graph.requireUnderstood()
    #expect(graph.nodes[graph.outputs[0]].operation == .flatten(channelsFirst: true))
    #expect(try graph.shapes(for: [2, 5, 4, 3])[graph.outputs[0]] == [2, 60])
  }

  @Test("A flattened image has the order of the file: channels first")
  func flattenedOrder() throws {
    let graph = try graph([node("Flatten")])
    let input = Activation(shape: [1, 2, 2, 3], values: (0..<12).map { Float($0) })
    let source = NoSource()
    let run = try SourceRun(
      input, through: graph, weights: try SourceWeights(of: graph, in: source),
      arithmetic: ReferenceArithmetic(pool: WorkerPool(threads: 1)))
    #expect(
      try run.value(of: graph.outputs[0])?.values == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11])
  }

  @Test(
    "A scale and a shift of channels within the network are a norm without statistics, at the input a factor"
  )
  func scales() throws {
    let tensors = ["a": Self.floats([3, 1, 1], 2), "b": Self.floats([1, 3, 1, 1], 1)]
    let scale = [node("Mul", ["r", "a"], "s"), node("Add", ["s", "b"])]
    let inner = try graph([node("Relu", ["x"], "r")] + scale, tensors: tensors)
    #expect(
      inner.nodes[inner.outputs[0]].operation
        == .batchNorm(
          .init(axis: -1, epsilon: 0, hasScale: true, hasShift: true, hasStatistics: false)))
    #expect(inner.nodes[inner.outputs[0]].tensors["gamma"]?.name == "a")
    let outer = try graph(
      [node("Mul", ["x", "a"], "s"), node("Add", ["s", "b"])], tensors: tensors)
    #expect(
      outer.nodes[outer.outputs[0]].operation == .affine(scale: [1], offset: [1, 1, 1]))
  }

  @Test("Only the settings of pools that mean the same are the same")
  func pools() throws {
    let pads = node(
      "MaxPool", ["x"], "y",
      [
        "kernel_shape": .integers([3, 3]), "strides": .integers([2, 2]),
        "pads": .integers([1, 1, 1, 1]),
      ])
    let padded = try graph([pads])
    #expect(
      padded.nodes[1].operation
        == .padding(.init(top: 1, bottom: 1, left: 1, right: 1, isNegativeInfinity: true)))
    let up = node(
      "AveragePool", ["x"], "y",
      [
        "kernel_shape": .integers([2, 2]), "strides": .integers([2, 2]), "ceil_mode": .integer(1),
      ])
    #expect(
      try graph([up]).nodes[1].operation == .averagePool(.init(size: 2, stride: 2, isSame: true)))
  }
}

/// A source without tensors.
private struct NoSource: WeightSource {
  let container = "none"
  let path = "m.onnx"
  let tensors: [TensorInfo] = []
  let metadata: [String: String] = [:]
  func tensor(named name: String) throws(InputError) -> TensorData {
    throw InputError(.badData, path: path, "has no tensors")
  }
}

import Files
import ResNetV2
import SourceGraph
import Tensors
import Testing

@testable import Families

@Suite("Keras ResNetV2")
struct KerasTests {
  /// The counts that `model.count_params()` and `len(model.weights)` give in Keras.
  static let published: [(name: String, classes: Int, values: Int, tensors: Int)] = [
    ("resnet50_v2", 1000, 25_613_800, 272), ("resnet50_v2", 0, 23_564_800, 270),
    ("resnet101_v2", 1000, 44_675_560, 544), ("resnet101_v2", 0, 42_626_560, 542),
    ("resnet152_v2", 1000, 60_380_648, 816), ("resnet152_v2", 0, 58_331_648, 814),
  ]

  @Test("A named network has as many parameters as in Keras", arguments: published)
  func counts(_ expected: (name: String, classes: Int, values: Int, tensors: Int)) throws {
    let graph = try Self.graph(expected.name, classes: expected.classes)
    #expect(graph.parameters.count == expected.tensors)
    #expect(graph.parameters.reduce(0) { $0 + $1.shape.elementCount } == expected.values)
  }

  @Test("A named network is recognised from its names and shapes", arguments: published)
  func recognition(_ expected: (name: String, classes: Int, values: Int, tensors: Int)) throws {
    let graph = try Self.graph(expected.name, classes: expected.classes)
    let mapping = try Mapping(KerasNamed(graph))
    #expect(mapping.graph.configuration == graph.configuration)
    #expect(mapping.family.architectureName(of: graph.configuration) == expected.name)
    #expect(mapping.entries.map(\.parameter) == graph.parameters)
  }

  @Test("The names of the containers lead to the same network", arguments: NameForm.allCases)
  func nameForms(_ form: NameForm) throws {
    let graph = try Self.graph("resnet50_v2", classes: 7)
    var source = KerasNamed(graph)
    source.tensors = source.tensors.map {
      TensorInfo(name: form.name(of: $0.name), dtype: $0.dtype, shape: $0.shape)
    }
    let mapping = try Mapping(source)
    #expect(mapping.graph.configuration == graph.configuration)
  }

  @Test("A saved model's own configuration tells the ε of its norms and the end of its head")
  func configuration() throws {
    func model(_ epsilons: [Double], _ activation: String) -> String {
      let norms = epsilons.enumerated().map { number, epsilon in
        #"{"class_name":"BatchNormalization","config":{"name":"bn\#(number)","epsilon":\#(epsilon)}}"#
      }
      let dense =
        #"{"class_name":"Dense","config":{"name":"d","units":3,"activation":"\#(activation)"}}"#
      let layers = (norms + [dense]).joined(separator: ",")
      return #"{"class_name":"Sequential","config":{"name":"m","layers":[\#(layers)]}}"#
    }
    var source = KerasNamed(try Self.graph("resnet50_v2", classes: 3))
    source.configuration = (model([1e-3, 1e-3], "linear"))
    let configuration = try Mapping(source, usesGraph: false).graph.configuration
    #expect(configuration.norm == .batch(epsilon: 1e-3))
    #expect(configuration.head.lastActivation == nil)
    source.configuration = (model([1e-3, 1e-5], "softmax"))
    var error = #expect(throws: InputError.self) { try Mapping(source, usesGraph: false) }
    #expect(error?.place == "its norms have different ε: 1e-05 and 0.001")
    source.configuration = (model([1e-3, 1e-3, 1e-5], "softmax"))
    error = #expect(throws: InputError.self) { try Mapping(source, usesGraph: false) }
    #expect(error?.place == "its norms have different ε: 1e-05 and 0.001, only bn2 has its own")
  }

  @Test("A dense layer of any name is the head")
  func otherHeadName() throws {
    let graph = try Self.graph("resnet50_v2", classes: 3)
    for name in ["probs", "dense_7"] {
      let source = KerasNamed(graph).renaming { name in
        name.hasPrefix("predictions/") ? "HEAD" + name.dropFirst("predictions".count) : name
      }.renaming { $0.hasPrefix("HEAD") ? name + $0.dropFirst(4) : $0 }
      let mapping = try Mapping(source)
      #expect(mapping.layerNames.name(of: "head.softmax") == name)
    }
  }

  @Test("A head of the usual name may stand beside the network that it belongs to")
  func outerHead() throws {
    let graph = try Self.graph("resnet50_v2", classes: 3)
    let source = KerasNamed(graph).renaming {
      $0.hasPrefix("predictions/") ? $0 : "resnet50v2/\($0)"
    }
    #expect(try Mapping(source).graph.configuration == graph.configuration)
  }

  @Test("Biases, scales and shifts that a file lacks, or has beyond the family's, are read from it")
  func parts() throws {
    let usual = try Self.graph("resnet50_v2", classes: 3).configuration
    let changes: [(inout Configuration) -> Void] = [
      {
        $0.block.hasLastBias = false
        $0.stem.convolutions[0].hasBias = false
        $0.shortcut.hasBias = false
      },
      { $0.block.hasInnerBiases = true },
      { $0.hasNormScales = false },
      { $0.hasNormShifts = false },
      { $0.head.layers[0] = .dense(outputs: 3, hasBias: false) },
    ]
    for change in changes {
      var configuration = usual
      change(&configuration)
      #expect(configuration != usual)
      let mapping = try Mapping(KerasNamed(try Graph(configuration)))
      #expect(mapping.graph.configuration == configuration)
    }
    // One that is missing is a fault.
    var source = KerasNamed(try Graph(usual))
    source.tensors.removeAll { $0.name == "conv3_block2_3_conv/bias" }
    let error = #expect(throws: InputError.self) { try Mapping(source) }
    #expect(error?.place?.contains("missing conv3_block2_3_conv/bias (512)") == true)
  }

  @Test("What does not fit is named", arguments: Fault.all)
  func faults(_ fault: Fault) throws {
    var source = KerasNamed(try Self.graph("resnet50_v2", classes: 10))
    fault.inject(&source.tensors)
    let error = #expect(throws: InputError.self) { try Mapping(source) }
    #expect(
      error?.description.contains(fault.expected) == true, "\(error.map(\.description) ?? "")")
    #expect(error?.kind == .badData)
  }

  @Test("Keras' layer names cover all layers but the folded padding")
  func layerNames() throws {
    let graph = try Self.graph("resnet50_v2", classes: 1000)
    let names = Family.keras.layerNames(for: graph)
    let folded = names.folded.map(\.name)
    #expect(folded.count == 18)
    #expect(folded.contains("conv4_block6_2_pad"))
    // 192 layers in Keras: all nodes but the logits before the softmax, and the padding.
    #expect(graph.nodes.count { names.name(of: $0.name) != nil } + folded.count == 192)
    #expect(names.name(of: "stage2.block4.shortcut.subsample") == "max_pooling2d")
    #expect(names.name(of: "head.softmax") == "predictions")
    #expect(names.name(of: "head.dense") == nil)
  }

  @Test("Counted pooling layers are found in the order of their numbers")
  func countedNames() throws {
    let graph = try Self.graph("resnet50_v2", classes: 1000)
    let names = Family.keras.layerNames(for: graph)
    let assignment = names.assignment(
      of: graph.nodes.map(\.name),
      to: ["input", "max_pooling2d_11", "max_pooling2d_9", "max_pooling2d_10", "post_bn", "other"])
    #expect(assignment.arrays["stage1.block3.shortcut.subsample"] == "max_pooling2d_9")
    #expect(assignment.arrays["stage3.block6.shortcut.subsample"] == "max_pooling2d_11")
    #expect(assignment.arrays["final.norm"] == "post_bn")
    #expect(assignment.unknown == ["other"])
    #expect(assignment.missing.contains("post_relu"))
  }

  static func graph(_ name: String, classes: Int) throws -> Graph {
    let configuration = try #require(
      Family.keras.configuration(architecture: name, classes: classes))
    return try Graph(configuration)
  }
}

/// The ways in which Keras' containers write a tensor's name.
enum NameForm: CaseIterable {
  case plain
  case legacy
  case fullModel
  case nested
  case counted

  func name(of name: String) -> String {
    let layer = name.prefix { $0 != "/" }
    switch self {
    case .plain: return name
    case .legacy: return "\(layer)/\(name):0"
    case .fullModel: return "model_weights/\(layer)/\(name)"
    case .nested: return "resnet50v2/\(name)"
    case .counted: return KerasOrder.countedName(of: name)
    }
  }
}

/// A mistake in a file, and what the message must say.
struct Fault: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let expected: String
  let inject: @Sendable (inout [TensorInfo]) -> Void

  static let all = [
    Fault(
      testDescription: "missing", expected: "missing conv3_block2_1_bn/moving_variance (128)"
    ) { tensors in
      tensors.removeAll { $0.name == "conv3_block2_1_bn/moving_variance" }
    },
    Fault(testDescription: "extra", expected: "unexpected conv9_conv/kernel (1×1×2×3)") { tensors in
      tensors.append(TensorInfo(name: "conv9_conv/kernel", dtype: .float32, shape: [1, 1, 2, 3]))
    },
    Fault(
      testDescription: "misshapen",
      expected: "conv4_block1_1_conv/kernel is 1×1×512×255, expected 1×1×512×256"
    ) { tensors in
      tensors.replace("conv4_block1_1_conv/kernel", shape: [1, 1, 512, 255])
    },
    Fault(
      testDescription: "misspelt", expected: "nearest is conv5_block3_2_conv/kernal"
    ) { tensors in
      let index = tensors.firstIndex { $0.name == "conv5_block3_2_conv/kernel" } ?? 0
      tensors[index] = TensorInfo(
        name: "conv5_block3_2_conv/kernal", dtype: .float32, shape: tensors[index].shape)
    },
    Fault(testDescription: "integers", expected: "post_bn/gamma is int32, expected a float type") {
      tensors in
      tensors.replace("post_bn/gamma", shape: [2048], dtype: .int32)
    },
    Fault(testDescription: "another network", expected: "is of no known ResNetV2 family") {
      tensors in
      tensors = [TensorInfo(name: "embedding/table", dtype: .float32, shape: [64, 2])]
    },
  ]
}

extension [TensorInfo] {
  mutating func replace(_ name: String, shape: Shape, dtype: DType = .float32) {
    guard let index = firstIndex(where: { $0.name == name }) else { return }
    self[index] = TensorInfo(name: name, dtype: dtype, shape: shape)
  }
}

/// A listing of a network under Keras' names and layouts; there is no data.
struct KerasNamed: GraphCarrier {
  let container = "test"
  let path = "model.h5"
  let metadata: [String: String] = [:]
  var configuration: String?
  var carriedLayers = LayerList()
  var tensors: [TensorInfo]

  var carriedGraph: Result<SourceGraph, InputError>? {
    configuration.map { json in
      Result { () throws(InputError) in try SourceGraph(keras: json, version: nil, path: path) }
    }
  }

  init(_ graph: Graph) {
    tensors = graph.parameters.map { parameter in
      let layout = AxisOrder(
        parameter.role, rank: parameter.shape.rank, in: Family.keras.tensors)
      let names = Family.keras.tensorNames(of: parameter.node, parameter.role)
      return TensorInfo(
        name: names[0], dtype: .float32, shape: layout.tensorShape(of: parameter.shape))
    }
  }

  func renaming(_ transform: (String) -> String) -> KerasNamed {
    var copy = self
    copy.tensors = tensors.map {
      TensorInfo(name: transform($0.name), dtype: $0.dtype, shape: $0.shape)
    }
    return copy
  }

  func tensor(named name: String) throws(InputError) -> TensorData {
    throw InputError(.badData, path: path, "has no data")
  }
}

/// The order in which Keras creates the layers of ResNet50V2, written down from its source.
enum KerasOrder {
  static func countedName(of name: String) -> String {
    let parts = name.split(separator: "/").map(String.init)
    let variables = ["kernel": 0, "bias": 1, "gamma": 0, "beta": 1, "moving_mean": 2]
    let variable = variables[parts[1]] ?? 3
    if let index = convolutions.firstIndex(of: parts[0]) {
      return "layers/conv2d\(index == 0 ? "" : "_\(index)")/vars/\(variable)"
    }
    if let index = norms.firstIndex(of: parts[0]) {
      return "layers/batch_normalization\(index == 0 ? "" : "_\(index)")/vars/\(variable)"
    }
    return "layers/dense/vars/\(variable)"
  }

  private static let blocks: [String] = [(2, 3), (3, 4), (4, 6), (5, 3)].flatMap { stage, count in
    (1...count).map { "conv\(stage)_block\($0)" }
  }

  private static let convolutions =
    ["conv1_conv"]
    + blocks.flatMap { block in
      let order = block.hasSuffix("block1") ? ["1", "2", "0", "3"] : ["1", "2", "3"]
      return order.map { "\(block)_\($0)_conv" }
    }

  private static let norms =
    blocks.flatMap { block in ["preact", "1", "2"].map { "\(block)_\($0)_bn" } } + ["post_bn"]
}

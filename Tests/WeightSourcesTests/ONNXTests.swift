import Files
import FoundationEssentials
import SourceGraph
import Tensors
import TestSupport
import Testing

@testable import WeightSources

@Suite("ONNX models as containers")
struct ONNXTests {
  @Test(
    "Initialisers of real exporters are listed with their names",
    arguments: [
      ("torch.plain", "layer1.0.conv1.weight", [4, 8, 1, 1]),
      ("torch", "layer1.0.bn1.running_var", [8]), ("timm", "head.fc.weight", [5, 24, 1, 1]),
      ("keras", "narrow_1/predictions_1/Cast/ReadVariableOp:0", [32, 10]),
      ("zoo", "resnetv24_stage1_conv3_weight", [16, 8, 1, 1]),
      ("external", "fc.bias", [5]),
    ])
  func names(_ file: String, _ name: String, _ sizes: [Int]) throws {
    let source = try WeightFile.open(Fixture.path("onnx/\(file).onnx"))
    #expect(source.container == "onnx")
    #expect(source.tensors.contains { $0.name == name && $0.shape.dimensions == sizes })
    for tensor in source.tensors {
      #expect(try source.tensor(named: tensor.name).shape == tensor.shape)
    }
    #expect(source.metadata["onnx.opset"].flatMap { Int($0) } ?? 0 > 6)
  }

  @Test("Tensors in a file beside the model are those of the model that holds them itself")
  func external() throws {
    let truth = try WeightFile.open(Fixture.path("onnx/torch.onnx"))
    let source = try WeightFile.open(Fixture.path("onnx/external.onnx"))
    #expect(
      source.files.map { $0.path.split(separator: "/").last } == [
        "external.onnx", "external.onnx.data",
      ])
    #expect(source.tensors == truth.tensors)
    for tensor in source.tensors {
      #expect(
        try source.tensor(named: tensor.name).floats()
          == truth.tensor(named: tensor.name).floats())
    }
  }

  /// A tensor in one of the forms that the format has, and its values.
  struct Form: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let tensor: MadeMessage
    let dtype: DType
    let values: [Float]
  }

  static let forms: [Form] = {
    let bits = { (value: Double) in
      (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }
    let made = { (type: Int, rest: MadeMessage) in MadeONNX.tensor("t", type, [2], rest) }
    let packed = MadeMessage.littleEndian(1.5) + MadeMessage.littleEndian(-2)
    return [
      Form(
        testDescription: "raw floats", tensor: made(1, MadeMessage().bytes(9, packed)),
        dtype: .float32, values: [1.5, -2]),
      Form(
        testDescription: "packed floats", tensor: made(1, MadeMessage().bytes(4, packed)),
        dtype: .float32, values: [1.5, -2]),
      Form(
        testDescription: "floats one by one",
        tensor: made(1, MadeMessage().float(4, 1.5).float(4, -2)), dtype: .float32,
        values: [1.5, -2]),
      Form(
        testDescription: "packed doubles",
        tensor: made(11, MadeMessage().bytes(10, bits(1.5) + bits(-2))), dtype: .float64,
        values: [1.5, -2]),
      Form(
        testDescription: "packed int64",
        tensor: made(7, MadeMessage().bytes(7, MadeMessage.varint(3) + MadeMessage.varint(-1))),
        dtype: .int64, values: [3, -1]),
      Form(
        testDescription: "int32 one by one",
        tensor: made(6, MadeMessage().number(5, 3).number(5, -1)), dtype: .int32, values: [3, -1]),
      Form(
        testDescription: "float16 as numbers",
        tensor: made(
          10, MadeMessage().bytes(5, MadeMessage.varint(0x3E00) + MadeMessage.varint(0xC000))),
        dtype: .float16, values: [1.5, -2]),
      Form(
        testDescription: "bfloat16 as bytes",
        tensor: made(16, MadeMessage().bytes(9, [0xC0, 0x3F, 0, 0xC0])), dtype: .bfloat16,
        values: [1.5, -2]),
      Form(
        testDescription: "uint64", tensor: made(13, MadeMessage().number(11, 3).number(11, 4)),
        dtype: .uint64, values: [3, 4]),
    ]
  }()

  @Test("Values in every form are read", arguments: forms)
  func reads(_ form: Form) throws {
    let folder = try TemporaryFolder()
    var model = MadeONNX.plain
    model.tensors = [form.tensor]
    let source = try WeightFile.open(try folder.write(model.bytes, to: "x.onnx"))
    #expect(source.tensors == [TensorInfo(name: "t", dtype: form.dtype, shape: [2])])
    #expect(try source.tensor(named: "t").floats() == form.values)
    let error = #expect(throws: InputError.self) { try source.tensor(named: "other") }
    #expect(error?.reason == .noSuchTensor)
  }

  @Test("A file that ends at any byte is refused, or is another kind of file")
  func cutOff() throws {
    let folder = try TemporaryFolder()
    var model = MadeONNX.plain
    model.tensors = [
      Self.forms[0].tensor, MadeONNX.tensor("u", 7, [1], MadeMessage().number(7, 1)),
    ]
    let bytes = model.bytes
    // The versions of operators, which end the file, may be missing.
    let graphEnd = bytes.count - 8
    for count in 1..<graphEnd {
      let path = try folder.write(Array(bytes[..<count]), to: "x.onnx")
      let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
      #expect(error?.kind == .badData, "\(count)")
    }
  }

  @Test("Files of tensors that are not in the model's folder are never opened")
  func otherFolders() throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("inner")
    _ = try folder.write([UInt8](repeating: 0, count: 8), to: "secret")
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("inner/link"), withDestinationPath: folder.file("secret"))
    for location in [
      "../secret", folder.file("secret"), "link", "..", ".", "", "a/../../secret", "none",
    ] {
      var model = MadeONNX.plain
      let entry = { (key: String, value: String) in MadeMessage().text(1, key).text(2, value) }
      model.tensors = [
        MadeONNX.tensor(
          "t", 1, [2],
          MadeMessage().message(13, entry("location", location)).number(14, 1))
      ]
      let path = try folder.write(model.bytes, to: "inner/x.onnx")
      let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
      #expect(error?.reason == (location == "none" ? .missing : .malformed), "\(location)")
    }
  }

  @Test("A file of tensors that is too short, or another than declared, is refused")
  func wrongPlaces() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write([UInt8](repeating: 0, count: 16), to: "data")
    let settings: [[(String, String)]] = [
      [("offset", "9")], [("offset", "-1")], [("offset", "x")], [("length", "9")],
      [("offset", "9223372036854775807")],
    ]
    for setting in settings {
      var model = MadeONNX.plain
      var rest = MadeMessage().number(14, 1)
      for (key, value) in [("location", "data")] + setting {
        rest = rest.message(13, MadeMessage().text(1, key).text(2, value))
      }
      model.tensors = [MadeONNX.tensor("t", 1, [2], rest)]
      let path = try folder.write(model.bytes, to: "x.onnx")
      let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
      #expect(error?.kind == .badData)
    }
  }

  /// A model that breaks a rule of the format.
  struct Broken: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let model: MadeONNX
    let problem: String

    init(_ name: String, _ problem: String, _ change: (inout MadeONNX) -> Void) {
      (testDescription, self.problem) = (name, problem)
      var model = MadeONNX.plain
      change(&model)
      self.model = model
    }
  }

  static let broken: [Broken] = tensorRules + nodeRules

  private static let tensorRules = [
    Broken("two tensors of one name", "two tensors of one name") {
      $0.tensors = [Self.forms[0].tensor, Self.forms[1].tensor]
    },
    Broken("too few values", "another number of values") {
      $0.tensors = [MadeONNX.tensor("t", 1, [3], MadeMessage().bytes(9, [0, 0, 0, 0]))]
    },
    Broken("no values", "another number of values") { $0.tensors = [MadeONNX.tensor("t", 1, [])] },
    Broken("huge dimensions", "impossible dimensions") {
      $0.tensors = [MadeONNX.tensor("t", 1, [1 << 40, 1 << 40])]
    },
    Broken("a huge size of nothing", "impossible dimensions") {
      $0.tensors = [MadeONNX.tensor("t", 11, [1 << 62, 0, 8])]
    },
    Broken("a negative dimension", "impossible dimensions") {
      $0.tensors = [MadeONNX.tensor("t", 1, [-1])]
    },
    Broken("texts", "type that is not read") { $0.tensors = [MadeONNX.tensor("t", 8, [1])] },
    Broken("a tensor without a name", "without a name") {
      $0.tensors = [MadeONNX.tensor("", 1, [], MadeMessage().float(4, 1))]
    },
  ]

  private static let nodeRules = [
    Broken("an attribute twice", "two attributes of one name") {
      let attribute = MadeMessage().text(1, "axis").number(3, 1)
      $0.nodes = [MadeONNX.node("Relu", ["x"], ["y"], attributes: [attribute, attribute])]
    },
    Broken("a node that is no message", "damaged or cut short") {
      $0.nodes = [MadeMessage(bytes: [0x0A, 0x7F])]
    },
    Broken("a field of a removed kind", "damaged or cut short") {
      $0.nodes = [MadeMessage(bytes: [0x0B])]
    },
  ]

  @Test("A model that breaks a rule is refused", arguments: broken)
  func refuses(_ broken: Broken) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(broken.model.bytes, to: "x.onnx")
    let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
    #expect(error?.kind == .badData)
    #expect(error?.problem.contains(broken.problem) == true, "\(error?.description ?? "")")
  }

  static let brokenGraphs: [Broken] = [
    Broken("a cycle", "reads what none before it makes") {
      $0.nodes = [MadeONNX.node("Add", ["x", "b"], ["a"]), MadeONNX.node("Relu", ["a"], ["b"])]
      $0.outputs = [MadeONNX.value("b", [])]
    },
    Broken("nodes in another order", "reads what none before it makes") {
      $0.nodes = [MadeONNX.node("Relu", ["a"], ["y"]), MadeONNX.node("Relu", ["x"], ["a"])]
    },
    Broken("a value made twice", "two values of one name") {
      $0.nodes = [MadeONNX.node("Relu", ["x"], ["y"]), MadeONNX.node("Tanh", ["x"], ["y"])]
    },
    Broken("an input made again", "two values of one name") {
      $0.nodes = [MadeONNX.node("Relu", ["x"], ["x"])]
    },
    Broken("an output that nothing makes", "does not depend on its input") {
      $0.outputs = [MadeONNX.value("z", [])]
    },
    Broken("no outputs", "without outputs") { $0.outputs = [] },
  ]

  @Test("A graph that cannot be is refused, and its tensors are there", arguments: brokenGraphs)
  func refusesGraph(_ broken: Broken) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(broken.model.bytes, to: "x.onnx")
    let source = try WeightFile.open(path)
    let error = #expect(throws: InputError.self) { try source.graph() }
    #expect(error?.problem.contains(broken.problem) == true, "\(error?.description ?? "")")
  }

  @Test("Bytes that are changed anywhere end in an error or in a source", arguments: 1...12)
  func changedBytes(_ seed: UInt64) throws {
    let bytes = try Fixture.bytes("onnx/torch.onnx")
    var generator = SplitMix64(seed: seed)
    for _ in 0..<20 {
      var changed = bytes
      for _ in 0...3 {
        let place = Int(generator.next() % UInt64(changed.count))
        changed[place] = UInt8(truncatingIfNeeded: generator.next())
      }
      FuzzEntries.onnx(changed)
    }
  }
}

import Families
import Files
import Inference
import ResNetV2
import SourceGraph
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

@Suite("Networks that are written as ONNX models")
struct ONNXExportTests {
  /// Networks of every kind of norm, border, shortcut and head that a family has.
  static let files = [
    "keras/narrow.keras", "keras/notop.keras", "keras/v1.full.h5", "torch/basic.pth",
    "torch/bottleneck.pth",
    "torch/v1.pth", "pytorch/timm.safetensors", "pytorch/timm.deep.safetensors",
    "pytorch/timm.deep_groups.safetensors", "pytorch/preact.safetensors",
    "pytorch/cifar.safetensors",
    "pytorch/cifar.zeros.safetensors",
    "mxnet/bottleneck.params", "tensorflow/slim.ckpt", "kinds/fine_tuned.keras",
    "kinds/cifar_v1.weights.h5",
    "kinds/cifar_v2.weights.h5", "kinds/old_valid.legacy.h5", "onnx/torch.onnx", "onnx/keras.onnx",
    "onnx/zoo.onnx", "onnx/preact.onnx",
  ]

  private func exported(_ file: String, in folder: TemporaryFolder) throws -> (Model, Model) {
    var request = ExportRequest(model: Fixture.path(file), output: folder.file("x.onnx"))
    request.threads = 2
    try export(request)
    return (try Model(path: Fixture.path(file)), try Model(path: folder.file("x.onnx")))
  }

  @Test("What is read again has the same bits and the same options", arguments: files)
  func readsAgain(_ file: String) throws {
    let folder = try TemporaryFolder()
    let (model, again) = try exported(file, in: folder)
    #expect(again.graph.configuration == model.graph.configuration)
    #expect(again.family.id == model.family.id)
    for parameter in model.graph.parameters {
      let (own, other) = (try model.tensor(of: parameter), try again.tensor(of: parameter))
      #expect(own?.floats() == other?.floats(), "\(parameter.name)")
    }
  }

  @Test("An exported model is converted, and compared with its own graph")
  func converts() throws {
    let folder = try TemporaryFolder()
    _ = try exported("kinds/fine_tuned.keras", in: folder)
    let outcome = try convert(
      ConversionRequest(source: folder.file("x.onnx"), output: folder.file("y.rnw"))
    ) { _, _ in }
    #expect(outcome.passes)
    #expect(outcome.ownGraph != nil)
  }

  @Test("Standardised weights are written as they are used, and compute the same")
  func standardized() throws {
    let folder = try TemporaryFolder()
    let (model, again) = try exported("pytorch/bit.timm.safetensors", in: folder)
    #expect(again.graph.configuration.weightStandardizationEpsilon == nil)
    let image = Activation(
      shape: [1, 33, 31, 3], values: probeValues(count: 33 * 31 * 3))
    let outputs = try [model, again].map { model in
      try ReferenceExecutor(try model.parameters(threads: 2), pool: WorkerPool(threads: 2)).run(
        image, observer: nil)
    }
    #expect(ScaledError(of: outputs[1].values, from: outputs[0].values).value <= 1e-6)
  }

  @Test(
    "A model too large for one message has its values beside it, and is the same network",
    arguments: [
      "torch/bottleneck.pth", "pytorch/timm.deep_groups.safetensors", "kinds/fine_tuned.keras",
    ])
  func large(_ file: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.file("x.onnx")
    let (model, small) = try exported(file, in: folder)
    let whole = try folder.read("x.onnx").count
    var request = ExportRequest(model: Fixture.path(file), output: path)
    request.largestMessage = whole
    request.replaces = true
    #expect(try export(request) == [path])
    request.largestMessage = whole - 1
    #expect(try export(request) == [path, path + ".data"])
    #expect(try folder.read("x.onnx").count < whole)
    let source = try WeightFile.open(path)
    #expect(source.files.map(\.path.lastName) == ["x.onnx", "x.onnx.data"])
    let again = try Model(path: path)
    #expect(again.graph.configuration == small.graph.configuration)
    for parameter in model.graph.parameters {
      let (own, other) = (try model.tensor(of: parameter), try again.tensor(of: parameter))
      #expect(own?.floats() == other?.floats(), "\(parameter.name)")
    }
    let outcome = try convert(
      ConversionRequest(source: path, output: folder.file("y.rnw"))
    ) { _, _ in }
    #expect(outcome.passes && outcome.ownGraph != nil)
    // Neither file is replaced without being told so, nor by itself.
    request.replaces = false
    let refusal = #expect(throws: InputError.self) { try export(request) }
    #expect(refusal?.problem == "exists already")
    try folder.remove("x.onnx")
    let values = #expect(throws: InputError.self) { try export(request) }
    #expect(values?.path == path + ".data" && values?.problem == "exists already")
    request.replaces = true
    try export(request)
    request.model = path
    #expect(throws: InputError.self) { try export(request) }
    // What is too large without any values is refused.
    request.model = Fixture.path(file)
    request.largestMessage = 500
    let none = #expect(throws: InputError.self) { try export(request) }
    #expect(none?.kind == .cannotCreate)
    #expect(try Model(path: path).graph.configuration == small.graph.configuration)
  }

  @Test("The number of images is free, or as it is asked for")
  func batch() throws {
    let folder = try TemporaryFolder()
    for batch in [nil, 4] {
      var request = ExportRequest(
        model: Fixture.path("torch/basic.pth"), output: folder.file("\(batch ?? 0).onnx"))
      request.batch = batch
      try export(request)
      let source = try WeightFile.open(request.output)
      let graph = try #require(try source.graph())
      #expect(graph.inputSize.channels == 3)
      #expect(graph.inputSize.height == nil)
      let bytes = try Fixture.bytes(of: request.output)
      // The size that is open has a name, in a field of five bytes.
      #expect(bytes.contains("\u{12}\u{05}batch") == (batch == nil))
    }
    var request = ExportRequest(
      model: Fixture.path("torch/basic.pth"), output: folder.file("x.safetensors"))
    request.batch = 4
    #expect(throws: InputError.self) { try export(request) }
  }

  private func probeValues(count: Int) -> [Float] {
    var generator = SplitMix64(seed: 5)
    return (0..<count).map { _ in generator.nextProbeValue() }
  }
}

extension Fixture {
  /// The bytes of a file as text of Latin-1, to look for names.
  fileprivate static func bytes(of path: String) throws -> String {
    let file = try MappedFile(path: path)
    return String(
      String.UnicodeScalarView(
        (file.bytes(at: 0, count: file.count) ?? []).map(Unicode.Scalar.init)))
  }
}

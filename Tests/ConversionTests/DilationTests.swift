import Comparison
import Families
import Files
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Conversion

@Suite("Dilated convolutions")
struct DilationTests {
  /// A request with what is told of the output stride.
  private func request(
    _ source: String, outputStride: Int? = nil, reference: String, in folder: TemporaryFolder
  ) -> ConversionRequest {
    var request = ConversionRequest(source: source, output: folder.file("x.rnw"))
    request.reference = Fixture.path(reference)
    request.limit = 1e-5
    request.told.settings = outputStride.map { [.init(path: "outputStride", value: "\($0)")] } ?? []
    return request
  }

  @Test("TF-Slim's network of a told output stride gives what TensorFlow computes, layer by layer")
  func slim() throws {
    let folder = try TemporaryFolder()
    let outcome = try convert(
      request(
        Fixture.path("tensorflow/slim.ckpt"), outputStride: 4,
        reference: "tensorflow/slim.stride4.activations.npz", in: folder)
    ) { _, _ in }
    #expect(outcome.passes)
    let reference = try #require(outcome.reference)
    #expect(reference.coverage.unknown.isEmpty, "\(reference.coverage.unknown)")
    #expect(reference.verdict.compared >= 57, "\(reference.verdict.compared)")
    let configuration = outcome.model.graph.configuration
    #expect(configuration.stages.map(\.stride) == [1, 1, 1])
    #expect(configuration.stages.map(\.dilation) == [1, 2, 4])
    #expect(configuration.formatMajor == 2)
    #expect(!outcome.model.assumptions.contains { $0.option == "stages.stride" })
    let written = try Model(path: folder.file("x.rnw"))
    #expect(written.graph.configuration == configuration)
  }

  @Test("Without it the usual one is assumed, which is said, and is another network")
  func assumed() throws {
    let folder = try TemporaryFolder()
    let model = try Model(path: Fixture.path("tensorflow/slim.ckpt"))
    #expect(model.assumptions.contains(.init(option: "stages.stride", value: "2 2 1")))
    let outcome = try? convert(
      request(
        Fixture.path("tensorflow/slim.ckpt"),
        reference: "tensorflow/slim.stride4.activations.npz", in: folder)
    ) { _, _ in }
    #expect(outcome?.passes != true)
  }

  @Test("A dilated network is no family's by its names, and is itself again as ONNX")
  func exports() throws {
    let folder = try TemporaryFolder()
    let outcome = try convert(
      request(
        Fixture.path("tensorflow/slim.ckpt"), outputStride: 4,
        reference: "tensorflow/slim.stride4.activations.npz", in: folder)
    ) { _, _ in }
    #expect(throws: InputError.self) {
      try export(
        ExportRequest(model: folder.file("x.rnw"), output: folder.file("y.safetensors")))
    }
    try export(ExportRequest(model: folder.file("x.rnw"), output: folder.file("y.onnx")))
    let again = try convert(
      ConversionRequest(source: folder.file("y.onnx"), output: folder.file("z.rnw"))
    ) { _, _ in }
    #expect(again.passes && again.ownGraph != nil)
    #expect(again.model.graph.configuration == outcome.model.graph.configuration)
  }

  @Test("Keras' dilated layers are read from its graph, and give what Keras computes")
  func keras() throws {
    let folder = try TemporaryFolder()
    let outcome = try convert(
      request(
        Fixture.path("keras/changed/dilated.keras"),
        reference: "keras/changed/dilated.activations.npz", in: folder)
    ) { _, _ in }
    #expect(outcome.passes)
    #expect(outcome.ownGraph != nil)
    let reference = try #require(outcome.reference)
    // A pool of single pixels without a stride is nothing.
    #expect(reference.coverage.unknown == ["max_pooling2d"], "\(reference.coverage.unknown)")
    let stages = outcome.model.graph.configuration.stages
    #expect(stages.map(\.stride) == [1, 1] && stages.map(\.dilation) == [1, 2])
  }

  @Test("A network that differs in its dilation fails, and the dilation is named")
  func difference() throws {
    let folder = try TemporaryFolder()
    for (name, told) in [
      ("x.rnw", ["outputStride": "4"]),
      ("y.rnw", ["stages[0].stride": "1", "stages[1].stride": "1"]),
    ] {
      var request = ConversionRequest(
        source: Fixture.path("tensorflow/slim.ckpt"), output: folder.file(name))
      request.told.settings = told.map { .init(path: $0.key, value: $0.value) }
      #expect(try convert(request) { _, _ in }.passes)
    }
    let result = try verify(
      VerificationRequest(model: folder.file("x.rnw")), against: folder.file("y.rnw")
    ) { _, _ in }
    #expect(!result.verdict.passes)
    let explanation = result.verdict.culprit?.suspicion?.explanation ?? ""
    #expect(explanation.contains("the dilation is 2, the reference's is 1"), "\(explanation)")
  }

  @Test("The output stride of Hugging Face's BiT takes strides away, and dilates nothing")
  func bit() throws {
    let folder = try ModelFolderTests.copy(of: "bit")
    let text = String(decoding: try Fixture.bytes("huggingface/bit/config.json"), as: UTF8.self)
    let changed = text.replacing("\"output_stride\": 32", with: "\"output_stride\": 4")
    _ = try folder.write(Array(changed.utf8), to: "config.json")
    let output = try TemporaryFolder()
    let outcome = try convert(
      request(
        folder.path, reference: "huggingface/bit.stride4.activations.npz", in: output)
    ) { _, _ in }
    #expect(outcome.passes)
    #expect(try #require(outcome.reference).coverage.unknown.isEmpty)
    let stages = outcome.model.graph.configuration.stages
    #expect(stages.map(\.stride) == [1, 1] && stages.map(\.dilation) == [1, 1])
  }

  /// The strides and dilations of the stages of TF-Slim's networks, by output stride.
  static let slimStages: [(outputStride: Int, strides: [Int], dilations: [Int])] = [
    (32, [2, 2, 2, 1], [1, 1, 1, 1]), (16, [2, 2, 1, 1], [1, 1, 1, 2]),
    (8, [2, 1, 1, 1], [1, 1, 2, 4]), (4, [1, 1, 1, 1], [1, 2, 4, 8]),
  ]

  @Test("An output stride is one of strides and dilations", arguments: slimStages)
  func outputStride(_ outputStride: Int, _ strides: [Int], _ dilations: [Int]) throws {
    let network = try #require(
      Family.tfSlim.configuration(architecture: "resnet_v2_50", classes: 1001))
    let stages = try network.setting("outputStride", to: "\(outputStride)").stages
    #expect(stages.map(\.stride) == strides)
    #expect(stages.map(\.dilation) == dilations)
  }

  @Test(
    "An output stride at which no stage ends is refused",
    arguments: ["0", "2", "12", "64", "9223372036854775807", "8.5", "none"])
  func refused(_ text: String) throws {
    let network = try #require(
      Family.tfSlim.configuration(architecture: "resnet_v2_50", classes: 1001))
    #expect(throws: ConfigurationError.self) { try network.setting("outputStride", to: text) }
    var other = network
    other.block.stridedBlock = .first
    #expect(throws: ConfigurationError.self) { try other.setting("outputStride", to: "8") }
  }
}

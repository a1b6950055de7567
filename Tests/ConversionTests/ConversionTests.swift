import Comparison
import Families
import Files
import FoundationEssentials
import Inference
import RNW
import Reports
import ResNetV2
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

@Suite("Conversion")
struct ConversionTests {
  /// Files of PyTorch, and what it computed from them.
  static let checkpoints: [(file: String, activations: String)] = [
    ("basic.pth", "basic"), ("basic.legacy.pth", "basic"), ("basic.module.pth", "basic"),
    ("basic.checkpoint.pth", "basic"), ("basic.views.pth", "basic"), ("basic.safetensors", "basic"),
    ("basic.npz", "basic"), ("basic.half.pth", "basic.half"),
    ("basic.bfloat16.pth", "basic.bfloat16"), ("bottleneck.pth", "bottleneck"), ("v1.pth", "v1"),
  ]

  @Test("Every module agrees with what PyTorch computed", arguments: checkpoints)
  func agreesWithTorch(_ checkpoint: (file: String, activations: String)) throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(
      source: Fixture.path("torch/\(checkpoint.file)"), output: folder.file("x.rnw"))
    request.reference = Fixture.path("torch/\(checkpoint.activations).activations.npz")
    request.limit = 5e-6
    let outcome = try convert(request) { _, _ in }
    #expect(outcome.passes)
    let reference = try #require(outcome.reference)
    #expect(reference.coverage.missing.isEmpty && reference.coverage.unknown.isEmpty)
    #expect(reference.verdict.compared >= 32)
  }

  @Test("The way back to the framework is lossless", arguments: ["safetensors", "npz"])
  func exports(_ ending: String) throws {
    let folder = try TemporaryFolder()
    let source = Fixture.path("torch/bottleneck.pth")
    _ = try convert(ConversionRequest(source: source, output: folder.file("x.rnw"))) { _, _ in
    }
    try export(
      ExportRequest(model: folder.file("x.rnw"), output: folder.file("y.\(ending)")))
    let truth = try WeightFile.open(source)
    let exported = try WeightFile.open(folder.file("y.\(ending)"))
    let names = truth.tensors.map(\.name).filter { !$0.hasSuffix("num_batches_tracked") }
    #expect(Set(exported.tensors.map(\.name)) == Set(names))
    for name in names {
      #expect(try exported.tensor(named: name).floats() == truth.tensor(named: name).floats())
    }
  }

  @Test("A model is not written in the names of a family that has another network")
  func refusesOtherFamilies() throws {
    let folder = try TemporaryFolder()
    var request = ExportRequest(
      model: Fixture.path("torch/bottleneck.pth"), output: folder.file("x.npz"))
    request.family = .keras
    let error = #expect(throws: InputError.self) { try export(request) }
    #expect(error?.hint == "families that have it: torch")
    // The first option in the way.
    #expect(
      error?.place
        == "resnet(2-2) of PyTorch ResNetV2; block.stridedBlock is first, last in the family")
    request.family = nil
    request.output = folder.file("x.h5")
    #expect(throws: InputError.self) { try export(request) }
  }

  static let containers: [(file: String, activations: String)] =
    [
      "narrow.h5", "narrow.fixed_names.h5", "narrow.gzip_shuffle_fletcher32.h5",
      "narrow.tfkeras.full.h5", "narrow.keras3.full.h5", "narrow.bare.full.h5",
      "narrow.weights.h5", "narrow.tfkeras.weights.h5", "narrow.keras", "narrow.deflated.keras",
      "narrow.nested.full.h5", "narrow.npz", "narrow.safetensors",
    ].map { ($0, "narrow") } + [
      ("notop.keras", "notop"), ("probs.weights.h5", "probs"), ("v1.full.h5", "v1"),
      ("v1.weights.h5", "v1"), ("v1.tfkeras.weights.h5", "v1"),
    ]

  @Test("Every layer of every container agrees with what Keras computed", arguments: containers)
  func agreesWithKeras(_ container: (file: String, activations: String)) throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(
      source: Fixture.path("keras/\(container.file)"), output: folder.file("x.rnw"))
    request.reference = Fixture.path("keras/\(container.activations).activations.npz")
    // A wrong padding value would cost 3e-4; real agreement is far below the default limit.
    request.limit = 5e-6
    request.input = .probe(seed: 1, count: 1)
    let outcome = try convert(request) { _, _ in }
    #expect(outcome.passes)
    let reference = try #require(outcome.reference)
    #expect(reference.coverage.missing.isEmpty && reference.coverage.unknown.isEmpty)
    #expect(reference.verdict.compared >= 50)
    // The file that was made is the network that was read.
    let converted = try Model(path: folder.file("x.rnw"))
    #expect(converted.graph.configuration == outcome.model.graph.configuration)
    let (written, read) = (
      try converted.parameters(threads: 2), try outcome.model.parameters(threads: 2)
    )
    for parameter in converted.graph.parameters {
      #expect(written[parameter].floats() == read[parameter].floats(), "\(parameter.name)")
    }
    let check = try verifyAlone(VerificationRequest(model: folder.file("x.rnw")))
    #expect(check.passes && check.certificate != nil)
  }

  @Test(
    "A fault is found at its layer and named",
    arguments: [
      ("swapped", "conv3_block2_1_bn", "gamma and beta are swapped"),
      ("transposed", "conv3_block2_2_conv", "kernel has input and output channels transposed"),
      ("scaled", "conv3_block2_1_bn", "moving_variance is 1.010 × what it should be"),
    ])
  func faults(_ fault: (file: String, layer: String, cause: String)) throws {
    let broken = VerificationRequest(model: Fixture.path("keras/broken/\(fault.file).h5"))
    let result = try verify(broken, against: Fixture.path("keras/narrow.h5")) { _, _ in }
    #expect(!result.verdict.passes)
    #expect(result.verdict.culprit?.familyName == fault.layer)
    #expect(result.verdict.culprit?.suspicion?.explanation == fault.cause)
    let archive = Fixture.path("keras/narrow.activations.npz")
    let again = try verify(broken, against: archive) { _, _ in }
    #expect(again.verdict.culprit?.familyName == fault.layer)
  }

  @Test(
    "A file that is no whole network is refused, and an existing output is untouched",
    arguments: [
      ("broken/missing.h5", "missing conv3_block1_1_bn/beta (8)"),
      ("broken/extra.h5", "unexpected post_bn/post_bn/delta:0 (4)"),
      ("broken/misshapen.h5", "conv3_block1_1_conv/kernel is 1×1×16×7, expected 1×1×16×8"),
      ("broken/nan.h5", "conv2_block1_2_conv/kernel: 1 of 144 values is NaN, in output channel 0"),
      (
        "broken/negative_variance.h5",
        "conv3_block2_1_bn/moving_variance: 1 of 8 values is negative, in channel 0"
      ),
      ("narrow.activations.npz", "avg_pool, conv1_conv, conv1_pad, …"),
    ])
  func refusals(_ file: String, _ place: String) throws {
    let folder = try TemporaryFolder()
    let existing = try folder.write([1, 2, 3], to: "x.rnw")
    let source = Fixture.path("keras/\(file)")
    let error = #expect(throws: InputError.self) {
      try convert(ConversionRequest(source: source, output: folder.file("new.rnw"))) { _, _ in
      }
    }
    #expect(error?.place?.contains(place) == true, "\(error.map(\.description) ?? "")")
    #expect(error?.kind == .badData)
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(left == ["x.rnw"])
    #expect(throws: InputError.self) {
      try convert(ConversionRequest(source: source, output: existing)) { _, _ in }
    }
    #expect(try [UInt8](Data(contentsOf: URL(filePath: existing))) == [1, 2, 3])
  }

  @Test("Out of limits nothing is written")
  func failureWritesNothing() throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(
      source: Fixture.path("keras/broken/scaled.h5"), output: folder.file("x.rnw"))
    request.reference = Fixture.path("keras/narrow.activations.npz")
    let outcome = try convert(request) { _, _ in }
    #expect(!outcome.passes && outcome.outputBytes == nil)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test("The same source gives the same bytes for any number of threads")
  func isDeterministic() throws {
    let folder = try TemporaryFolder()
    var files: [Data] = []
    for threads in [1, 2] {
      var request = ConversionRequest(
        source: Fixture.path("keras/narrow.h5"), output: folder.file("\(threads).rnw"))
      request.pool = WorkerPool(threads: threads)
      _ = try convert(request) { _, _ in }
      files.append(try Data(contentsOf: URL(filePath: folder.file("\(threads).rnw"))))
    }
    #expect(files[0] == files[1])
  }

  @Test(
    "A network made of a seed is the same from every container",
    arguments: ["h5", "npz", "safetensors", "rnw"])
  func initializes(_ ending: String) throws {
    let folder = try TemporaryFolder()
    let configuration = Family.keras.configuration(kind: .bottleneck, blocks: [2, 2], classes: 3)
    let request = InitializationRequest(
      family: .keras, configuration: configuration, seed: 5, output: folder.file("x.\(ending)"))
    try initialize(request)
    let model = try Model(path: folder.file("x.\(ending)"))
    #expect(model.graph.configuration == configuration)
    let parameters = try model.parameters(threads: 1)
    let expected = try Parameters.random(for: model.graph, seed: 5, threads: 2)
    for parameter in model.graph.parameters {
      #expect(parameters[parameter].floats() == expected[parameter].floats(), "\(parameter.name)")
    }
  }

  @Test("Activations that are written are what verify reads")
  func runWritesActivations() throws {
    let folder = try TemporaryFolder()
    let archive = Fixture.path("keras/narrow.activations.npz")
    var request = RunRequest(model: Fixture.path("keras/narrow.h5"), input: .path(archive))
    request.output = folder.file("a.npz")
    let outcome = try run(request)
    #expect(outcome.output.shape == [2, 10])
    let result = try verify(
      VerificationRequest(model: Fixture.path("keras/narrow.keras")), against: folder.file("a.npz")
    ) { _, _ in }
    #expect(result.verdict.passes && result.verdict.worst?.scaledError == 0)
  }
}

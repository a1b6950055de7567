import Comparison
import Families
import Files
import FoundationEssentials
import Inference
import Precision
import RNW
import ResNetV2
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

@Suite("Precisions")
struct PrecisionTests {
  static let rounded: [Precision] = [.float16, .bfloat16, .int8]
  static let sources = ["keras/narrow.h5", "keras/v1.full.h5", "torch/basic.pth"]

  @Test(
    "Weights are rounded, all else is kept, and both comparisons pass", arguments: sources, rounded)
  func converts(_ source: String, _ precision: Precision) throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(source: Fixture.path(source), output: folder.file("x.rnw"))
    request.precision = precision
    let outcome = try convert(request) { _, _ in }
    #expect(outcome.passes)
    // The same weights agree as closely as ever; the source's do not.
    #expect(outcome.comparison.verdict.isWithinNoise)
    let accuracy = try #require(outcome.accuracy)
    #expect(accuracy.verdict.passes && !accuracy.verdict.isWithinNoise)
    #expect(outcome.outputError > Limits.float32)

    let written = try Model(path: folder.file("x.rnw"))
    let (parameters, original) = (
      try written.parameters(threads: 2), try outcome.model.parameters(threads: 2)
    )
    for parameter in written.graph.parameters {
      let expected = parameter.role == .weight ? try #require(precision.dtype) : .float32
      #expect(parameters[parameter].dtype == expected, "\(parameter.name)")
      let values = try original[parameter].rounded(to: expected).floats()
      #expect(parameters[parameter].floats() == values, "\(parameter.name)")
    }
    let check = try verifyAlone(VerificationRequest(model: folder.file("x.rnw")))
    #expect(check.passes && check.certificate != nil)
    let record: CertificateRecord? = try RNWFile(path: folder.file("x.rnw")).certificate()
    let rounding = try #require(record?.rounding)
    #expect(rounding.precision == precision)
    // The record is by the reference alone, the outcome by the fast executor.
    #expect(abs(rounding.outputError - outcome.outputError) < Limits.float32)
  }

  @Test(
    "Executors give the same bits from compact weights as from widened ones", arguments: rounded)
  func runsFromCompactWeights(_ precision: Precision) throws {
    let model = try Model(path: Fixture.path("keras/narrow.h5"))
    let compact = try model.parameters(threads: 2)
      .rounded(to: ParameterTypes(precision), in: model.graph, threads: 2)
    let wide = try compact.rounded(to: ParameterTypes(.float32), in: model.graph, threads: 2)
    let graph = model.graph
    let input = Activation.probe(seed: 3, shape: [2, 40, 36, 3])
    let executors: [(any Executor, any Executor)] = [
      (
        ReferenceExecutor(graph: graph, parameters: compact, pool: WorkerPool(threads: 2)),
        ReferenceExecutor(graph: graph, parameters: wide, pool: WorkerPool(threads: 2))
      ),
      (
        FastExecutor(graph: graph, parameters: compact, pool: WorkerPool(threads: 2)),
        FastExecutor(graph: graph, parameters: wide, pool: WorkerPool(threads: 2))
      ),
    ]
    for (first, second) in executors {
      let values = try first.run(input, observer: nil).values.map(\.bitPattern)
      #expect(values == (try second.run(input, observer: nil).values.map(\.bitPattern)))
    }
  }

  @Test("An error over the limit that was asked for fails, and nothing is written")
  func failsOverTheLimit() throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(
      source: Fixture.path("keras/narrow.h5"), output: folder.file("x.rnw"))
    request.precision = .int8
    request.maximumError = 1e-4
    let outcome = try convert(request) { _, _ in }
    #expect(!outcome.passes && outcome.outputBytes == nil)
    #expect(outcome.comparison.verdict.passes && outcome.accuracy?.verdict.passes == false)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test("What float16 cannot hold is refused with the tensor's own name")
  func overflow() throws {
    let folder = try TemporaryFolder()
    let model = try Model(path: Fixture.path("keras/narrow.h5"))
    let parameter = try #require(
      model.graph.parameters.first { $0.name == "stage1.block1.conv2.weight" })
    let parameters = try model.parameters(threads: 1)
    var values = parameters[parameter].floats()
    values[5] = -65520
    let changed = parameters.replacing(
      parameter, with: TensorData(shape: parameter.shape, values: values))
    let output = try OutputFile(path: folder.file("large.npz"), replacing: false)
    try write(
      changed, of: model.graph, family: .keras, as: .npz, codec: .none, origin: "", to: output,
      threads: 1)
    var request = ConversionRequest(source: folder.file("large.npz"), output: folder.file("x.rnw"))
    request.precision = .float16
    let error = #expect(throws: InputError.self) { try convert(request) { _, _ in } }
    #expect(error?.kind == .badData)
    #expect(error?.place == "conv2_block1_2_conv/kernel: -65520.0 at 5; up to ±65504.0 can be")
    request.precision = .bfloat16
    _ = try convert(request) { _, _ in }
  }

  @Test("A certificate is for a probe, whatever the network was compared on")
  func certifiesProbe() throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(
      source: Fixture.path("keras/narrow.h5"), output: folder.file("x.rnw"))
    request.precision = .bfloat16
    request.input = .path(Fixture.path("keras/narrow.activations.npz"))
    _ = try convert(request) { _, _ in }
    let check = try verifyAlone(VerificationRequest(model: folder.file("x.rnw")))
    #expect(check.passes)
    let record: CertificateRecord? = try RNWFile(path: folder.file("x.rnw")).certificate()
    #expect(record?.rounding?.images == 2)
  }

  @Test("verify knows how far rounded weights may be off", arguments: rounded)
  func verifies(_ precision: Precision) throws {
    let folder = try TemporaryFolder()
    let source = Fixture.path("keras/narrow.h5")
    var request = ConversionRequest(source: source, output: folder.file("x.rnw"))
    request.precision = precision
    _ = try convert(request) { _, _ in }
    for (model, other) in [(folder.file("x.rnw"), source), (source, folder.file("x.rnw"))] {
      let result = try verify(VerificationRequest(model: model), against: other) { _, _ in }
      #expect(result.verdict.passes && result.layers[0].propagatedLimit > Limits.float32)
    }
    var strict = VerificationRequest(model: folder.file("x.rnw"))
    strict.limits = Limits()
    #expect(try verify(strict, against: source) { _, _ in }.verdict.passes == false)
    // A faithful copy is held to the limit of float32.
    try export(
      ExportRequest(model: folder.file("x.rnw"), output: folder.file("y.safetensors")))
    let copy = VerificationRequest(model: folder.file("y.safetensors"))
    let same = try verify(copy, against: folder.file("x.rnw")) { _, _ in }
    #expect(same.verdict.isWithinNoise)
  }

  @Test(
    "Exports hold the widened values, 16-bit types where the container has them",
    arguments: rounded, ["safetensors", "npz", "h5", "rnw"])
  func exports(_ precision: Precision, _ ending: String) throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(
      source: Fixture.path("keras/narrow.h5"), output: folder.file("x.rnw"))
    request.precision = precision
    _ = try convert(request) { _, _ in }
    try export(ExportRequest(model: folder.file("x.rnw"), output: folder.file("y.\(ending)")))
    let (model, exported) = (
      try Model(path: folder.file("x.rnw")), try Model(path: folder.file("y.\(ending)"))
    )
    let (parameters, others) = (
      try model.parameters(threads: 2), try exported.parameters(threads: 2)
    )
    for parameter in model.graph.parameters {
      let values = parameters[parameter].floats().map(\.bitPattern)
      #expect(values == others[parameter].floats().map(\.bitPattern), "\(parameter.name)")
    }
    let isKept = ending == "rnw" || ending == "safetensors" && precision != .int8
    #expect(exported.coarsestType == (isKept ? precision.dtype : .float32))
  }

  @Test("A compact file becomes a wide one, exactly")
  func widens() throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(
      source: Fixture.path("torch/basic.pth"), output: folder.file("x.rnw"))
    request.precision = .int8
    _ = try convert(request) { _, _ in }
    let again = ConversionRequest(source: folder.file("x.rnw"), output: folder.file("y.rnw"))
    let outcome = try convert(again) { _, _ in }
    #expect(outcome.passes && outcome.accuracy == nil)
    #expect(try Model(path: folder.file("y.rnw")).coarsestType == .float32)
    // The same precision again changes nothing at all.
    var same = ConversionRequest(source: folder.file("x.rnw"), output: folder.file("z.rnw"))
    same.precision = .int8
    #expect(try convert(same) { _, _ in }.accuracy == nil)
  }
}

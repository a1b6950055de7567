import Comparison
import Families
import Files
import Precision
import RNW
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Conversion

@Suite("Baked weights")
struct BakeTests {
  @Test(
    "A network with standardised weights baked computes what the framework did",
    arguments: [Precision.float32, .float16])
  func agrees(_ precision: Precision) throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(
      source: Fixture.path("pytorch/bit.timm.safetensors"), output: folder.file("x.rnw"))
    request.bakes = true
    request.precision = precision
    request.reference = Fixture.path("pytorch/bit.timm.activations.npz")

    let outcome = try convert(request) { _, _ in }

    #expect(outcome.passes)
    // Against the source's own weights, which the network standardises itself.
    #expect(try #require(outcome.accuracy).verdict.compared == outcome.comparison.verdict.compared)
    let written = try Model(path: folder.file("x.rnw"))
    #expect(written.graph.configuration.weightStandardizationEpsilon == nil)
    let file = try RNWFile(path: folder.file("x.rnw"))
    let record: SourceRecord = try file.source(as: SourceRecord.self)
    #expect(record.baked == ["weightStandardizationEpsilon": "1e-08"])
    let certificate = try #require(try file.certificate(as: CertificateRecord.self))
    #expect((certificate.rounding != nil) == (precision != .float32))
  }

  @Test("A kernel that is not what standardisation gives fails")
  func findsFaults() throws {
    let folder = try TemporaryFolder()
    let source = Fixture.path("pytorch/bit.timm.safetensors")
    var request = ConversionRequest(source: source, output: folder.file("x.rnw"))
    request.bakes = true
    _ = try convert(request) { _, _ in }
    // The raw kernels, of which the network's weights are said to be the baked ones.
    let model = try Model(path: source)
    let original = try model.parameters(threads: 2)
    let baked = try #require(try original.baked(threads: 2))
    let raw = try Parameters(
      Dictionary(uniqueKeysWithValues: baked.graph.parameters.map { ($0.name, original[$0]) }),
      for: baked.graph)
    let proof = try Proof(
      of: folder.file("x.rnw"), model: model, parameters: raw, kept: raw, original: original,
      archive: nil, described: nil, request: request
    ) { _, _ in }
    #expect(!proof.passes)
    #expect(baked.graph.parameters.contains { baked[$0].floats() != original[$0].floats() })
  }

  @Test(
    "A baked file agrees with its source, whichever of the two is judged, and a changed kernel shows",
    arguments: [Precision.float32, .float16])
  func againstSource(_ precision: Precision) throws {
    let folder = try TemporaryFolder()
    let source = Fixture.path("pytorch/bit.timm.safetensors")
    let path = folder.file("x.rnw")
    var request = ConversionRequest(source: source, output: path)
    request.bakes = true
    request.precision = precision
    #expect(try convert(request) { _, _ in }.passes)
    for (model, other) in [(path, source), (source, path)] {
      let found = try verify(VerificationRequest(model: model), against: other) { _, _ in }
      #expect(found.verdict.passes, "\(found.weights?.different.first?.name ?? "")")
      #expect(found.weights?.agrees == true)
    }

    // Of one kernel that is a hundredth larger no layer after the next norm need tell.
    let model = try Model(path: path)
    let right = try model.parameters(threads: 2)
    let kernel = try #require(
      right.graph.parameters.last { $0.role == .weight && $0.shape.rank == 4 })
    let spoilt = try Parameters(
      Dictionary(
        uniqueKeysWithValues: right.graph.parameters.map { parameter in
          let tensor = right[parameter]
          guard parameter == kernel else { return (parameter.name, tensor) }
          return (
            parameter.name,
            TensorData(shape: tensor.shape, values: tensor.floats().map { $0 * 1.01 })
          )
        }), for: right.graph)
    _ = try Conversion.write(
      spoilt, of: right.graph, family: model.family, as: .rnw, codec: .none, origin: "",
      to: OutputFile(path: folder.file("y.rnw"), replacing: false), threads: 2)
    var judged = VerificationRequest(model: folder.file("y.rnw"))
    judged.search = nil
    let found = try verify(judged, against: source) { _, _ in }
    #expect(!found.verdict.passes)
    #expect(found.weights?.different.map(\.name) == [kernel.name])
  }

  @Test("There is nothing to bake in a network without standardised weights")
  func refuses() throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(
      source: Fixture.path("keras/narrow.h5"), output: folder.file("x.rnw"))
    request.bakes = true
    let error = #expect(throws: InputError.self) { try convert(request) { _, _ in } }
    #expect(error?.problem == "has no standardised weights to bake")
  }
}

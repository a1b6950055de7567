import Families
import Files
import Inference
import RNW
import ResNetV2
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

@Suite("Fingerprints of converted files")
struct FingerprintConversionTests {
  @Test(
    "A converted file convicts an engine by itself, under either name of a layer",
    arguments: ["keras/narrow.keras", "torch/basic.pth"])
  func convicts(_ source: String) throws {
    let folder = try TemporaryFolder()
    let (model, parameters) = try converted(source, to: folder.file("x.rnw"))
    let file = try RNWFile(path: folder.file("x.rnw"))
    let fingerprints = try #require(try file.fingerprints())
    #expect(fingerprints.layers.map(\.name) == model.graph.nodes.dropFirst().map(\.name))
    #expect(
      fingerprints.layers.contains {
        $0.familyName == (source.hasPrefix("k") ? "conv1_conv" : "conv1")
      })

    let right = try activations(model.graph, parameters, model)
    #expect(fingerprints.check(right.canonical).passes)
    #expect(fingerprints.check(right.canonical).missing == [])
    #expect(
      fingerprints.check(right.family).passes && fingerprints.check(right.family).unknown == [])

    // The most common mistake of ports: the border of the first max-pool.
    var configuration = model.graph.configuration
    configuration.stem.pool?.padding = source.hasPrefix("k") ? .negativeInfinity : .zero
    let other = try Graph(configuration)
    let wrong = try activations(other, parameters, model)
    let check = fingerprints.check(wrong.canonical)
    // A ReLU before the pool leaves nothing below zero: there both borders are the same.
    if source.hasPrefix("k") { #expect(check.firstWrong?.name == "stem.pool") }
  }

  @Test("The certificate is the same bytes for any number of threads and any kernels")
  func sameBytes() throws {
    let folder = try TemporaryFolder()
    var texts: Set<String?> = []
    for (index, threads) in [1, 2, 3].enumerated() {
      let path = folder.file("\(index).rnw")
      var request = ConversionRequest(source: Fixture.path("keras/narrow.keras"), output: path)
      request.pool = WorkerPool(threads: threads)
      request.instructionSet = threads == 1 ? .baseline : .best
      #expect(try convert(request) { _, _ in }.passes)
      texts.insert(try RNWFile(path: path).metadata["rnw.certificate"])
    }
    #expect(texts.count == 1 && texts != [nil])
  }

  @Test("Where own images were compared, the fingerprints are of the probe all the same")
  func ownImages() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("x.rnw")
    var request = ConversionRequest(source: Fixture.path("keras/narrow.h5"), output: path)
    request.input = .path(Fixture.path("images/rgb.jpg"))
    #expect(try convert(request) { _, _ in }.passes)
    _ = try converted("keras/narrow.h5", to: folder.file("y.rnw"))
    func sums(_ path: String) throws -> String? {
      try RNWFile(path: path).certificate(as: CertificateRecord.self)?.fingerprints?.sums
    }
    #expect(try sums(path) == sums(folder.file("y.rnw")))
    #expect(try RNWFile(path: path).fingerprints() != nil)
  }

  @Test("Files of versions before and files that were made have none")
  func none() throws {
    #expect(try RNWFile(path: Fixture.path("rnw/narrow.float32.planes.rnw")).fingerprints() == nil)
  }

  @Test("A network that computes something else fails its certificate, with the first wrong layer")
  func selfCheck() throws {
    let folder = try TemporaryFolder()
    let (model, parameters) = try converted("keras/narrow.keras", to: folder.file("x.rnw"))
    let certificate = try #require(
      try RNWFile(path: folder.file("x.rnw")).certificate(as: Certificate.self))
    var configuration = model.graph.configuration
    configuration.stem.pool?.padding = .negativeInfinity
    let other = try Graph(configuration)
    func check(_ graph: Graph) throws -> CertificateCheck {
      try CertificateCheck(
        certificate, of: "x.rnw",
        with: FastExecutor(graph: graph, parameters: parameters, pool: .shared))
    }
    #expect(try check(model.graph).passes && check(model.graph).firstWrong == nil)
    let wrong = try check(other)
    #expect(!wrong.passes && wrong.firstWrong?.name == "stem.pool", "\(wrong)")
  }

  private func converted(_ source: String, to path: String) throws -> (Model, Parameters) {
    let outcome = try convert(
      ConversionRequest(source: Fixture.path(source), output: path)
    ) { _, _ in }
    #expect(outcome.passes)
    let model = try Model(path: path)
    return (model, try model.parameters(threads: 1))
  }

  /// What an engine gives for the standard probe, by canonical names and by the family's.
  private func activations(
    _ graph: Graph, _ parameters: Parameters, _ model: Model
  ) throws -> (canonical: [String: TensorData], family: [String: TensorData]) {
    var images = try InputImages(.standardProbe, for: model, passesStrangers: true)
    let executor = FastExecutor(graph: graph, parameters: parameters, pool: .shared)
    var (canonical, family): ([String: TensorData], [String: TensorData]) = ([:], [:])
    _ = try executor.run(try images.all()) { node, value in
      let name = graph.nodes[node].name
      let tensor = TensorData(shape: value.shape, values: value.values)
      canonical[name] = tensor
      let own = model.layerNames.name(of: name)
      if let own, !model.layerNames.isCounted(own, like: own) { family[own] = tensor }
    }
    return (canonical, family)
  }
}

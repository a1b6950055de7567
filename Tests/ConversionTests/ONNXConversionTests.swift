import Comparison
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

@Suite("ONNX models that are converted")
struct ONNXConversionTests {
  /// A model of a real exporter, and what is to be recognised.
  struct Exported: Sendable, CustomTestStringConvertible {
    let file: String
    let family: String
    let folds: Bool
    let hasStatistics: Bool

    var testDescription: String { file }

    init(_ file: String, _ family: String, folds: Bool = true, hasStatistics: Bool = true) {
      (self.file, self.family) = (file, family)
      (self.folds, self.hasStatistics) = (folds, hasStatistics)
    }
  }

  static let files = [
    Exported("torch", "torch"), Exported("torch.plain", "torch", folds: false),
    Exported("torch.dynamo", "torch"), Exported("external", "torch"),
    Exported("torchvision", "torchvision"), Exported("timm", "timm"), Exported("timm.deep", "timm"),
    Exported("preact", "cifar-preact"), Exported("keras", "keras", hasStatistics: false),
    Exported("zoo", "gluon", folds: false), Exported("zoo.v1", "gluon-v1", folds: false),
  ]

  @Test(
    "A converted model computes what ONNX Runtime does, within 2e-5, and is compared with its own graph",
    arguments: files)
  func converts(_ exported: Exported) throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(
      source: Fixture.path("onnx/\(exported.file).onnx"), output: folder.file("x.rnw"))
    request.limit = 1e-5
    let outcome = try convert(request) { _, _ in }
    #expect(outcome.passes)
    let own = try #require(outcome.ownGraph)
    #expect(own.verdict.compared == outcome.model.graph.nodes.count - 1)
    #expect(outcome.model.family.id == exported.family)
    let configuration = outcome.model.graph.configuration
    #expect(configuration.foldsNorms == exported.folds)
    #expect(configuration.hasNormStatistics == exported.hasStatistics)

    let truth = try WeightFile.open(Fixture.path("onnx/\(exported.file).truth.npz"))
    let input = try truth.tensor(named: "input")
    let model = try Model(path: folder.file("x.rnw"))
    #expect(model.graph.configuration == configuration)
    let executor = FastExecutor(try model.parameters(threads: 2), pool: WorkerPool(threads: 2))
    let output = try executor.run(
      Activation(shape: input.shape, values: input.floats()), observer: nil)
    let error = ScaledError(of: output.values, from: try truth.tensor(named: "output").floats())
    #expect(error.value <= 2e-5, "\(error.value)")
  }

  @Test("An exporter that folds nothing gives the bits of the weights that it was given")
  func sameBits() throws {
    let model = try Model(path: Fixture.path("onnx/torch.plain.onnx"))
    let source = try WeightFile.open(Fixture.path("onnx/torch.plain.onnx"))
    let kernel = try #require(
      model.graph.parameters.first { $0.name == "stage2.block1.shortcut.conv.weight" })
    let own = try source.tensor(named: "layer2.0.downsample.0.weight")
    #expect(try model.tensor(of: kernel)?.floats() == own.floats())
  }

  @Test("A model's names are not taken for those of weights whose norms were folded into them")
  func foldedNames() throws {
    let source = try WeightFile.open(Fixture.path("onnx/torch.dynamo.onnx"))
    #expect(throws: InputError.self) { try Model(source, usesGraph: false) }
  }
}

import Comparison
import Families
import Files
import RNW
import ResNetV2
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

@Suite("Families of other frameworks than Keras and PyTorch")
struct OtherFrameworksTests {
  /// Weights and values of layers that a real framework wrote, in `Fixtures`.
  struct RealFile: Sendable, CustomTestStringConvertible {
    let file: String
    let activations: String
    let family: String
    /// How many layers are compared at least.
    let layers: Int

    var testDescription: String { file }

    init(_ file: String, _ activations: String, _ family: String, layers: Int) {
      (self.file, self.activations) = (file, "\(activations).activations.npz")
      (self.family, self.layers) = (family, layers)
    }
  }

  static let gluon = [
    RealFile("mxnet/basic.params", "mxnet/basic", "gluon", layers: 37),
    RealFile("mxnet/basic.counted.params", "mxnet/basic", "gluon", layers: 37),
    RealFile("mxnet/basic.half.params", "mxnet/basic", "gluon", layers: 37),
    RealFile("mxnet/basic.v0.params", "mxnet/basic", "gluon", layers: 37),
    RealFile("mxnet/basic.v1.params", "mxnet/basic", "gluon", layers: 37),
    RealFile("mxnet/basic.v3.params", "mxnet/basic", "gluon", layers: 37),
    RealFile("mxnet/bottleneck.params", "mxnet/bottleneck", "gluon", layers: 48),
    RealFile("mxnet/bottleneck.exported.params", "mxnet/bottleneck", "gluon", layers: 48),
    RealFile("mxnet/resnetv1.basic.params", "mxnet/resnetv1.basic", "gluon-v1", layers: 42),
    RealFile(
      "mxnet/resnetv1.bottleneck.params", "mxnet/resnetv1.bottleneck", "gluon-v1", layers: 58),
    RealFile(
      "mxnet/resnetv1.bottleneck.exported.params", "mxnet/resnetv1.bottleneck", "gluon-v1",
      layers: 58),
    RealFile("mxnet/thumbnail.params", "mxnet/thumbnail", "gluon-thumbnail", layers: 45),
    RealFile("mxnet/thumbnail.exported.params", "mxnet/thumbnail", "gluon-thumbnail", layers: 45),
    RealFile(
      "mxnet/resnetv1.thumbnail.params", "mxnet/resnetv1.thumbnail", "gluon-v1-thumbnail",
      layers: 39),
    RealFile(
      "mxnet/resnetv1.thumbnail.exported.params", "mxnet/resnetv1.thumbnail", "gluon-v1-thumbnail",
      layers: 39),
  ]

  static let slim = [
    "slim", "slim/model.ckpt-3", "slim.parts.index", "slim.snappy", "slim.ckpt",
  ].map { RealFile("tensorflow/\($0)", "tensorflow/slim", "tf-slim", layers: 60) }

  static let objects = ["keras.weights", "keras.training.index", "keras3.export"].map {
    RealFile("tensorflow/\($0)", "keras/narrow", "keras", layers: 59)
  }

  static let folders = [
    "bit", "bit/", "bit.parts", "bit.parts/model.safetensors.index.json", "bit.bin",
    "bit.bin.parts",
  ].map { RealFile("huggingface/\($0)", "huggingface/bit", "bit-hf", layers: 28) }

  static let haiku = [
    RealFile("haiku/bottleneck.npz", "haiku/bottleneck", "haiku", layers: 37),
    RealFile("haiku/basic.npz", "haiku/basic", "haiku", layers: 27),
    RealFile("haiku/v1.npz", "haiku/v1", "haiku-v1", layers: 40),
  ]

  static let pickles = ["", ".jax", ".flatmap", ".protocol2"].map {
    RealFile("haiku/bottleneck\($0).pkl", "haiku/bottleneck", "haiku", layers: 37)
  }

  static let files = gluon + slim + objects + folders + haiku + pickles

  @Test("Every layer agrees with what the framework computed", arguments: files)
  func agrees(_ real: RealFile) throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(
      source: Fixture.path(real.file), output: folder.file("x.rnw"))
    request.reference = Fixture.path(real.activations)
    request.limit = 1e-5
    let outcome = try convert(request) { _, _ in }
    #expect(outcome.model.family.id == real.family)
    #expect(outcome.passes)
    let reference = try #require(outcome.reference)
    #expect(reference.coverage.unknown.isEmpty, "\(reference.coverage.unknown)")
    #expect(reference.verdict.compared >= real.layers, "\(reference.verdict.compared)")
  }

  /// What a configuration beside the tensors tells, a file of tensors does not take along.
  @Test(
    "The way back is lossless and computes the same",
    arguments: gluon + slim + objects + haiku + pickles)
  func exports(_ real: RealFile) throws {
    let folder = try TemporaryFolder()
    try export(
      ExportRequest(model: Fixture.path(real.file), output: folder.file("y.safetensors")))
    let truth = try Model(path: Fixture.path(real.file))
    let exported = try Model(path: folder.file("y.safetensors"))
    #expect(exported.family.id == real.family)
    #expect(exported.graph.configuration == truth.graph.configuration)
    if real.family.hasPrefix("haiku") {
      let name = "/block_group_0/~/block_0/~/batchnorm_0/scale"
      let scale = try #require(exported.source.tensors.first { $0.name.hasSuffix(name) })
      #expect(truth.source.tensors.contains { $0.name.hasSuffix(name) && $0.shape == scale.shape })
    }
    let (first, second) = (try truth.parameters(threads: 1), try exported.parameters(threads: 1))
    for parameter in truth.graph.parameters {
      #expect(first[parameter].floats() == second[parameter].floats(), "\(parameter.name)")
    }
  }

  @Test("What MXNet stores and does not use is passed over, and written as what it computes with")
  func fixedScale() throws {
    let source = try WeightFile.open(Fixture.path("mxnet/basic.params"))
    #expect(try source.tensor(named: "features.0.gamma").floats().contains { $0 != 1 })
    let model = try Model(path: source.path)
    #expect(!model.graph.parameters.contains { $0.name == "input.norm.scale" })
    let waived = try #require(model.mapping?.waived)
    #expect(waived.map(\.tensor.name) == ["features.0.gamma"])
    #expect(waived[0].reason.contains("fix_gamma"))
    let folder = try TemporaryFolder()
    try export(ExportRequest(model: source.path, output: folder.file("y.safetensors")))
    let exported = try WeightFile.open(folder.file("y.safetensors"))
    #expect(Set(exported.tensors.map(\.name)) == Set(source.tensors.map(\.name)))
    #expect(try exported.tensor(named: "features.0.gamma").floats() == [1, 1, 1])
  }
}

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

@Suite("Families of PyTorch's other collections")
struct OtherFamiliesTests {
  /// A file of real code in `Fixtures/pytorch`, its family, and the modules whose values are there.
  static let files: [(file: String, activations: String, family: String, layers: Int)] = [
    ("timm.safetensors", "timm", "timm", 28),
    ("timm.basic.safetensors", "timm.basic", "timm", 16),
    ("timm.deep.safetensors", "timm.deep", "timm", 26),
    ("timm.deep_groups.safetensors", "timm.deep_groups", "timm", 26),
    ("bit.timm.safetensors", "bit.timm", "timm-bit", 28),
    ("bit.hf.safetensors", "bit.hf", "bit-hf", 28),
    ("bit.google.safetensors", "bit.google", "bit-torch", 30),
    ("preact.safetensors", "preact", "cifar-preact", 15),
    ("preact.bottleneck.safetensors", "preact.bottleneck", "cifar-preact", 15),
    ("preact.last.safetensors", "preact.last", "cifar-preact", 12),
    ("wide.safetensors", "wide", "wide-resnet", 40),
    ("wide.spare.safetensors", "wide.spare", "wide-resnet", 24),
    ("preresnet.safetensors", "preresnet", "preresnet", 33),
    ("preresnet.bottleneck.safetensors", "preresnet.bottleneck", "preresnet", 31),
    ("cifar.safetensors", "cifar", "cifar", 15),
    ("cifar.zeros.safetensors", "cifar.zeros", "cifar", 15),
  ]

  @Test("Every module agrees with what the real code computed", arguments: files)
  func agrees(
    _ expected: (file: String, activations: String, family: String, layers: Int)
  ) throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(
      source: Fixture.path("pytorch/\(expected.file)"), output: folder.file("x.rnw"))
    request.reference = Fixture.path("pytorch/\(expected.activations).activations.npz")
    request.limit = 1e-5
    let outcome = try convert(request) { _, _ in }
    #expect(outcome.model.family.id == expected.family)
    #expect(outcome.passes)
    let reference = try #require(outcome.reference)
    #expect(reference.coverage.unknown.isEmpty, "\(reference.coverage.unknown)")
    #expect(reference.verdict.compared >= expected.layers, "\(reference.verdict.compared)")
  }

  @Test("The way back is lossless, in the file's names", arguments: files)
  func exports(
    _ expected: (file: String, activations: String, family: String, layers: Int)
  ) throws {
    let folder = try TemporaryFolder()
    let source = Fixture.path("pytorch/\(expected.file)")
    try export(ExportRequest(model: source, output: folder.file("y.safetensors")))
    let truth = try WeightFile.open(source)
    let exported = try WeightFile.open(folder.file("y.safetensors"))
    let names = truth.tensors.map(\.name).filter {
      !$0.hasSuffix("num_batches_tracked") && !$0.hasPrefix("sub_block1.")
    }
    #expect(Set(exported.tensors.map(\.name)) == Set(names))
    for name in names {
      #expect(try exported.tensor(named: name).floats() == truth.tensor(named: name).floats())
    }
  }

  @Test("Google's two forms of one BiT are the same network with the same weights")
  func formsOfBiT() throws {
    let npz = try Model(path: Fixture.path("pytorch/bit.npz"))
    let torch = try Model(path: Fixture.path("pytorch/bit.google.safetensors"))
    #expect(npz.family.id == "bit")
    #expect(npz.graph.parameters == torch.graph.parameters)
    let (first, second) = (try npz.parameters(threads: 1), try torch.parameters(threads: 1))
    for parameter in npz.graph.parameters {
      #expect(first[parameter].floats() == second[parameter].floats(), "\(parameter.name)")
    }
    #expect(npz.graph.configuration.weightStandardizationEpsilon == 1e-10)
  }

  @Test("A network of another collection is written in the names of all that can express it")
  func otherNames() throws {
    let folder = try TemporaryFolder()
    var request = ExportRequest(
      model: Fixture.path("pytorch/bit.timm.safetensors"), output: folder.file("x.safetensors"))
    request.family = .bitHuggingFace
    try export(request)
    let written = try Model(path: folder.file("x.safetensors"))
    #expect(written.family.id == "bit-hf")
    // The ε of the standardisation is another one in Google's code.
    request.family = .bit
    request.replaces = true
    let error = #expect(throws: InputError.self) { try export(request) }
    #expect(error?.hint == "families that have it: timm-bit, bit-hf")
    #expect(
      error?.place?.hasSuffix("; weightStandardizationEpsilon is 1e-08, 1e-10 in the family")
        == true)
  }

  @Test("A head of several layers goes through the file and back to its names")
  func headOfSeveral() throws {
    let folder = try TemporaryFolder()
    var configuration = Family.torchvision.configuration(kind: .basic, blocks: [1, 1], classes: 3)
    for index in configuration.stages.indices {
      configuration.stages[index].innerChannels = 8
      configuration.stages[index].outputChannels = 8
    }
    configuration.stem.convolutions[0].outputChannels = 8
    configuration.head.layers = [
      .dense(outputs: 6, hasBias: true), .activation(.relu), .dense(outputs: 3, hasBias: false),
    ]
    let request = InitializationRequest(
      family: .torchvision, configuration: configuration, seed: 3,
      output: folder.file("x.safetensors"))
    try initialize(request)
    let made = try WeightFile.open(folder.file("x.safetensors"))
    let heads = made.tensors.map(\.name).filter { $0.hasPrefix("fc") }.sorted()
    #expect(heads == ["fc.0.bias", "fc.0.weight", "fc.2.weight"])
    _ = try convert(
      ConversionRequest(source: folder.file("x.safetensors"), output: folder.file("x.rnw"))
    ) { _, _ in }
    let model = try Model(path: folder.file("x.rnw"))
    #expect(model.graph.configuration == configuration)
    try export(
      ExportRequest(model: folder.file("x.rnw"), output: folder.file("y.safetensors")))
    let exported = try WeightFile.open(folder.file("y.safetensors"))
    #expect(Set(exported.tensors.map(\.name)) == Set(made.tensors.map(\.name)))
  }
}

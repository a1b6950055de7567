import Families
import Files
import ResNetV2
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

@Suite("Folders as Hugging Face saves them")
struct ModelFolderTests {
  @Test("The configuration tells what the tensors do not: groups, and what need not be assumed")
  func configuration() throws {
    let folder = try Model(path: Fixture.path("huggingface/bit"))
    #expect(folder.graph.configuration.norm == .group(count: 4, epsilon: 1e-5))
    #expect(!folder.assumptions.contains { $0.option == "norm.groups" })
    #expect(!folder.assumptions.contains { $0.option == "stem.pool" })
    let alone = try Model(path: Fixture.path("huggingface/bit/model.safetensors"))
    #expect(alone.assumptions.contains(.init(option: "norm.groups", value: "8")))
  }

  @Test("A network without a head is one without its prefix")
  func headless() throws {
    let whole = try Model(path: Fixture.path("huggingface/bit"))
    let model = try Model(path: Fixture.path("huggingface/model"))
    #expect(model.family.id == "bit-hf")
    #expect(model.graph.configuration.head == .init(pooling: .average))
    let (first, second) = (try whole.parameters(threads: 1), try model.parameters(threads: 1))
    for parameter in model.graph.parameters {
      #expect(first[parameter].floats() == second[parameter].floats(), "\(parameter.name)")
    }
  }

  @Test("What Google's code for fine-tuning saves is the same network as its other forms")
  func fineTune() throws {
    let tuned = try Model(path: Fixture.path("huggingface/bit.pth.tar"))
    let truth = try Model(path: Fixture.path("pytorch/bit.npz"))
    #expect(tuned.family.id == "bit-torch")
    #expect(tuned.graph.parameters == truth.graph.parameters)
    let (first, second) = (try tuned.parameters(threads: 1), try truth.parameters(threads: 1))
    for parameter in truth.graph.parameters {
      #expect(first[parameter].floats() == second[parameter].floats(), "\(parameter.name)")
    }
  }

  @Test(
    "A configuration of another network than the tensors' is refused by what differs",
    arguments: [
      ("\"depths\": [\n    1,\n    2", "\"depths\": [\n    1,\n    3", "depths says 1, 3"),
      ("    40\n  ]", "    48\n  ]", "hidden_sizes says 32, 48"),
      ("\"embedding_size\": 16", "\"embedding_size\": 8", "embedding_size says 8"),
      ("\"num_channels\": 3", "\"num_channels\": 4", "num_channels says 4"),
      ("    \"4\": \"LABEL_4\"\n", "    \"4\": \"a\", \"5\": \"b\"\n", "id2label says 6"),
      ("\"preactivation\"", "\"bottleneck\"", "layer_type is bottleneck"),
      ("\"relu\"", "\"gelu\"", "hidden_act is gelu"),
      ("\"global_padding\": null", "\"global_padding\": \"SAME\"", "global_padding is SAME"),
      ("_padding\": false", "_padding\": true", "embedding_dynamic_padding is true"),
      ("\"output_stride\": 32", "\"output_stride\": 0", "output_stride is 0"),
      ("\"num_groups\": 4", "\"num_groups\": 0", "num_groups is 0"),
      ("\"num_groups\": 4", "\"num_groups\": 7", "by which 16 channels cannot be divided"),
      ("\"num_groups\": 4", "\"num_groups\": 9223372036854775807", "num_groups is 92"),
      ("\"width_factor\": 1", "\"width_factor\": 9223372036854775807", "no number"),
      ("\"model_type\": \"bit\"", "\"model_type\": \"resnet\"", "model_type resnet"),
    ])
  func contradictions(_ good: String, _ bad: String, _ expected: String) throws {
    let folder = try Self.copy(of: "bit")
    let text = String(decoding: try Fixture.bytes("huggingface/bit/config.json"), as: UTF8.self)
    #expect(text.contains(good))
    _ = try folder.write(Array(text.replacing(good, with: bad).utf8), to: "config.json")
    let error = #expect(throws: InputError.self) { try Model(path: folder.path) }
    #expect(error?.place?.contains(expected) == true, "\(error?.description ?? "")")
  }

  @Test("A folder of timm's tells by its name what the network is")
  func timm() throws {
    let folder = try TemporaryFolder()
    let configuration = try #require(Family.timm.configuration(architecture: "resnetv2_18"))
    try initialize(
      InitializationRequest(
        family: .timm, configuration: configuration, seed: 1,
        output: folder.file("model.safetensors")))
    func write(_ json: String) throws { _ = try folder.write(Array(json.utf8), to: "config.json") }
    try write("{\"architecture\": \"resnetv2_18.ra4_e3600_r224_in1k\", \"num_classes\": 1000}")
    let model = try Model(path: folder.path)
    #expect(Set(model.assumptions.map(\.option)).isSubset(of: ["input", "head.pooling"]))
    try write("{\"architecture\": \"resnetv2_18\", \"num_classes\": 10}")
    let error = #expect(throws: InputError.self) { try Model(path: folder.path) }
    #expect(error?.place?.contains("num_classes says 10") == true)
    try write("{\"architecture\": \"resnet18\"}")
    #expect(throws: InputError.self) { try Model(path: folder.path) }
  }

  /// The files of a fixture in a folder that a test may change.
  static func copy(of name: String) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for file in ["config.json", "model.safetensors"] {
      _ = try folder.write(try Fixture.bytes("huggingface/\(name)/\(file)"), to: file)
    }
    return folder
  }
}

import Files
import Plain
import ResNetV2
import SourceGraph
import Tensors
import Testing

@testable import Families

@Suite("What config.json says of networks of timm and of transformers")
struct FolderDescriptionTests {
  /// The tensors of a network in its family's names, and a description beside them.
  struct Folder: DescriptionCarrier {
    let container = "hugging-face"
    let path = "folder"
    let metadata: [String: String] = [:]
    let tensors: [TensorInfo]
    let carriedDescription: JSONValue

    init(_ family: Family, _ configuration: Configuration, _ json: String) throws {
      tensors = try Graph(configuration).parameters.map { parameter in
        let isMatrix = parameter.shape.rank == 2
        let isSquare = isMatrix && family.tensors.denseLayout == .outputInput1x1
        return TensorInfo(
          name: try #require(family.tensorNames(of: parameter.node, parameter.role).first),
          dtype: .float32,
          shape: Shape(parameter.shape.dimensions + (isSquare ? [1, 1] : [])))
      }
      carriedDescription = try JSONValue(json: Array(json.utf8))
    }

    func tensor(named name: String) throws(InputError) -> TensorData {
      throw InputError(.badData, path: path, "has no data")
    }
  }

  /// `resnet18` of torchvision or timm, or `resnetv2_18`, of seven classes, and a description.
  static func mapping(
    _ family: Family, _ json: String, change: (inout Configuration) -> Void = { _ in }
  ) throws -> Mapping {
    let name = ["timm": "resnetv2_18", "timm-bit": "resnetv2_50x1_bit", "cifar": "resnet18_cifar"]
    var configuration = try #require(
      family.configuration(architecture: name[family.id] ?? "resnet18_v1", classes: 7))
    change(&configuration)
    return try Mapping(try Folder(family, configuration, json))
  }

  static func timm(_ name: String, _ arguments: String, _ rest: String = "") -> String {
    "{\"architecture\": \"\(name)\", \"num_classes\": 7\(rest), \"model_args\": {\(arguments)}}"
  }

  /// As timm writes it of itself.
  static let own = "\"global_pool\": \"avg\", \"in_chans\": 3, \"num_classes\": 7"

  static let names: [(Family, String)] = [
    (.timm, "resnetv2_18"), (.timmBiT, "resnetv2_50x1_bit"), (.torchvision, "resnet18"),
    (.torchvision, "resnet18.tv_in1k"), (.torchvision, "gluon_resnet18_v1b"),
  ]

  @Test("A name of timm's and its usual arguments tell all but the input", arguments: names.indices)
  func usual(_ index: Int) throws {
    let (family, name) = Self.names[index]
    for arguments in [
      Self.own, "\(Self.own), \"zero_init_last\": false",
      "\(Self.own), \"drop_path_rate\": 0.1, \"act_layer\": \"relu\"",
      "\(Self.own), \"output_stride\": 32, \"avg_down\": false, \"stem_type\": \"\"",
    ] {
      let mapping = try Self.mapping(
        family, Self.timm(name, arguments, ", \"global_pool\": \"avg\""))
      #expect(mapping.family.id == family.id)
      #expect(mapping.assumptions.map(\.option) == ["input"])
      #expect(mapping.graph.configuration.head.pooling == .average)
    }
  }

  @Test("The pooling is taken from it; what is told for people alone is still said to be assumed")
  func pooling() throws {
    for family in [Family.timm, .torchvision] {
      let name = family.id == "timm" ? "resnetv2_18" : "resnet18"
      var mapping = try Self.mapping(
        family, Self.timm(name, "\"global_pool\": \"max\"", ", \"global_pool\": \"max\""))
      #expect(mapping.graph.configuration.head.pooling == .max)
      #expect(mapping.assumptions.map(\.option) == ["input"])
      mapping = try Self.mapping(family, Self.timm(name, "", ", \"global_pool\": \"max\""))
      #expect(mapping.graph.configuration.head.pooling == .max)
      #expect(mapping.assumptions.contains(.init(option: "head.pooling", value: "max")))
    }
  }

  /// A value of `model_args` that makes another network than the name, and what the message must say.
  static let arguments = [
    ("\"act_layer\": \"silu\"", "model_args: act_layer is silu, only relu is computed"),
    ("\"output_stride\": 8", "model_args: output_stride is 8, only 32 is computed"),
    ("\"stem_type\": \"fixed\"", "model_args: stem_type is fixed, only '' is computed"),
    ("\"avg_down\": true", "model_args: avg_down is true, only false is computed"),
    ("\"norm_layer\": \"groupnorm\"", "model_args: norm_layer is groupnorm, which is not read"),
    ("\"aa_layer\": \"blur\"", "model_args: aa_layer is blur, only null is computed"),
    (
      "\"block_args\": {\"attn_layer\": \"eca\"}", "model_args: block_args is {\"attn_layer\":\"eca"
    ),
    ("\"in_chans\": 4", "model_args: in_chans is 4, the tensors are of 3"),
    ("\"num_classes\": 8", "model_args: num_classes is 8, the tensors are of 7"),
    ("\"layers\": [2, 2, 2]", "model_args: layers is [2,2,2], the tensors are of 2, 2, 2, 2"),
    ("\"channels\": [8]", "model_args: channels is [8], the tensors are of 64, 128, 256, 512"),
    ("\"global_pool\": \"avgmax\"", "model_args: global_pool is avgmax, only avg and max are"),
    ("\"global_pool\": \"\"", "model_args: global_pool is '', only avg and max are computed"),
    ("\"wobble\": 3", "model_args: wobble is 3, which is not read"),
  ]

  @Test("An argument that makes another network is refused by name", arguments: arguments.indices)
  func changed(_ index: Int) throws {
    let (argument, expected) = Self.arguments[index]
    for family in [Family.timm, .torchvision] {
      let name = family.id == "timm" ? "resnetv2_18" : "resnet18"
      let error = #expect(throws: InputError.self) {
        try Self.mapping(family, Self.timm(name, argument))
      }
      #expect(error?.place?.contains(expected) == true, "\(error?.description ?? "")")
    }
  }

  /// A description of another network than the tensors' and what the message must say.
  static let others: [(Family, String, String)] = [
    (.torchvision, "{\"architecture\": \"resnetblur18\"}", "is of resnetblur18, which is another"),
    (.torchvision, "{\"architecture\": \"resnetaa18.x\"}", "is of resnetaa18.x, which is another"),
    (.torchvision, "{\"architecture\": \"resnetv2_18\"}", "is of resnetv2_18, which is another"),
    (.torchvision, "{\"architecture\": 18}", "is of 18, which is another network"),
    (.timm, "{\"architecture\": \"resnet18\"}", "is of resnet18, which is another network"),
    (.cifar, "{\"architecture\": \"resnet18\"}", "is of resnet18, which is another network"),
    (.torchvision, "{\"model_type\": \"bert\"}", "the model_type bert, which is another network"),
    (.cifar, "{\"model_type\": \"bert\"}", "the model_type bert, which is another network"),
    (.timm, "{\"model_type\": \"bit\"}", "the model_type bit, which is another network"),
    (
      .torchvision, "{\"architectures\": [\"BertModel\"]}",
      "is of BertModel, which is another network"
    ),
    (
      .torchvision, "{\"model_type\": \"resnet\", \"hidden_act\": \"silu\"}",
      "hidden_act is silu, only relu is computed"
    ),
    (
      .torchvision, "{\"model_type\": \"resnet\", \"downsample_in_first_stage\": true}",
      "downsample_in_first_stage is true, only false is computed"
    ),
    (
      .torchvision, "{\"architecture\": \"resnet18\", \"num_classes\": 8}",
      "num_classes says 8, the tensors are of 7"
    ),
    (
      .torchvision,
      "{\"architecture\": \"resnet18\", \"global_pool\": \"avg\", \"model_args\": {\"global_pool\": \"max\"}}",
      "global_pool is avg, but among model_args max"
    ),
    (
      .torchvision, "{\"architecture\": \"resnet18\", \"global_pool\": \"catavgmax\"}",
      "global_pool is catavgmax, only avg and max are computed"
    ),
    (
      .torchvision, "{\"architecture\": \"resnet18\", \"model_args\": 3}",
      "model_args is 3, not names with values"
    ),
  ]

  @Test("A description of another network is refused by name", arguments: others.indices)
  func refusals(_ index: Int) throws {
    let (family, json, expected) = Self.others[index]
    let error = #expect(throws: InputError.self) { try Self.mapping(family, json) }
    #expect(error?.place?.contains(expected) == true, "\(error?.description ?? "")")
  }

  @Test(
    "A description that says nothing of the network leaves all that tensors do not tell assumed",
    arguments: [
      "{}", "{\"model_type\": \"resnet\"}",
      "{\"architectures\": [\"ResNetForImageClassification\"]}",
      "{\"model_type\": null, \"architecture\": null}",
    ])
  func silent(_ json: String) throws {
    let described = try Self.mapping(.torchvision, json)
    let plain = try Self.mapping(.torchvision, "[]")
    #expect(described.assumptions == plain.assumptions)
    #expect(described.assumptions.count > 3)
  }

  @Test("Of a network that was changed after it was made the name tells nothing")
  func changedAfterwards() throws {
    let json = Self.timm("resnet18", Self.own)
    let mapping = try Self.mapping(.torchvision, json) {
      ($0.stages[3].innerChannels, $0.stages[3].outputChannels) = (96, 96)
    }
    #expect(mapping.assumptions.contains(.init(option: "block.activation", value: "relu")))
    #expect(!mapping.assumptions.contains { $0.option == "head.pooling" })
    // What its own arguments say of widths agrees; the rest is assumed as before.
    _ = try Self.mapping(
      .torchvision, Self.timm("resnet18", "\"channels\": [64, 128, 256, 96]")
    ) { ($0.stages[3].innerChannels, $0.stages[3].outputChannels) = (96, 96) }
    let narrow = try Self.mapping(.torchvision, Self.timm("wide_resnet50_2", Self.own))
    #expect(narrow.assumptions.contains(.init(option: "block.activation", value: "relu")))
  }
}

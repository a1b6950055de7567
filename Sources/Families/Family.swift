import Plain
package import ResNetV2
import SourceGraph
import Tensors

/// A public family of weights: what its networks are and what it calls their tensors.
///
/// A family is data. Everything that reads, runs or compares works from the configuration and the
/// names given here; to add a family is to add one value of this type.
package struct Family: Sendable {
  /// The short name on the command line and in files, such as `keras`.
  package let id: String

  /// What people call it.
  package let title: String

  /// The options that its networks usually have; stages, widths and classes come from the file.
  let options: Configuration

  /// The block shapes of networks that have those options.
  var kinds: Set<Configuration.Block.Kind> = [.basic, .bottleneck]

  /// The other combinations of options that its networks may have; a file's tensors tell which it is.
  var otherVariants: [Variant] = []

  /// The networks that have a name, such as `resnet50_v2`.
  let architectures: [Architecture]

  /// What its layers are called.
  let layers: LayerTemplates

  /// What its tensors are called and how they are laid out.
  let tensors: TensorTemplates

  /// What stands before every name in a file that is written, by the network's name; `nil` for one that has none.
  var scope: @Sendable (_ architecture: String?) -> String = { _ in "" }

  /// Tensors that its files hold and its networks do not use.
  var fixedTensors: [FixedTensor] = []

  /// A layer that every file of the family has and no other family does, by canonical name.
  let fingerprint: String

  /// What else sets its files apart, where the fingerprint alone does not.
  var signs = Signs()

  /// How a head is found that people put in place of the family's own; `nil` where only the family's
  /// name is known.
  var freeHead: FreeHead?

  /// Whether a single 3×3 convolution in the stem means a network for small images.
  ///
  /// Such a network has neither a stride nor a pool in the stem. Otherwise the stem's kernel is not looked at.
  var hasSmallStem = false

  /// The names of tensors that belong to the file but to no network, and why.
  let waivers: [Waiver]

  /// The names of tensors that tell a relative of the family that is none of its networks.
  var refusals: [Refusal] = []

  /// The two files in which people keep a network's parameters and moving statistics; `nil` where these are never apart.
  var separateFiles: SeparateFiles?

  /// What the input was put through before training.
  package let preprocessing: Preprocessing

  /// The height and width that the published networks expect.
  package let defaultInputSize: Int

  /// The containers in which its files usually are; any other is read as well.
  package var containers = [".pth", ".safetensors"]

  /// The files that are published for it, as far as their digests are known.
  package var published: [PublishedFile] = []

  /// In whose form its networks are summarised.
  package var summaryForm = SummaryForm.graph

  /// The orders in which its code makes layers, for files that count layers in place of naming them.
  var orders: [LayerOrder] = []

  /// Rewrites names that the container left without a layer name, where the family knows the order.
  var resolveNames: @Sendable ([TensorInfo]) -> [String: String]? = { _ in nil }

  /// Reads from a description beside the tensors what these do not tell.
  var readDescription: @Sendable (inout Configuration, JSONValue) -> DescriptionVerdict =
    TransformersConfiguration.readOther

  /// Reads from the graph that the file carries what names and shapes do not tell; returns what in it no
  /// network of the family has, where there is such a thing.
  var refine: @Sendable (inout Configuration, SourceGraph) -> String? = { _, _ in
    nil
  }
}

/// How people who use a family are used to seeing a network.
package enum SummaryForm: Sendable {
  /// As PyTorch's modules.
  case pyTorch
  /// As Keras' list of layers.
  case keras
  /// As the graph itself.
  case graph
}

/// One combination of options that networks of a family may have.
struct Variant: Sendable {
  /// The options.
  let options: Configuration
  /// The block shapes of the networks that have them.
  var kinds: Set<Configuration.Block.Kind> = [.basic, .bottleneck]
}

/// Layers of a file, by the family's name and without prefix, that set a family apart.
struct Signs: Sendable {
  /// At least one of them is there, where any is given.
  var anyOf: [String] = []
  /// None of them is there.
  var noneOf: [String] = []
}

/// How heads are found and named that people put in place of a family's own.
struct FreeHead: Sendable {
  /// How its layers are named.
  let names: Names
  /// What a file without any head ends in, when nothing else is known.
  let poolingWithoutHead: Configuration.Head.Pooling

  /// How the layers of a head are named.
  enum Names: Sendable {
    /// By their places in a list of a name: `fc.0`, `fc.3`.
    case list(String)
    /// Anyhow: what they read tells their order. Where several are written, they are counted: `dense`, `dense_1`.
    case counted
  }

  /// A head whose layers are numbered.
  init(list: String, poolingWithoutHead: Configuration.Head.Pooling) {
    (names, self.poolingWithoutHead) = (.list(list), poolingWithoutHead)
  }

  private init(names: Names, poolingWithoutHead: Configuration.Head.Pooling) {
    (self.names, self.poolingWithoutHead) = (names, poolingWithoutHead)
  }

  /// The head of a Keras model, which the model's author adds layer by layer.
  static let keras = FreeHead(names: .counted, poolingWithoutHead: .none)
}

/// Tensors that no network of the family has, but a relative that is not computed.
struct Refusal: Sendable {
  /// What has such tensors.
  let reason: String
  /// Whether a name is of that kind.
  let matches: @Sendable (String) -> Bool
}

/// A tensor that files of a family hold though its networks compute with a number in its place.
///
/// It is passed over when a file is read, and has that number in a file that is written.
struct FixedTensor: Sendable {
  /// The canonical name of the layer that it would belong to.
  let node: String
  /// What it would be for.
  let role: Parameter.Role
  /// The number.
  let value: Float
  /// Why it is not used; shown in the mapping.
  let reason: String
}

/// Tensors that are passed over by rule.
struct Waiver: Sendable {
  /// Why they are not needed; shown in the mapping.
  let reason: String
  /// Whether a name falls under the rule.
  let matches: @Sendable (String) -> Bool
}

extension Family {
  /// All families, in the order in which they are tried.
  package static let all: [Family] = [
    .keras, .kerasV1, .kerasOldNames, .kerasCIFARV2, .kerasCIFAR, .torch, .cifarPreActivation,
    .preResNet, .wideResNet, .cifar, .torchvision, .timm, .timmBiT, .bit, .bitPyTorch,
    .bitHuggingFace, .gluonThumbnail, .gluonV1Thumbnail, .gluon, .gluonV1, .tfSlim, .haiku,
    .haikuV1,
  ]

  /// All combinations of options, the usual one first.
  var variants: [Variant] { [Variant(options: options, kinds: kinds)] + otherVariants }

  /// The family with a short name.
  package static func named(_ id: String) -> Family? {
    all.first { $0.id == id }
  }

  /// The family's words for the parts of a layer, such as `gamma` for what a norm multiplies by.
  package var parameterWords: [Parameter.Role: String] {
    tensors.roles.mapValues { String($0.drop { $0 == "/" || $0 == "." }) }
  }

  /// The names of the networks that can be made without a file.
  package var architectureNames: [String] { architectures.map(\.name) }

  /// The configuration of a named network.
  ///
  /// - Parameters:
  ///   - name: one of ``architectureNames``.
  ///   - classes: the number of classes; 0 for a network without head.
  package func configuration(architecture name: String, classes: Int = 1000) -> Configuration? {
    guard let architecture = architectures.first(where: { $0.name == name }) else { return nil }
    return configuration(of: architecture, classes: classes)
  }

  /// The configuration of the standard widths with any number of blocks per stage.
  package func configuration(
    kind: Configuration.Block.Kind, blocks: [Int], classes: Int
  ) -> Configuration {
    configuration(of: Architecture(name: "", kind: kind, blocks: blocks), classes: classes)
  }

  /// The configuration of one of its networks.
  func configuration(of architecture: Architecture, classes: Int) -> Configuration {
    var configuration = variants[architecture.variant].options
    configuration.block.kind = architecture.kind
    if let stem = architecture.stem {
      for (index, channels) in stem.enumerated() {
        configuration.stem.convolutions[index].outputChannels = channels
      }
    }
    let expansion = architecture.kind == .bottleneck ? 4 : 1
    let strides = stageStrides(count: architecture.blocks.count)
    configuration.stages = architecture.blocks.enumerated().map { index, blocks in
      let inner = architecture.width << index
      let own =
        index < architecture.channels.count ? architecture.channels[index] : nil
      return Configuration.Stage(
        blocks: blocks, innerChannels: own?.inner ?? inner,
        outputChannels: own?.output ?? inner * expansion, stride: strides[index])
    }
    configuration.head = head(classes: classes)
    return configuration
  }

  /// The head of the family's networks: pooling, a dense layer and what the family puts after it; nothing
  /// without classes.
  func head(classes: Int) -> Configuration.Head {
    .init(
      hasPooling: classes > 0, classes: classes,
      hasSoftmax: classes > 0 && options.head.lastActivation == .softmax)
  }

  /// The stride of each stage: 2 for every stage but the one next to the stem, or but the last one
  /// where the last block of a stage has the stride.
  func stageStrides(count: Int) -> [Int] {
    let plain = options.block.stridedBlock == .first ? 0 : count - 1
    return (0..<count).map { $0 == plain ? 1 : 2 }
  }

  /// Whether a network is one of this family: then its parameters can be written in the family's names.
  package func canExpress(_ configuration: Configuration) -> Bool {
    counterparts(of: configuration).contains(configuration)
  }

  /// A network of each variant of the family, with whatever the family leaves open as another network has it.
  ///
  /// One of them is that network where the family has it; else they tell what is in its way.
  package func counterparts(of configuration: Configuration) -> [Configuration] {
    variants.map { counterpart(of: configuration, as: $0) }
  }

  private func counterpart(
    of configuration: Configuration, as variant: Variant
  ) -> Configuration {
    var own = variant.options
    if variant.kinds.contains(configuration.block.kind) {
      own.block.kind = configuration.block.kind
    }
    own.stages = configuration.stages
    for (index, stride) in stageStrides(count: own.stages.count).enumerated() {
      (own.stages[index].stride, own.stages[index].dilation) = (stride, 1)
    }
    own.input.channels = configuration.input.channels
    if own.stem.convolutions.count == configuration.stem.convolutions.count {
      for (index, convolution) in configuration.stem.convolutions.enumerated() {
        own.stem.convolutions[index].kernel = convolution.kernel
        own.stem.convolutions[index].outputChannels = convolution.outputChannels
      }
    }
    own.setBiases(as: configuration)
    if hasSmallStem, configuration.hasSmallStem { own.stem = configuration.stem }
    if case .group(_, let epsilon) = own.norm, case .group(let count, _) = configuration.norm {
      own.norm = .group(count: count, epsilon: epsilon)
    }
    own.head = head(classes: configuration.head.classes)
    if own.head.layers.isEmpty, configuration.head.pooling == .average {
      own.head.pooling = .average
    }
    if freeHead != nil { own.head = configuration.head }
    return own
  }

  /// The name of a configuration, where it is a named network but for its classes; else what it is
  /// made of.
  package func architectureName(of configuration: Configuration) -> String {
    if let name = publishedName(of: configuration) { return name }
    let blocks = configuration.stages.map { String($0.blocks) }.joined(separator: "-")
    return "resnet(\(blocks))"
  }

  /// The name of a network that has one.
  func publishedName(of configuration: Configuration) -> String? {
    architectures.first { architecture in
      var named = self.configuration(of: architecture, classes: 1)
      named.head = configuration.head
      return named == configuration
    }?.name
  }
}

// MARK: - What a family is known by

extension Family {
  /// The tensors by which a file of the family is recognised, whatever stands before their names.
  package var fingerprintNames: [String] { tensorNames(ofNode: fingerprint) }

  /// Names of some tensors, such as those of the stem, of a block and of the head.
  package var exampleNames: [String] {
    ["stem.conv", "stage1.block1.conv1", "stage1.block1.shortcut.conv", "head.dense"].compactMap {
      tensorNames(of: $0, .weight).first
    }
  }

  /// What is taken for a file of the family's first network that holds nothing but tensors.
  package var usualAssumptions: [Assumption] {
    architectureNames.first.flatMap { configuration(architecture: $0) }?
      .assumptions(told: []) ?? []
  }

  private func tensorNames(ofNode node: String) -> [String] {
    Parameter.Role.allCases.compactMap { role in
      [.scale, .shift, .mean, .variance].contains(role) ? tensorNames(of: node, role).first : nil
    }
  }
}

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

  /// The options that all its networks share; stages, widths and classes come from the file.
  let options: Configuration

  /// The networks that have a name, such as `resnet50_v2`.
  let architectures: [Architecture]

  /// What its layers are called.
  let layers: LayerTemplates

  /// What its tensors are called and how they are laid out.
  let tensors: TensorTemplates

  /// A tensor that every file of the family has and no other family does, by canonical name.
  let fingerprint: String

  /// The names of tensors that belong to the file but to no network, and why.
  let waivers: [Waiver]

  /// What the input was put through before training.
  package let preprocessing: Preprocessing

  /// The height and width that the published networks expect.
  package let defaultInputSize: Int

  /// In whose form its networks are summarised.
  var summaryForm = SummaryForm.graph

  /// Rewrites names that the container left without a layer name, where the family knows the order.
  var resolveNames: @Sendable ([TensorInfo]) -> [String: String]? = { _ in nil }

  /// Reads from the graph that the file carries what names and shapes do not tell; returns what in it no
  /// network of the family has, where there is such a thing.
  var refine: @Sendable (inout Configuration, SourceGraph) -> String? = { _, _ in
    nil
  }
}

/// How people who use a family are used to seeing a network.
enum SummaryForm: Sendable {
  /// As PyTorch's modules.
  case pyTorch
  /// As Keras' list of layers.
  case keras
  /// As the graph itself.
  case graph
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
  package static let all: [Family] = [.keras, .kerasV1, .torch, .torchvision]

  /// The family with a short name.
  package static func named(_ id: String) -> Family? {
    all.first { $0.id == id }
  }

  /// In whose form a network of the family is summarised, under these layer names.
  package func summaryStyle(for graph: Graph, names: LayerNames) -> SummaryStyle {
    let words = Dictionary(
      uniqueKeysWithValues: graph.nodes.compactMap { node in
        names.name(of: node.name).map { (node.name, $0) }
      })
    return switch summaryForm {
    case .pyTorch: .pyTorch
    case .keras:
      .keras(names: words, paddings: names.folded.map { .init(name: $0.name, node: $0.node) })
    case .graph: .graph(names: words, layout: names.layout == .nhwc ? .nhwc : .nchw)
    }
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
    return configuration(kind: architecture.kind, blocks: architecture.blocks, classes: classes)
  }

  /// The configuration of the standard widths with any number of blocks per stage.
  package func configuration(
    kind: Configuration.Block.Kind, blocks: [Int], classes: Int
  ) -> Configuration {
    var configuration = options
    configuration.block.kind = kind
    let expansion = kind == .bottleneck ? 4 : 1
    let strides = stageStrides(count: blocks.count)
    configuration.stages = blocks.enumerated().map { index, blocks in
      let inner = 64 << index
      return Configuration.Stage(
        blocks: blocks, innerChannels: inner, outputChannels: inner * expansion,
        stride: strides[index])
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
    var own = options
    own.block.kind = configuration.block.kind
    own.stages = configuration.stages
    own.input.channels = configuration.input.channels
    own.head = head(classes: configuration.head.classes)
    if own.head.layers.isEmpty, configuration.head.pooling == .average {
      own.head.pooling = .average
    }
    guard own.stem.convolutions.count == configuration.stem.convolutions.count else { return false }
    for (index, convolution) in configuration.stem.convolutions.enumerated() {
      own.stem.convolutions[index].kernel = convolution.kernel
      own.stem.convolutions[index].outputChannels = convolution.outputChannels
    }
    return own == configuration && stageStrides(count: own.stages.count) == own.stages.map(\.stride)
  }

  /// The name of a configuration, where it is a named network but for its classes; else what it is
  /// made of.
  package func architectureName(of configuration: Configuration) -> String {
    for architecture in architectures {
      var named = self.configuration(
        kind: architecture.kind, blocks: architecture.blocks, classes: 1)
      named.head = configuration.head
      if named == configuration { return architecture.name }
    }
    let blocks = configuration.stages.map { String($0.blocks) }.joined(separator: "-")
    return "resnet(\(blocks))"
  }
}

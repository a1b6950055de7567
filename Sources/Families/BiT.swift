import ResNetV2
import Tensors

extension Family {
  /// BiT in the names of Google's `.npz` files: `BiT-M-R50x1.npz` and its relatives.
  ///
  /// What sets it apart: group norms with 32 groups, standardised weights, a max-pool padded with
  /// zeros. The ε of the standardisation is Google's, 1e-10; timm and Hugging Face have 1e-8. Read from
  /// `bit_pytorch/models.py` and checked against its activations.
  package static let bit = Family(
    id: "bit",
    title: "Google BiT",
    options: .bit(standardizationEpsilon: 1e-10, placement: .whereShapeChanges),
    kinds: [.bottleneck],
    otherVariants: [
      Variant(
        options: .bit(standardizationEpsilon: 1e-10, placement: .everyStage), kinds: [.bottleneck])
    ],
    architectures: Architecture.bit { "bit_r\($0)x\($1)" },
    layers: LayerTemplates(layout: .nhwc, names: googleTensors),
    tensors: TensorTemplates(
      names: googleTensors,
      roles: [
        .weight: "/kernel", .bias: "/bias", .scale: "/gamma", .shift: "/beta",
      ],
      convolutionLayout: .hwio,
      denseLayout: .inputOutput1x1),
    fingerprint: "stem.conv",
    waivers: [],
    preprocessing: .halves(.init(rule: .stretch, size: 480, crop: 480, filter: .bilinear)),
    defaultInputSize: 480,
    containers: [".npz"])

  /// BiT in the names of Google's own PyTorch code, which fine-tunes write (`bit.pth.tar`).
  package static let bitPyTorch = Family(
    id: "bit-torch",
    title: "Google BiT for PyTorch",
    options: .bit(standardizationEpsilon: 1e-10, placement: .whereShapeChanges),
    kinds: [.bottleneck],
    architectures: Architecture.bit { "bit_r\($0)x\($1)" },
    layers: LayerTemplates(
      layout: .nchw,
      names: googlePyTorchTensors.merging([
        "input": "input",
        "stem.pool": "root.pool",
        "stage{stage}.block{block}.relu1": "body.block{stage}.unit{block:02}.relu",
        "stage{stage}.block{block}.relu2": "body.block{stage}.unit{block:02}.relu#2",
        "stage{stage}.block{block}.relu3": "body.block{stage}.unit{block:02}.relu#3",
        "stage{stage}.block{block}.add": "body.block{stage}.unit{block:02}",
        "final.relu": "head.relu",
        "head.pool": "head.avg",
      ]) { $1 },
      folded: [("root.pad", "stem.pool")]),
    tensors: .torch(googlePyTorchTensors, denseLayout: .outputInput1x1),
    fingerprint: "stage1.block1.norm1",
    freeHead: FreeHead(list: "head.conv", poolingWithoutHead: .average),
    waivers: [.lossWeights],
    preprocessing: .halves(.init(rule: .stretch, size: 480, crop: 480, filter: .bilinear)),
    defaultInputSize: 480,
    containers: [".pth.tar", ".pth"])

  /// BiT in the names of Hugging Face's `BitForImageClassification` and `BitModel`.
  package static let bitHuggingFace = Family(
    id: "bit-hf",
    title: "Hugging Face BiT",
    options: .bit(standardizationEpsilon: 1e-8, placement: .everyStage),
    kinds: [.bottleneck],
    architectures: Architecture.bit { "bit_r\($0)x\($1)" },
    layers: LayerTemplates(
      layout: .nchw,
      // Its norms include the ReLU, so that a norm's name is that of the activated value.
      names: Dictionary(
        uniqueKeysWithValues: huggingFaceTensors.map { node, name in
          (node.replacing("norm", with: "relu"), name)
        }
      ).merging([
        "input": "input",
        "stem.pool": "bit.embedder.pooler",
        "stage{stage}.block{block}.add": "bit.encoder.stages.{stage-1}.layers.{block-1}",
        "head.pool": "bit.pooler",
      ]) { $1 },
      folded: [("bit.embedder.pad", "stem.pool")]),
    tensors: .torch(huggingFaceTensors),
    fingerprint: "stem.conv",
    freeHead: FreeHead(list: "classifier", poolingWithoutHead: .average),
    waivers: [.lossWeights],
    refusals: [
      Refusal(reason: "it is post-activation, as in the hybrids with Vision Transformers") {
        $0.hasSuffix("embedder.norm.weight") || $0.hasSuffix("downsample.norm.weight")
      }
    ],
    preprocessing: .halves(.init(rule: .shorterSide, size: 448, crop: 448, filter: .bilinear)),
    defaultInputSize: 448,
    containers: ["a folder with config.json", ".safetensors", ".bin"],
    resolveNames: huggingFaceNames,
    readDescription: BiTConfiguration.complete)
}

extension Configuration {
  /// The options of BiT; who runs it decides the ε of the weight standardisation.
  static func bit(
    standardizationEpsilon: Double, placement: Shortcut.Placement
  ) -> Configuration {
    Configuration(
      block: .init(kind: .bottleneck, order: .preActivation, stridedBlock: .first),
      stages: [],
      stem: .init(
        convolutions: [.init(kernel: 7, stride: 2, outputChannels: 64, hasBias: false)],
        hasNorm: false, poolPadding: .zero),
      shortcut: .init(placement: placement, input: .preActivated, kind: .convolution),
      norm: .group(count: 32, epsilon: 1e-5),
      head: .init(pooling: .none),
      weightStandardizationEpsilon: standardizationEpsilon)
  }
}

extension Architecture {
  /// The six networks of BiT under an origin's names, which are made of depth and width.
  static func bit(_ name: (_ depth: Int, _ factor: Int) -> String) -> [Architecture] {
    [(50, 1), (50, 3), (101, 1), (101, 3), (152, 2), (152, 4)].compactMap { depth, factor in
      standard(depth, name: name(depth, factor), factor: factor, stem: [64 * factor])
    }
  }
}

extension Preprocessing {
  /// Pixels in −1…1: in 0…1, minus one half, divided by one half.
  static func halves(_ resize: Resize) -> Preprocessing {
    Preprocessing(
      channelOrder: .rgb, inputRange: 1, mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5],
      resize: resize)
  }
}

private let googleTensors = [
  "stem.conv": "resnet/root_block/standardized_conv2d",
  "stage{stage}.block{block}.shortcut.conv":
    "resnet/block{stage}/unit{block:02}/a/proj/standardized_conv2d",
  "stage{stage}.block{block}.norm1": "resnet/block{stage}/unit{block:02}/a/group_norm",
  "stage{stage}.block{block}.conv1": "resnet/block{stage}/unit{block:02}/a/standardized_conv2d",
  "stage{stage}.block{block}.norm2": "resnet/block{stage}/unit{block:02}/b/group_norm",
  "stage{stage}.block{block}.conv2": "resnet/block{stage}/unit{block:02}/b/standardized_conv2d",
  "stage{stage}.block{block}.norm3": "resnet/block{stage}/unit{block:02}/c/group_norm",
  "stage{stage}.block{block}.conv3": "resnet/block{stage}/unit{block:02}/c/standardized_conv2d",
  "final.norm": "resnet/group_norm",
  "head.dense": "resnet/head/conv2d",
]

private let googlePyTorchTensors = [
  "stem.conv": "root.conv",
  "stage{stage}.block{block}.shortcut.conv": "body.block{stage}.unit{block:02}.downsample",
  "stage{stage}.block{block}.norm1": "body.block{stage}.unit{block:02}.gn1",
  "stage{stage}.block{block}.conv1": "body.block{stage}.unit{block:02}.conv1",
  "stage{stage}.block{block}.norm2": "body.block{stage}.unit{block:02}.gn2",
  "stage{stage}.block{block}.conv2": "body.block{stage}.unit{block:02}.conv2",
  "stage{stage}.block{block}.norm3": "body.block{stage}.unit{block:02}.gn3",
  "stage{stage}.block{block}.conv3": "body.block{stage}.unit{block:02}.conv3",
  "final.norm": "head.gn",
  "head.dense": "head.conv",
]

private let huggingFaceTensors = [
  "stem.conv": "bit.embedder.convolution",
  "stage{stage}.block{block}.shortcut.conv":
    "bit.encoder.stages.{stage-1}.layers.{block-1}.downsample.conv",
  "stage{stage}.block{block}.norm1": "bit.encoder.stages.{stage-1}.layers.{block-1}.norm1",
  "stage{stage}.block{block}.conv1": "bit.encoder.stages.{stage-1}.layers.{block-1}.conv1",
  "stage{stage}.block{block}.norm2": "bit.encoder.stages.{stage-1}.layers.{block-1}.norm2",
  "stage{stage}.block{block}.conv2": "bit.encoder.stages.{stage-1}.layers.{block-1}.conv2",
  "stage{stage}.block{block}.norm3": "bit.encoder.stages.{stage-1}.layers.{block-1}.norm3",
  "stage{stage}.block{block}.conv3": "bit.encoder.stages.{stage-1}.layers.{block-1}.conv3",
  "final.norm": "bit.norm",
  "head.dense": "classifier.1",
]

/// The names of `BitModel`, which has no `bit.` before them, as those of the classifier.
@Sendable
private func huggingFaceNames(_ tensors: [TensorInfo]) -> [String: String]? {
  let ending = "embedder.convolution.weight"
  let names = tensors.map(\.name)
  guard let stem = names.first(where: { $0.hasSuffix(ending) }) else { return nil }
  let prefix = String(stem.dropLast(ending.count))
  guard !prefix.hasSuffix("bit.") else { return nil }
  let parts = ["embedder.", "encoder.", "norm."]
  return Dictionary(
    names.compactMap { name in
      guard name.hasPrefix(prefix), parts.contains(where: name.dropFirst(prefix.count).hasPrefix)
      else { return nil }
      return (name, "\(prefix)bit.\(name.dropFirst(prefix.count))")
    }
  ) { first, _ in first }
}

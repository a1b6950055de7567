import ResNetV2

extension Family {
  /// The `resnetv2_*` of timm with batch norms, and its 50d with group norms.
  ///
  /// What sets them apart: no norm in the stem; a projection without norm that reads the pre-activated
  /// input; in the networks with a deep stem (`d`, `t`) an average pool before the projection. Read
  /// from `timm/models/resnetv2.py` and checked against its activations.
  package static let timm = Family(
    id: "timm",
    title: "timm ResNetV2",
    options: timmOptions(isDeep: false, placement: .everyStage, norm: .batch(epsilon: 1e-5)),
    kinds: [.bottleneck],
    otherVariants: [
      Variant(
        options: timmOptions(
          isDeep: false, placement: .whereShapeChanges, norm: .batch(epsilon: 1e-5)),
        kinds: [.basic]),
      Variant(
        options: timmOptions(isDeep: true, placement: .everyStage, norm: .batch(epsilon: 1e-5)),
        kinds: [.bottleneck]),
      Variant(
        options: timmOptions(
          isDeep: true, placement: .whereShapeChanges, norm: .batch(epsilon: 1e-5)),
        kinds: [.basic]),
      Variant(
        options: timmOptions(
          isDeep: true, placement: .everyStage, norm: .group(count: 32, epsilon: 1e-5)),
        kinds: [.bottleneck]),
    ],
    architectures: [
      .standard(18, name: "resnetv2_18", variant: 1),
      .standard(18, name: "resnetv2_18d", variant: 3),
      .standard(34, name: "resnetv2_34", variant: 1),
      .standard(34, name: "resnetv2_34d", variant: 3),
      .standard(50, name: "resnetv2_50"),
      .standard(50, name: "resnetv2_50d", variant: 2),
      .standard(50, name: "resnetv2_50t", variant: 2, stem: [24, 32, 64]),
      .standard(101, name: "resnetv2_101"),
      .standard(101, name: "resnetv2_101d", variant: 2),
      .standard(152, name: "resnetv2_152"),
      .standard(152, name: "resnetv2_152d", variant: 2),
      .standard(50, name: "resnetv2_50d_gn", variant: 4),
    ].compactMap { $0 },
    layers: timmLayers,
    tensors: .torch(timmTensors, denseLayout: .outputInput1x1),
    fingerprint: "stage1.block1.norm1",
    freeHead: FreeHead(list: "head.fc", poolingWithoutHead: .average),
    waivers: [.batchCounters, .lossWeights],
    refusals: timmRefusals,
    preprocessing: .halves(
      .init(rule: .shorterSide, size: 235, crop: 224, filter: .bicubic)),
    defaultInputSize: 224,
    published: [
      .torchHub("timm resnetv2_50, ImageNet (a1h)", "resnetv2_50_a1h", "000cdf49"),
      .torchHub("timm resnetv2_101, ImageNet (a1h)", "resnetv2_101_a1h", "5d01f016"),
      .torchHub("timm resnetv2_50d_gn, ImageNet (ah)", "resnetv2_50d_gn_ah", "c415c11a"),
    ],
    readDescription: readTimm)

  /// BiT, “Big Transfer” (Kolesnikov and others, 2019), as timm has it: `resnetv2_50x1_bit` …
  /// `resnetv2_152x4_bit`.
  ///
  /// The names are those of ``timm``; there are no running statistics.
  package static let timmBiT = Family(
    id: "timm-bit",
    title: "timm BiT",
    options: .bit(standardizationEpsilon: 1e-8, placement: .everyStage),
    kinds: [.bottleneck],
    architectures: Architecture.bit { "resnetv2_\($0)x\($1)_bit" },
    layers: timmLayers,
    tensors: .torch(timmTensors, denseLayout: .outputInput1x1),
    fingerprint: "stage1.block1.norm1",
    freeHead: FreeHead(list: "head.fc", poolingWithoutHead: .average),
    waivers: [.lossWeights],
    refusals: timmRefusals,
    preprocessing: .halves(
      .init(rule: .shorterSide, size: 448, crop: 448, filter: .bilinear)),
    defaultInputSize: 448,
    readDescription: readTimm)
}

private func timmOptions(
  isDeep: Bool, placement: Configuration.Shortcut.Placement, norm: Configuration.Norm
) -> Configuration {
  let stem: [Configuration.Stem.Convolution] =
    isDeep
    ? [
      .init(kernel: 3, stride: 2, outputChannels: 32, hasBias: false),
      .init(kernel: 3, stride: 1, outputChannels: 32, hasBias: false),
      .init(kernel: 3, stride: 1, outputChannels: 64, hasBias: false),
    ] : [.init(kernel: 7, stride: 2, outputChannels: 64, hasBias: false)]
  return Configuration(
    block: .init(kind: .bottleneck, order: .preActivation, stridedBlock: .first),
    stages: [],
    stem: .init(convolutions: stem, hasNorm: false, poolPadding: .negativeInfinity),
    shortcut: .init(
      placement: placement, input: .preActivated,
      kind: isDeep ? .averagePoolConvolution : .convolution),
    norm: norm,
    head: .init(pooling: .none))
}

/// timm's norms include the ReLU, so that a norm's name is that of the activated value.
private let timmLayers = LayerTemplates(
  layout: .nchw,
  names: [
    "input": "input",
    "stem.conv": "stem.conv",
    "stem.conv1": "stem.conv1",
    "stem.relu1": "stem.norm1",
    "stem.conv2": "stem.conv2",
    "stem.relu2": "stem.norm2",
    "stem.conv3": "stem.conv3",
    "stem.pool": "stem.pool",
    "stage{stage}.block{block}.relu1": "stages.{stage-1}.blocks.{block-1}.norm1",
    "stage{stage}.block{block}.shortcut.pool": "stages.{stage-1}.blocks.{block-1}.downsample.pool",
    "stage{stage}.block{block}.shortcut.conv": "stages.{stage-1}.blocks.{block-1}.downsample.conv",
    "stage{stage}.block{block}.conv1": "stages.{stage-1}.blocks.{block-1}.conv1",
    "stage{stage}.block{block}.relu2": "stages.{stage-1}.blocks.{block-1}.norm2",
    "stage{stage}.block{block}.conv2": "stages.{stage-1}.blocks.{block-1}.conv2",
    "stage{stage}.block{block}.relu3": "stages.{stage-1}.blocks.{block-1}.norm3",
    "stage{stage}.block{block}.conv3": "stages.{stage-1}.blocks.{block-1}.conv3",
    "stage{stage}.block{block}.add": "stages.{stage-1}.blocks.{block-1}",
    "final.relu": "norm",
    "head.pool": "head.global_pool",
    "head.dense": "head.fc",
  ])

private let timmTensors = [
  "stem.conv": "stem.conv",
  "stem.conv1": "stem.conv1",
  "stem.norm1": "stem.norm1",
  "stem.conv2": "stem.conv2",
  "stem.norm2": "stem.norm2",
  "stem.conv3": "stem.conv3",
  "stage{stage}.block{block}.shortcut.conv": "stages.{stage-1}.blocks.{block-1}.downsample.conv",
  "stage{stage}.block{block}.norm1": "stages.{stage-1}.blocks.{block-1}.norm1",
  "stage{stage}.block{block}.conv1": "stages.{stage-1}.blocks.{block-1}.conv1",
  "stage{stage}.block{block}.norm2": "stages.{stage-1}.blocks.{block-1}.norm2",
  "stage{stage}.block{block}.conv2": "stages.{stage-1}.blocks.{block-1}.conv2",
  "stage{stage}.block{block}.norm3": "stages.{stage-1}.blocks.{block-1}.norm3",
  "stage{stage}.block{block}.conv3": "stages.{stage-1}.blocks.{block-1}.conv3",
  "final.norm": "norm",
  "head.dense": "head.fc",
]

private let timmRefusals = [
  Refusal(reason: "it has EvoNorms (evos), which are not computed") { name in
    name.hasSuffix(".v") && name.dropLast(3).hasSuffix("norm") || name.hasSuffix("norm.v")
  },
  Refusal(reason: "it has filter response norms (frn), which are not computed") {
    $0.hasSuffix(".tau")
  },
  Refusal(reason: "it is the part of a Vision Transformer before its first layer") {
    $0.contains("patch_embed.") || $0.contains("cls_token")
  },
  Refusal(reason: "it is post-activation, as in the hybrids with Vision Transformers") {
    $0.hasSuffix("stem.norm.weight") || $0.hasSuffix("stem.norm3.weight")
      || $0.hasSuffix("downsample.norm.weight")
  },
]

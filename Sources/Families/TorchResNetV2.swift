import ResNetV2

extension Family {
  /// The PyTorch ResNetV2 of `resnet18_v2` … `resnet152_v2`: torchvision's names with
  /// pre-activation blocks.
  ///
  /// What sets it apart: a norm and ReLU in the stem, a projection with its own norm that reads the
  /// raw input of a block, the stride in the first block of a stage, `bn_last` before the pooling.
  package static let torch = Family(
    id: "torch",
    title: "PyTorch ResNetV2",
    options: Configuration(
      block: .init(kind: .bottleneck, order: .preActivation, stridedBlock: .first),
      stages: [],
      stem: .init(
        convolutions: [.init(kernel: 7, stride: 2, outputChannels: 64, hasBias: false)],
        hasNorm: true, poolPadding: .negativeInfinity),
      shortcut: .init(placement: .whereShapeChanges, input: .raw, kind: .convolutionNorm),
      norm: .batch(epsilon: 1e-5),
      head: .init(classes: 0, hasSoftmax: false)),
    architectures: Architecture.all(version: "v2", depths: [18, 34, 50, 101, 152]),
    layers: LayerTemplates(
      layout: .nchw,
      names: torchLayers.merging([
        "final.norm": "bn_last",
        "final.relu": "relu#2",
        "stage{stage}.block{block}.add": "layer{stage}.{block-1}",
      ]) { $1 }),
    tensors: .torch(torchLayers.merging(["final.norm": "bn_last"]) { $1 }),
    fingerprint: "final.norm",
    freeHead: FreeHead(list: "fc", poolingWithoutHead: .average),
    hasSmallStem: true,
    waivers: [.batchCounters, .lossWeights],
    preprocessing: .imageNetDeviation,
    defaultInputSize: 224,
    summaryForm: .pyTorch)

  /// torchvision's ResNet: `resnet18` … `resnet152`, post-activation (“V1.5”: the 3×3 has the
  /// stride).
  package static let torchvision = Family(
    id: "torchvision",
    title: "torchvision ResNet (version 1)",
    options: {
      var options = Family.torch.options
      options.block.order = .postActivation
      return options
    }(),
    architectures: Architecture.all(version: "v1", depths: [18, 34, 50, 101, 152]),
    layers: LayerTemplates(
      layout: .nchw,
      names: torchLayers.merging([
        "stage{stage}.block{block}.relu": "layer{stage}.{block-1}"
      ]) { $1 },
      // The last call of a block's ReLU gives the block's own value.
      folded: [
        ("layer{stage}.{block-1}.relu#2", "stage{stage}.block{block}.relu"),
        ("layer{stage}.{block-1}.relu#3", "stage{stage}.block{block}.relu"),
      ]),
    tensors: .torch(torchLayers),
    fingerprint: "stage1.block1.norm1",
    freeHead: FreeHead(list: "fc", poolingWithoutHead: .average),
    hasSmallStem: true,
    waivers: [.batchCounters, .lossWeights],
    refusals: [.deepStem],
    preprocessing: .imageNetDeviation,
    defaultInputSize: 224,
    published: torchvisionFiles,
    summaryForm: .pyTorch,
    resolveNames: SequentialNames.torchvision,
    readDescription: readTimmResNet)
}

/// The modules that both versions share; a module that is used several times (`relu`) has no value
/// of its own.
let torchLayers = [
  "input": "input",
  "stem.conv": "conv1",
  "stem.norm": "bn1",
  "stem.relu": "relu",
  "stem.pool": "maxpool",
  "stage{stage}.block{block}.relu1": "layer{stage}.{block-1}.relu",
  "stage{stage}.block{block}.relu2": "layer{stage}.{block-1}.relu#2",
  "stage{stage}.block{block}.relu3": "layer{stage}.{block-1}.relu#3",
  "stage{stage}.block{block}.norm1": "layer{stage}.{block-1}.bn1",
  "stage{stage}.block{block}.shortcut.conv": "layer{stage}.{block-1}.downsample.0",
  "stage{stage}.block{block}.shortcut.norm": "layer{stage}.{block-1}.downsample.1",
  "stage{stage}.block{block}.conv1": "layer{stage}.{block-1}.conv1",
  "stage{stage}.block{block}.norm2": "layer{stage}.{block-1}.bn2",
  "stage{stage}.block{block}.conv2": "layer{stage}.{block-1}.conv2",
  "stage{stage}.block{block}.norm3": "layer{stage}.{block-1}.bn3",
  "stage{stage}.block{block}.conv3": "layer{stage}.{block-1}.conv3",
  "head.pool": "avgpool",
  "head.dense": "fc",
]

extension TensorTemplates {
  /// PyTorch's tensors: OIHW, [out, in], and its words for the parts of a norm.
  static func torch(
    _ names: [String: String], alternatives: [String: [String]] = [:],
    denseLayout: DenseLayout = .outputInput
  ) -> TensorTemplates {
    TensorTemplates(
      names: names,
      alternatives: alternatives,
      roles: [
        .weight: ".weight", .bias: ".bias", .scale: ".weight", .shift: ".bias",
        .mean: ".running_mean", .variance: ".running_var",
      ],
      convolutionLayout: .oihw,
      denseLayout: denseLayout)
  }
}

extension Waiver {
  /// PyTorch counts the batches that a norm was trained on; evaluation does not use the number.
  static let batchCounters = Waiver(
    reason: "a training counter that evaluation does not use"
  ) { $0.hasSuffix(".num_batches_tracked") }

  /// A loss within the trained module (Lightning's habit) may have weights of its own.
  static let lossWeights = Waiver(reason: "a loss's weights, which evaluation does not use") {
    name in
    let losses: Set<Substring> = ["criterion", "loss", "loss_fn", "loss_func"]
    return name.split(separator: ".").dropLast().contains(where: losses.contains)
  }
}

extension Refusal {
  /// timm's networks with a stem of three convolutions have torchvision's names but for these.
  fileprivate static let deepStem = Refusal(
    reason:
      "it has a deep stem, as timm's resnet18d, resnet26t, resnet50c and others: only one of one convolution "
      + "is computed under these names"
  ) { name in
    let parts = name.split(separator: ".")
    return parts.suffix(3) == ["conv1", "3", "weight"]
      && !parts.dropLast(3).contains { $0.hasPrefix("layer") }
  }
}

private let torchvisionFiles = [
  (18, "V1", "f37072fd"), (34, "V1", "b627a593"), (50, "V1", "0676ba61"), (50, "V2", "11ad3fa6"),
  (101, "V1", "63fe2227"), (101, "V2", "cd907fc2"), (152, "V1", "394f9c45"),
  (152, "V2", "f82ba261"),
  // As they were published before 2021.
  (18, "V1", "5c106cde"), (34, "V1", "333f7ec4"), (50, "V1", "19c8e357"), (101, "V1", "5d3b4d8f"),
  (152, "V1", "b121ed2d"),
].map { depth, version, digits in
  PublishedFile.torchHub(
    "torchvision resnet\(depth), ImageNet (\(version))", "resnet\(depth)", digits)
}

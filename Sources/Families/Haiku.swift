import ResNetV2

extension Family {
  /// `ResNet18` … `ResNet200` of Haiku (JAX) with `resnet_v2=True`, parameters and state in one file.
  ///
  /// What sets it apart: TensorFlow's SAME in every convolution and in the max-pool; no biases and no norm in the stem;
  /// projections without norm that read the pre-activated input; strides in the first block of a stage. Read from
  /// `haiku/_src/nets/resnet.py` (0.0.17) and checked against its activations.
  package static let haiku = Family(
    id: "haiku",
    title: "Haiku ResNetV2",
    options: haikuOptions(isPre: true, placement: .everyStage),
    kinds: [.bottleneck],
    otherVariants: [
      Variant(options: haikuOptions(isPre: true, placement: .whereShapeChanges), kinds: [.basic])
    ],
    architectures: haikuNetworks(version: "v2"),
    layers: LayerTemplates(layout: .nhwc, names: haikuLayers),
    tensors: haikuTensors,
    scope: haikuScope,
    fingerprint: "final.norm",
    waivers: [.movingAverageParts],
    separateFiles: haikuFiles,
    preprocessing: haikuPreprocessing,
    defaultInputSize: 224,
    containers: [".npz", ".pkl"])

  /// The same without `resnet_v2`: post-activation, with norms in the stem and on the projections.
  package static let haikuV1 = Family(
    id: "haiku-v1",
    title: "Haiku ResNet (version 1)",
    options: haikuOptions(isPre: false, placement: .everyStage),
    kinds: [.bottleneck],
    otherVariants: [
      Variant(options: haikuOptions(isPre: false, placement: .whereShapeChanges), kinds: [.basic])
    ],
    architectures: haikuNetworks(version: "v1"),
    layers: LayerTemplates(
      layout: .nhwc,
      names: haikuLayers.merging([
        "stage{stage}.block{block}.relu": "block_group_{stage-1}/~/block_{block-1}"
      ]) { $1 }),
    tensors: haikuTensors,
    scope: haikuScope,
    fingerprint: "stem.norm",
    waivers: [.movingAverageParts],
    separateFiles: haikuFiles,
    preprocessing: haikuPreprocessing,
    defaultInputSize: 224,
    containers: [".npz", ".pkl"])
}

private func haikuOptions(
  isPre: Bool, placement: Configuration.Shortcut.Placement
) -> Configuration {
  Configuration(
    block: .init(
      kind: .bottleneck, order: isPre ? .preActivation : .postActivation, stridedBlock: .first),
    stages: [],
    stem: .init(
      convolutions: [.init(kernel: 7, stride: 2, outputChannels: 64, hasBias: false)],
      hasNorm: !isPre, poolPadding: .same),
    shortcut: .init(
      placement: placement, input: isPre ? .preActivated : .raw,
      kind: isPre ? .convolution : .convolutionNorm),
    norm: .batch(epsilon: 1e-5),
    head: .init(classes: 0, hasSoftmax: false),
    convolutionPadding: .same)
}

private func haikuNetworks(version: String) -> [Architecture] {
  [50, 18, 34, 101, 152, 200].compactMap { depth in
    .standard(depth, name: "resnet\(depth)_\(version)", variant: depth < 50 ? 1 : 0)
  }
}

/// A module's name in Haiku, made of its class: `res_net50/~/`.
@Sendable
private func haikuScope(_ architecture: String?) -> String {
  let depth = architecture.flatMap { $0.split(separator: "_").first?.dropFirst("resnet".count) }
  return "res_net\(depth ?? "")/~/"
}

/// What `transform_with_state` gives, by the names of its documentation.
private let haikuFiles = SeparateFiles(parameters: "params", statistics: "state")

private let haikuPreprocessing = Preprocessing(
  channelOrder: .rgb, inputRange: 1, mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
  resize: .init(rule: .shorterSide, size: 256, crop: 224, filter: .bicubic))

private let block = "block_group_{stage-1}/~/block_{block-1}"

private let haikuNames = [
  "stem.conv": "initial_conv",
  "stem.norm": "initial_batchnorm",
  "stage{stage}.block{block}.norm1": "\(block)/~/batchnorm_0",
  "stage{stage}.block{block}.shortcut.conv": "\(block)/~/shortcut_conv",
  "stage{stage}.block{block}.shortcut.norm": "\(block)/~/shortcut_batchnorm",
  "stage{stage}.block{block}.conv1": "\(block)/~/conv_0",
  "stage{stage}.block{block}.norm2": "\(block)/~/batchnorm_1",
  "stage{stage}.block{block}.conv2": "\(block)/~/conv_1",
  "stage{stage}.block{block}.norm3": "\(block)/~/batchnorm_2",
  "stage{stage}.block{block}.conv3": "\(block)/~/conv_2",
  "final.norm": "final_batchnorm",
  "head.dense": "logits",
]

private let haikuLayers = haikuNames.merging([
  "input": "input",
  "stage{stage}.block{block}.add": block,
]) { $1 }

private let haikuTensors = TensorTemplates(
  names: haikuNames,
  roles: [
    .weight: "/w", .bias: "/b", .scale: "/scale", .shift: "/offset",
    .mean: "/~/mean_ema/average", .variance: "/~/var_ema/average",
  ],
  convolutionLayout: .hwio,
  denseLayout: .inputOutput,
  leadingNormAxes: 3)

extension Waiver {
  /// Haiku keeps, beside the corrected average of each statistic, the raw one and the number of steps.
  fileprivate static let movingAverageParts = Waiver(
    reason: "what an average was made of, which evaluation does not use"
  ) { name in
    ["mean_ema", "var_ema"].contains {
      name.hasSuffix("\($0)/hidden") || name.hasSuffix("\($0)/counter")
    }
  }
}

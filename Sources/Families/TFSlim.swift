import ResNetV2

extension Family {
  /// `resnet_v2_50` … `resnet_v2_200` of TF-Slim, which TF-Hub's `imagenet/resnet_v2_*` are too.
  ///
  /// The tensors are those of ``keras`` under other names. What sets it apart: TensorFlow's SAME in the max-pool, whose
  /// border lies below and right of an image of even size and never wins; logits, of 1001 classes where 0 is the
  /// background. TensorFlow raised ε to 1.001e-5 where less was asked for while these networks were trained; newer
  /// versions take the 1e-5 that the code asks for. Read from `tf_slim/nets/resnet_v2.py` (1.1.0) and checked against
  /// its activations.
  package static let tfSlim = Family(
    id: "tf-slim",
    title: "TF-Slim ResNetV2",
    options: slimOptions(placement: .everyStage),
    kinds: [.bottleneck],
    otherVariants: [
      Variant(options: slimOptions(placement: .whereShapeChanges), kinds: [.bottleneck])
    ],
    architectures: [50, 101, 152, 200].compactMap { .standard($0, name: "resnet_v2_\($0)") },
    layers: LayerTemplates(
      layout: .nhwc,
      names: [
        "input": "input",
        "stem.conv": "conv1/BiasAdd",
        "stem.pool": "pool1/MaxPool",
        "stage{stage}.block{block}.norm1": "\(unit)/preact/FusedBatchNormV3",
        "stage{stage}.block{block}.relu1": "\(unit)/preact/Relu",
        "stage{stage}.block{block}.shortcut.conv": "\(unit)/shortcut/BiasAdd",
        "stage{stage}.block{block}.shortcut.subsample": "\(unit)/shortcut/MaxPool",
        "stage{stage}.block{block}.conv1": "\(unit)/conv1/Conv2D",
        "stage{stage}.block{block}.norm2": "\(unit)/conv1/BatchNorm/FusedBatchNormV3",
        "stage{stage}.block{block}.relu2": "\(unit)/conv1/Relu",
        "stage{stage}.block{block}.conv2": "\(unit)/conv2/Conv2D",
        "stage{stage}.block{block}.norm3": "\(unit)/conv2/BatchNorm/FusedBatchNormV3",
        "stage{stage}.block{block}.relu3": "\(unit)/conv2/Relu",
        "stage{stage}.block{block}.conv3": "\(unit)/conv3/BiasAdd",
        "stage{stage}.block{block}.add": "\(unit)/add",
        "final.norm": "postnorm/FusedBatchNormV3",
        "final.relu": "postnorm/Relu",
        "head.pool": "pool5",
        "head.dense": "logits/BiasAdd",
      ]),
    tensors: TensorTemplates(
      names: slimTensors,
      roles: [
        .weight: "/weights", .bias: "/biases", .scale: "/gamma", .shift: "/beta",
        .mean: "/moving_mean", .variance: "/moving_variance",
      ],
      convolutionLayout: .hwio,
      denseLayout: .inputOutput1x1),
    scope: { "\($0 ?? "resnet_v2")/" },
    fingerprint: "stage1.block1.norm1",
    waivers: [.trainingSteps, .optimizerSlots],
    preprocessing: Preprocessing(
      channelOrder: .rgb, inputRange: 2, mean: [1, 1, 1], deviation: [1, 1, 1],
      resize: .init(rule: .stretch, size: 342, crop: 299, filter: .bilinear)),
    defaultInputSize: 299,
    containers: ["checkpoint (.index and .data)", ".ckpt", "SavedModel"])
}

private func slimOptions(placement: Configuration.Shortcut.Placement) -> Configuration {
  Configuration(
    block: .init(
      kind: .bottleneck, order: .preActivation, stridedBlock: .last, hasLastBias: true),
    stages: [],
    stem: .init(
      convolutions: [.init(kernel: 7, stride: 2, outputChannels: 64, hasBias: true)],
      hasNorm: false, poolPadding: .same),
    shortcut: .init(
      placement: placement, input: .preActivated, kind: .convolution, hasBias: true),
    norm: .batch(epsilon: 1.001e-5),
    head: .init(classes: 0, hasSoftmax: false))
}

private let unit = "block{stage}/unit_{block}/bottleneck_v2"

private let slimTensors = [
  "stem.conv": "conv1",
  "stage{stage}.block{block}.norm1": "\(unit)/preact",
  "stage{stage}.block{block}.shortcut.conv": "\(unit)/shortcut",
  "stage{stage}.block{block}.conv1": "\(unit)/conv1",
  "stage{stage}.block{block}.norm2": "\(unit)/conv1/BatchNorm",
  "stage{stage}.block{block}.conv2": "\(unit)/conv2",
  "stage{stage}.block{block}.norm3": "\(unit)/conv2/BatchNorm",
  "stage{stage}.block{block}.conv3": "\(unit)/conv3",
  "final.norm": "postnorm",
  "head.dense": "logits",
]

extension Waiver {
  /// TensorFlow's graphs count the steps of training.
  fileprivate static let trainingSteps = Waiver(
    reason: "a number of training that evaluation does not use"
  ) { name in ["global_step", "learning_rate"].contains { name == $0 || name.hasSuffix("/\($0)") } }

  /// What an optimizer or an average keeps beside each variable.
  fileprivate static let optimizerSlots = Waiver(
    reason: "a variable of the optimizer, which evaluation does not use"
  ) { name in
    let slots: Set<Substring> = [
      "Momentum", "RMSProp", "RMSProp_1", "Adam", "Adam_1", "Adagrad", "ExponentialMovingAverage",
    ]
    let last = name.split(separator: "/").last ?? ""
    return slots.contains(last) || last == "beta1_power" || last == "beta2_power"
  }
}

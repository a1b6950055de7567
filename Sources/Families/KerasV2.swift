import ResNetV2
import Tensors

extension Family {
  /// ResNetV2 of `keras.applications`: ResNet50V2, ResNet101V2, ResNet152V2 and what people build
  /// from the same function.
  ///
  /// What sets it apart: biases on the stem, on shortcuts and on the last convolution of a block; a
  /// max-pool padded with zeros though no ReLU comes before it; the stride in the last block of a
  /// stage; ε = 1.001e-5. Read from `keras/src/applications/resnet.py` and checked against its
  /// activations.
  package static let keras = Family(
    id: "keras",
    title: "Keras ResNetV2",
    options: Configuration(
      block: .init(
        kind: .bottleneck, order: .preActivation, stridedBlock: .last, hasLastBias: true),
      stages: [],
      stem: .init(
        convolutions: [.init(kernel: 7, stride: 2, outputChannels: 64, hasBias: true)],
        hasNorm: false, poolPadding: .zero),
      shortcut: .init(
        placement: .everyStage, input: .preActivated, kind: .convolution, hasBias: true),
      norm: .batch(epsilon: 1.001e-5),
      head: .init(pooling: .none, layers: [.activation(.softmax)])),
    architectures: Architecture.all(version: "v2", depths: [50, 101, 152]),
    layers: LayerTemplates(
      layout: .nhwc,
      names: kerasLayers,
      folded: [
        ("conv1_pad", "stem.conv"), ("pool1_pad", "stem.pool"),
        ("conv{stage+1}_block{block}_2_pad", "stage{stage}.block{block}.conv2"),
      ],
      countedPrefixes: ["input", "input_layer", "max_pooling2d"]),
    tensors: .keras(kerasLayers),
    fingerprint: "stage1.block1.norm1",
    freeHead: .keras,
    waivers: [],
    preprocessing: .kerasUnit,
    defaultInputSize: 224,
    containers: [".keras", ".weights.h5", ".h5"],
    published: [
      PublishedFile.keras(
        "ResNet50V2", "resnet50v2", md5: "3ef43a0b657b3be2300d5770ece849e0",
        withoutTop: "fac2f116257151a9d068a22e544a4917", withoutTopByteCount: 94_668_760),
      PublishedFile.keras(
        "ResNet101V2", "resnet101v2", md5: "6343647c601c52e1368623803854d971",
        withoutTop: "c0ed64b8031c3730f411d2eb4eea35b5", withoutTopByteCount: 171_317_808),
      PublishedFile.keras(
        "ResNet152V2", "resnet152v2", md5: "a49b44d1979771252814e80f8ec446f9",
        withoutTop: "ed17cf2e0169df9d443503ef94b23b33", withoutTopByteCount: 234_545_216),
    ].flatMap(\.self),
    summaryForm: .keras,
    orders: [
      // The projection is listed *before* the last convolution, and both may have the same shape.
      LayerOrder(
        counting: .position, blockOrder: .preActivation, stemKernel: 7,
        projected: ["conv1", "conv2", "shortcut.conv", "conv3"],
        plain: ["conv1", "conv2", "conv3"],
        norms: .init(
          first: ["norm1", "norm2", "norm3"], projected: ["norm1", "norm2", "norm3"],
          plain: ["norm1", "norm2", "norm3"], end: ["final.norm"]))
    ],
    refine: refineFromGraph)
}

/// The layers in the order of a block's forward pass.
///
/// The first block of a stage has `_0_conv`; the last one of a shrinking stage subsamples by a
/// max-pool of window 1, which Keras numbers by itself.
private let kerasLayers = [
  "input": "input_layer",
  "stem.conv": "conv1_conv",
  "stem.pool": "pool1_pool",
  "stage{stage}.block{block}.norm1": "conv{stage+1}_block{block}_preact_bn",
  "stage{stage}.block{block}.relu1": "conv{stage+1}_block{block}_preact_relu",
  "stage{stage}.block{block}.shortcut.conv": "conv{stage+1}_block{block}_0_conv",
  "stage{stage}.block{block}.shortcut.subsample": "max_pooling2d",
  "stage{stage}.block{block}.conv1": "conv{stage+1}_block{block}_1_conv",
  "stage{stage}.block{block}.norm2": "conv{stage+1}_block{block}_1_bn",
  "stage{stage}.block{block}.relu2": "conv{stage+1}_block{block}_1_relu",
  "stage{stage}.block{block}.conv2": "conv{stage+1}_block{block}_2_conv",
  "stage{stage}.block{block}.norm3": "conv{stage+1}_block{block}_2_bn",
  "stage{stage}.block{block}.relu3": "conv{stage+1}_block{block}_2_relu",
  "stage{stage}.block{block}.conv3": "conv{stage+1}_block{block}_3_conv",
  "stage{stage}.block{block}.add": "conv{stage+1}_block{block}_out",
  "final.norm": "post_bn",
  "final.relu": "post_relu",
  "head.pool": "avg_pool",
  "head.dense": "predictions",
]

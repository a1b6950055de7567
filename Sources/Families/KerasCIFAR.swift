import ResNetV2
import Tensors

extension Family {
  /// Version 2 of Keras' CIFAR-10 example (`cifar10_resnet.py`): depth 9n + 2.
  ///
  /// What sets it apart: bottlenecks from three stages on, of which the very first begins without a norm; a raw 1×1
  /// projection with bias in every stage; the stride in the first 1×1; ε = 1e-3; a 3×3 stem with a norm and without
  /// a pool. Its code names no layer: a file counts them, and the numbers mean the order of ``LayerOrder``.
  package static let kerasCIFARV2 = Family(
    id: "keras-cifar-v2",
    title: "Keras CIFAR ResNet (version 2)",
    options: Configuration(
      block: .init(
        kind: .bottleneck, order: .preActivation, stridedConvolution: .first, stridedBlock: .first,
        hasInnerBiases: true, hasLastBias: true, firstBlockIsPreActivated: false),
      stages: [],
      stem: .kerasCIFAR,
      shortcut: .init(placement: .everyStage, input: .raw, kind: .convolution, hasBias: true),
      norm: .batch(epsilon: 1e-3),
      head: .init(pooling: .none, layers: [.activation(.softmax)])),
    kinds: [.bottleneck],
    architectures: [20, 29, 38, 47, 56, 110, 164].map { depth in
      Architecture(
        name: "resnet\(depth)_v2_cifar", kind: .bottleneck,
        blocks: [Int](repeating: (depth - 2) / 9, count: 3), stem: [16],
        channels: [(16, 64), (64, 128), (128, 256)])
    },
    layers: LayerTemplates(
      layout: .nhwc, names: version2Layers, countedPrefixes: ["input", "input_layer"]),
    tensors: .keras(version2Layers),
    fingerprint: "final.norm",
    freeHead: .keras,
    waivers: [],
    preprocessing: .kerasCIFAR,
    defaultInputSize: 32,
    containers: [".keras", ".weights.h5", ".h5"],
    summaryForm: .keras,
    orders: [
      version2Order(.creation, projected: ["conv1", "conv2", "conv3", "shortcut.conv"]),
      version2Order(.creation, projected: ["shortcut.conv", "conv1", "conv2", "conv3"]),
      version2Order(.position, projected: ["conv1", "conv2", "shortcut.conv", "conv3"]),
      version2Order(.position, projected: ["conv1", "conv2", "conv3", "shortcut.conv"]),
    ],
    refine: refineFromGraph)

  /// Version 1 of the same example: depth 6n + 2.
  ///
  /// What sets it apart: basic blocks with biases; a projection without norm only where a stage shrinks the image;
  /// TensorFlow's borders; ε = 1e-3.
  package static let kerasCIFAR = Family(
    id: "keras-cifar",
    title: "Keras CIFAR ResNet (version 1)",
    options: Configuration(
      block: .init(
        kind: .basic, order: .postActivation, stridedBlock: .first, hasInnerBiases: true,
        hasLastBias: true),
      stages: [],
      stem: .kerasCIFAR,
      shortcut: .init(
        placement: .whereShapeChanges, input: .raw, kind: .convolution, hasBias: true),
      norm: .batch(epsilon: 1e-3),
      head: .init(pooling: .none, layers: [.activation(.softmax)]),
      convolutionPadding: .same),
    kinds: [.basic],
    architectures: [20, 32, 44, 56, 110].map { depth in
      Architecture(
        name: "resnet\(depth)_v1_cifar", kind: .basic,
        blocks: [Int](repeating: (depth - 2) / 6, count: 3), width: 16, stem: [16])
    },
    layers: LayerTemplates(
      layout: .nhwc, names: version1Layers, countedPrefixes: ["input", "input_layer"]),
    tensors: .keras(version1Layers),
    fingerprint: "stage1.block1.norm1",
    freeHead: .keras,
    waivers: [],
    preprocessing: .kerasCIFAR,
    defaultInputSize: 32,
    containers: [".keras", ".weights.h5", ".h5"],
    summaryForm: .keras,
    orders: [CountedLayers.Counting.creation, .position].map { counting in
      LayerOrder(
        counting: counting, blockOrder: .postActivation, stemKernel: 3,
        projected: ["conv1", "conv2", "shortcut.conv"], plain: ["conv1", "conv2"],
        beginsPlain: true,
        norms: .init(
          stem: ["stem.norm"], first: ["norm1", "norm2"], projected: ["norm1", "norm2"],
          plain: ["norm1", "norm2"]))
    },
    refine: refineFromGraph)
}

private func version2Order(
  _ counting: CountedLayers.Counting, projected: [String]
) -> LayerOrder {
  LayerOrder(
    counting: counting, blockOrder: .preActivation, stemKernel: 3, projected: projected,
    plain: ["conv1", "conv2", "conv3"],
    norms: .init(
      stem: ["stem.norm"], first: ["norm2", "norm3"], projected: ["norm1", "norm2", "norm3"],
      plain: ["norm1", "norm2", "norm3"], end: ["final.norm"]))
}

extension Configuration.Stem {
  fileprivate static let kerasCIFAR = Configuration.Stem(
    convolutions: [.init(kernel: 3, stride: 1, outputChannels: 16, hasBias: true)], hasNorm: true,
    pool: nil)
}

extension Preprocessing {
  /// Pixels in 0…1, from which the example also subtracts the mean image of the training data, which no file tells.
  fileprivate static let kerasCIFAR = Preprocessing(
    channelOrder: .rgb, inputRange: 1, mean: [0, 0, 0], deviation: [1, 1, 1],
    resize: Resize(rule: .stretch, size: 32, crop: 32, filter: .nearest))
}

private let version1Layers = [
  "input": "input_layer",
  "stem.conv": "stem_conv",
  "stem.norm": "stem_bn",
  "stage{stage}.block{block}.shortcut.conv": "stack{stage}_block{block}_0_conv",
  "stage{stage}.block{block}.conv1": "stack{stage}_block{block}_1_conv",
  "stage{stage}.block{block}.norm1": "stack{stage}_block{block}_1_bn",
  "stage{stage}.block{block}.conv2": "stack{stage}_block{block}_2_conv",
  "stage{stage}.block{block}.norm2": "stack{stage}_block{block}_2_bn",
  "stage{stage}.block{block}.relu": "stack{stage}_block{block}_out",
  "head.pool": "avg_pool",
  "head.dense": "predictions",
]

private let version2Layers = [
  "input": "input_layer",
  "stem.conv": "stem_conv",
  "stem.norm": "stem_bn",
  "stage{stage}.block{block}.norm1": "unit{stage}_block{block}_preact_bn",
  "stage{stage}.block{block}.shortcut.conv": "unit{stage}_block{block}_0_conv",
  "stage{stage}.block{block}.conv1": "unit{stage}_block{block}_1_conv",
  "stage{stage}.block{block}.norm2": "unit{stage}_block{block}_1_bn",
  "stage{stage}.block{block}.conv2": "unit{stage}_block{block}_2_conv",
  "stage{stage}.block{block}.norm3": "unit{stage}_block{block}_2_bn",
  "stage{stage}.block{block}.conv3": "unit{stage}_block{block}_3_conv",
  "stage{stage}.block{block}.add": "unit{stage}_block{block}_out",
  "final.norm": "post_norm",
  "head.pool": "avg_pool",
  "head.dense": "predictions",
]

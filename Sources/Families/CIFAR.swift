import ResNetV2

extension Family {
  /// The post-activation ResNets of the CIFAR collections: torchvision's names, but `shortcut` and
  /// `linear`; a 3×3 stem without stride and without a pool.
  ///
  /// Read from kuangliu/pytorch-cifar (49b7aa9) and, for shortcuts without parameters,
  /// akamaster/pytorch_resnet_cifar10.
  package static let cifar = Family(
    id: "cifar",
    title: "PyTorch CIFAR ResNet (version 1)",
    options: .cifar(
      order: .postActivation, stemHasNorm: true,
      shortcut: .init(placement: .whereShapeChanges, input: .raw, kind: .convolutionNorm)),
    otherVariants: [
      Variant(
        options: .cifar(
          order: .postActivation, stemHasNorm: true,
          shortcut: .init(placement: .whereShapeChanges, input: .raw, kind: .zeroChannelsAround)))
    ],
    architectures: [18, 34, 50, 101, 152].compactMap {
      .standard($0, name: "resnet\($0)_cifar")
    }
      + [20, 32, 44, 56, 110].map { depth in
        Architecture(
          name: "resnet\(depth)_cifar", kind: .basic,
          blocks: [Int](repeating: (depth - 2) / 6, count: 3), variant: 1, width: 16, stem: [16])
      },
    layers: LayerTemplates(
      layout: .nchw,
      names: cifarTensors.merging([
        "input": "input",
        "stem.norm": "bn1",
        "stage{stage}.block{block}.relu": "layer{stage}.{block-1}",
      ]) { $1 }),
    tensors: .torch(cifarTensors.merging(["stem.norm": "bn1"]) { $1 }),
    fingerprint: "stage1.block1.norm1",
    signs: Signs(anyOf: ["linear", "layer2.0.shortcut.0"], noneOf: ["bn_last"]),
    freeHead: FreeHead(list: "linear", poolingWithoutHead: .average),
    waivers: [.batchCounters, .lossWeights],
    preprocessing: .cifar,
    defaultInputSize: 32)

  /// The pre-activation ResNets of the CIFAR collections: `PreActResNet18` … `PreActResNet152`.
  ///
  /// What sets them apart: a bare 3×3 convolution as stem, a projection without norm that reads the
  /// pre-activated input, and no norm or ReLU after the last block, but for descendants that have one
  /// (`bn`). Read from kuangliu/pytorch-cifar (49b7aa9) and checked against its activations.
  package static let cifarPreActivation = Family(
    id: "cifar-preact",
    title: "PyTorch CIFAR PreActResNet",
    options: .cifar(
      order: .preActivation, stemHasNorm: false,
      shortcut: .init(placement: .whereShapeChanges, input: .preActivated, kind: .convolution),
      ending: .sum),
    otherVariants: [
      Variant(
        options: .cifar(
          order: .preActivation, stemHasNorm: false,
          shortcut: .init(placement: .whereShapeChanges, input: .preActivated, kind: .convolution)))
    ],
    architectures: [18, 34, 50, 101, 152].compactMap {
      .standard($0, name: "preact_resnet\($0)")
    },
    layers: LayerTemplates(
      layout: .nchw,
      names: cifarTensors.merging([
        "input": "input",
        "stage{stage}.block{block}.add": "layer{stage}.{block-1}",
        "final.norm": "bn",
      ]) { $1 }),
    tensors: .torch(cifarTensors.merging(["final.norm": "bn"]) { $1 }),
    fingerprint: "stage1.block1.norm1",
    signs: Signs(anyOf: ["linear", "layer2.0.shortcut.0"], noneOf: ["bn1", "bn_last"]),
    freeHead: FreeHead(list: "linear", poolingWithoutHead: .average),
    waivers: [.batchCounters, .lossWeights],
    preprocessing: .cifar,
    defaultInputSize: 32)
}

extension Configuration {
  /// The options of networks for small images: a 3×3 stem without stride and pool.
  static func cifar(
    order: Configuration.Block.Order, stemHasNorm: Bool, shortcut: Configuration.Shortcut,
    ending: Configuration.Ending = .activation
  ) -> Configuration {
    Configuration(
      block: .init(kind: .basic, order: order, stridedBlock: .first),
      stages: [],
      stem: .init(
        convolutions: [.init(kernel: 3, stride: 1, outputChannels: 64, hasBias: false)],
        hasNorm: stemHasNorm, pool: nil),
      shortcut: shortcut,
      norm: .batch(epsilon: 1e-5),
      head: .init(pooling: .none),
      ending: ending)
  }
}

private let cifarTensors = [
  "stem.conv": "conv1",
  "stage{stage}.block{block}.norm1": "layer{stage}.{block-1}.bn1",
  "stage{stage}.block{block}.shortcut.conv": "layer{stage}.{block-1}.shortcut.0",
  "stage{stage}.block{block}.shortcut.norm": "layer{stage}.{block-1}.shortcut.1",
  "stage{stage}.block{block}.conv1": "layer{stage}.{block-1}.conv1",
  "stage{stage}.block{block}.norm2": "layer{stage}.{block-1}.bn2",
  "stage{stage}.block{block}.conv2": "layer{stage}.{block-1}.conv2",
  "stage{stage}.block{block}.norm3": "layer{stage}.{block-1}.bn3",
  "stage{stage}.block{block}.conv3": "layer{stage}.{block-1}.conv3",
  "head.dense": "linear",
]

extension Preprocessing {
  /// Pixels in 0…1, minus the mean of CIFAR-10, divided by its standard deviation, as
  /// kuangliu/pytorch-cifar has them.
  static let cifar = Preprocessing(
    channelOrder: .rgb, inputRange: 1, mean: [0.4914, 0.4822, 0.4465],
    deviation: [0.2023, 0.1994, 0.2010],
    resize: Resize(rule: .stretch, size: 32, crop: 32, filter: .bilinear))
}

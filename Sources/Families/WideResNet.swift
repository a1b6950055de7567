import ResNetV2

extension Family {
  /// Wide ResNets (Zagoruyko and Komodakis, 2016) as most public code for robust networks has them: `WideResNet` 28-10
  /// and its relatives.
  ///
  /// What sets them apart: blocks within `block1.layer`, a projection `convShortcut` without norm that reads the
  /// pre-activated input where the channels change, a bare 3×3 stem, and a last norm `bn1`. Read from
  /// xternalz/WideResNet-pytorch (24a5cb1) and yaodongyu/TRADES (9ee26f4), whose networks have a block more than they use.
  package static let wideResNet = Family(
    id: "wide-resnet",
    title: "PyTorch Wide ResNet",
    options: .cifar(
      order: .preActivation, stemHasNorm: false,
      shortcut: .init(placement: .whereShapeChanges, input: .preActivated, kind: .convolution)),
    kinds: [.basic],
    architectures: [
      (28, 10), (28, 2), (34, 10), (34, 20), (70, 16), (40, 2), (40, 4), (16, 4), (16, 8),
    ].map { depth, factor in
      Architecture(
        name: "wide_resnet\(depth)_\(factor)", kind: .basic,
        blocks: [Int](repeating: (depth - 4) / 6, count: 3), width: 16 * factor, stem: [16])
    },
    layers: LayerTemplates(
      layout: .nchw,
      names: wideTensors.merging([
        "input": "input",
        "stage{stage}.block{block}.relu1": "\(wideBlock).relu1",
        "stage{stage}.block{block}.relu2": "\(wideBlock).relu2",
        "stage{stage}.block{block}.add": wideBlock,
        "final.relu": "relu",
      ]) { $1 }),
    tensors: .torch(wideTensors),
    fingerprint: "stage1.block1.norm1",
    freeHead: FreeHead(list: "fc", poolingWithoutHead: .average),
    waivers: [.batchCounters, .lossWeights, .unusedBlock],
    preprocessing: .cifar,
    defaultInputSize: 32)

  /// Pre-activation ResNets for small images under torchvision's names: 20, 110, 164, 1001 layers.
  ///
  /// What sets them apart: a bare 3×3 stem, a bare projection `downsample.0` that reads the raw input, and a last norm `bn`.
  /// Read from bearpaw/pytorch-classification (6e1d46e), which also names a network of bottlenecks by the depth that
  /// it would have of two convolutions a block; here the depth is that of the convolutions.
  package static let preResNet = Family(
    id: "preresnet",
    title: "PyTorch CIFAR PreResNet",
    options: .cifar(
      order: .preActivation, stemHasNorm: false,
      shortcut: .init(placement: .whereShapeChanges, input: .raw, kind: .convolution)),
    architectures: [(20, 3), (32, 5), (164, 18), (1001, 111)].map { depth, blocks in
      Architecture(
        name: "preresnet\(depth)", kind: depth < 44 ? .basic : .bottleneck,
        blocks: [Int](repeating: blocks, count: 3), width: 16, stem: [16])
    },
    layers: LayerTemplates(
      layout: .nchw,
      names: torchLayers.merging([
        "stage{stage}.block{block}.add": "layer{stage}.{block-1}",
        "final.norm": "bn",
        "final.relu": "relu",
      ]) { $1 }),
    tensors: .torch(torchLayers.merging(["final.norm": "bn"]) { $1 }),
    fingerprint: "stage1.block1.norm1",
    signs: Signs(anyOf: ["bn"], noneOf: ["bn1", "bn_last", "linear"]),
    freeHead: FreeHead(list: "fc", poolingWithoutHead: .average),
    waivers: [.batchCounters, .lossWeights],
    preprocessing: .cifar,
    defaultInputSize: 32)
}

private let wideBlock = "block{stage}.layer.{block-1}"

private let wideTensors = [
  "stem.conv": "conv1",
  "stage{stage}.block{block}.norm1": "\(wideBlock).bn1",
  "stage{stage}.block{block}.shortcut.conv": "\(wideBlock).convShortcut",
  "stage{stage}.block{block}.conv1": "\(wideBlock).conv1",
  "stage{stage}.block{block}.norm2": "\(wideBlock).bn2",
  "stage{stage}.block{block}.conv2": "\(wideBlock).conv2",
  "final.norm": "bn1",
  "head.dense": "fc",
]

extension Waiver {
  /// Code for robust training makes a block `sub_block1` and never calls it.
  fileprivate static let unusedBlock = Waiver(
    reason: "a block that the network has and does not use"
  ) { name in name.hasPrefix("sub_block1.") || name.contains(".sub_block1.") }
}

import ResNetV2

extension Family {
  /// `resnet18_v1` … `resnet152_v1` of MXNet Gluon's model zoo; post-activation.
  ///
  /// What sets it apart from torchvision's: the stride in the first 1×1 of a bottleneck, and a bias on both of its 1×1
  /// convolutions, though a norm follows them; none anywhere else. Read from `gluon/model_zoo/vision/resnet.py` (1.9.1)
  /// and checked against its activations.
  package static let gluonV1 = Family(
    id: "gluon-v1",
    title: "MXNet Gluon ResNet (version 1)",
    options: gluonOptions(
      .init(
        kind: .bottleneck, order: .postActivation, stridedConvolution: .first, stridedBlock: .first,
        hasInnerBiases: true, omitsSpatialBias: true, hasLastBias: true)),
    kinds: [.bottleneck],
    otherVariants: [
      Variant(
        options: gluonOptions(
          .init(kind: .basic, order: .postActivation, stridedBlock: .first)),
        kinds: [.basic])
    ],
    architectures: [50, 18, 34, 101, 152].compactMap { depth in
      .standard(depth, name: "resnet\(depth)_v1", variant: depth < 50 ? 1 : 0)
    },
    layers: LayerTemplates(
      layout: .nchw,
      names: gluonTensors.merging([
        "input": "input",
        "stem.relu": "features.2",
        "stem.pool": "features.3",
        "stage{stage}.block{block}.relu1": "\(block).body.2",
        "stage{stage}.block{block}.relu2": "\(block).body.5",
        "stage{stage}.block{block}.relu": block,
        "head.pool": "features.8",
      ]) { $1 }),
    tensors: TensorTemplates(
      names: gluonTensors,
      roles: [
        .weight: ".weight", .bias: ".bias", .scale: ".gamma", .shift: ".beta",
        .mean: ".running_mean", .variance: ".running_var",
      ],
      convolutionLayout: .oihw,
      denseLayout: .outputInput),
    fingerprint: "stage1.block1.norm1",
    freeHead: FreeHead(list: "output", poolingWithoutHead: .average),
    waivers: [],
    preprocessing: .imageNetDeviation,
    defaultInputSize: 224,
    containers: [".params", ".onnx"],
    published: PublishedFile.gluon(
      version: "v1",
      [
        (18, "a0666292f0a30ff61f857b0b66efc0228eb6a54b"),
        (34, "48216ba99a8b1005d75c0f3a0c422301a0473233"),
        (50, "0aee57f96768c0a2d5b23a6ec91eb08dfb0a45ce"),
        (101, "d988c13d6159779e907140a638c56f229634cb02"),
        (152, "671c637a14387ab9e2654eafd0d493d86b1c8579"),
      ]),
    resolveNames: GluonNames.version1.places)
}

private func gluonOptions(_ block: Configuration.Block) -> Configuration {
  Configuration(
    block: block,
    stages: [],
    stem: .init(
      convolutions: [.init(kernel: 7, stride: 2, outputChannels: 64, hasBias: false)],
      hasNorm: true, poolPadding: .negativeInfinity),
    shortcut: .init(placement: .whereShapeChanges, input: .raw, kind: .convolutionNorm),
    norm: .batch(epsilon: 1e-5),
    head: .init(pooling: .none))
}

private let block = "features.{stage+3}.{block-1}"

private let gluonTensors = [
  "stem.conv": "features.0",
  "stem.norm": "features.1",
  "stage{stage}.block{block}.shortcut.conv": "\(block).downsample.0",
  "stage{stage}.block{block}.shortcut.norm": "\(block).downsample.1",
  "stage{stage}.block{block}.conv1": "\(block).body.0",
  "stage{stage}.block{block}.norm1": "\(block).body.1",
  "stage{stage}.block{block}.conv2": "\(block).body.3",
  "stage{stage}.block{block}.norm2": "\(block).body.4",
  "stage{stage}.block{block}.conv3": "\(block).body.6",
  "stage{stage}.block{block}.norm3": "\(block).body.7",
  "head.dense": "output",
]

import ResNetV2

extension Family {
  /// `resnet18_v1` … `resnet152_v1` of MXNet Gluon's model zoo; post-activation.
  ///
  /// What sets it apart from torchvision's: the stride in the first 1×1 of a bottleneck, and a bias on both of its 1×1
  /// convolutions, though a norm follows them; none anywhere else. Read from `gluon/model_zoo/vision/resnet.py` (1.9.1)
  /// and checked against its activations.
  package static let gluonV1 = gluonVersion1(
    .usual, names: .version1,
    published: PublishedFile.gluon(
      version: "v1",
      [
        (18, "a0666292f0a30ff61f857b0b66efc0228eb6a54b"),
        (34, "48216ba99a8b1005d75c0f3a0c422301a0473233"),
        (50, "0aee57f96768c0a2d5b23a6ec91eb08dfb0a45ce"),
        (101, "d988c13d6159779e907140a638c56f229634cb02"),
        (152, "671c637a14387ab9e2654eafd0d493d86b1c8579"),
      ]))

  /// The same with `thumbnail=True`: see ``GluonStem``.
  package static let gluonV1Thumbnail = gluonVersion1(.thumbnail, names: .thumbnailVersion1)
}

private func gluonVersion1(
  _ stem: GluonStem, names: GluonNames, published: [PublishedFile] = []
) -> Family {
  let block = stem.block(first: 0)
  let tensors = gluonTensors(stem)
  return Family(
    id: stem.id("gluon-v1"),
    title: "MXNet Gluon ResNet (version 1)\(stem.title)",
    options: gluonOptions(
      stem,
      .init(
        kind: .bottleneck, order: .postActivation, stridedConvolution: .first, stridedBlock: .first,
        hasInnerBiases: true, omitsSpatialBias: true, hasLastBias: true)),
    kinds: [.bottleneck],
    otherVariants: [
      Variant(
        options: gluonOptions(
          stem, .init(kind: .basic, order: .postActivation, stridedBlock: .first)),
        kinds: [.basic])
    ],
    architectures: [50, 18, 34, 101, 152].compactMap { depth in
      .standard(
        depth, name: stem.name(depth: depth, version: "v1"), variant: depth < 50 ? 1 : 0)
    },
    layers: LayerTemplates(
      layout: .nchw,
      names: tensors.merging(stem.names(first: 0)) { $1 }.merging([
        "input": "input",
        "stage{stage}.block{block}.relu1": "\(block).body.2",
        "stage{stage}.block{block}.relu2": "\(block).body.5",
        "stage{stage}.block{block}.relu": block,
        "head.pool": stem.behindStages(0, first: 0),
      ]) { $1 }),
    tensors: .gluon(tensors),
    fingerprint: "stage1.block1.norm1",
    freeHead: FreeHead(list: "output", poolingWithoutHead: .average),
    waivers: [],
    preprocessing: stem.preprocessing,
    defaultInputSize: stem.inputSize,
    containers: [".params", ".onnx"],
    published: published,
    resolveNames: names.places)
}

private func gluonOptions(_ stem: GluonStem, _ block: Configuration.Block) -> Configuration {
  Configuration(
    block: block,
    stages: [],
    stem: stem.options,
    shortcut: .init(placement: .whereShapeChanges, input: .raw, kind: .convolutionNorm),
    norm: .batch(epsilon: 1e-5),
    head: .init(pooling: .none))
}

private func gluonTensors(_ stem: GluonStem) -> [String: String] {
  let block = stem.block(first: 0)
  return stem.names(first: 0).filter { ["stem.conv", "stem.norm"].contains($0.key) }.merging([
    "stage{stage}.block{block}.shortcut.conv": "\(block).downsample.0",
    "stage{stage}.block{block}.shortcut.norm": "\(block).downsample.1",
    "stage{stage}.block{block}.conv1": "\(block).body.0",
    "stage{stage}.block{block}.norm1": "\(block).body.1",
    "stage{stage}.block{block}.conv2": "\(block).body.3",
    "stage{stage}.block{block}.norm2": "\(block).body.4",
    "stage{stage}.block{block}.conv3": "\(block).body.6",
    "stage{stage}.block{block}.norm3": "\(block).body.7",
    "head.dense": "output",
  ]) { $1 }
}

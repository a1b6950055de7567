import ResNetV2

extension Family {
  /// `resnet18_v2` … `resnet152_v2` of MXNet Gluon's model zoo.
  ///
  /// What sets it apart: a norm of the input itself, whose scale MXNet computes as 1 whatever is stored
  /// (`fix_gamma`); a norm and ReLU in the stem; projections without norm and bias that read the pre-activated input,
  /// only where the channels change. Read from `gluon/model_zoo/vision/resnet.py` (1.9.1) and checked against its
  /// activations.
  package static let gluon = gluonVersion2(
    .usual, names: .version2,
    published: PublishedFile.gluon(version: "v2", gluonFiles) + onnxModelZooFiles)

  /// The same with `thumbnail=True`: see ``GluonStem``.
  package static let gluonThumbnail = gluonVersion2(.thumbnail, names: .thumbnailVersion2)
}

private func gluonVersion2(
  _ stem: GluonStem, names: GluonNames, published: [PublishedFile] = []
) -> Family {
  // The input's norm stands before the stem.
  let tensors = gluonTensors(stem, first: 1)
  return Family(
    id: stem.id("gluon"),
    title: "MXNet Gluon ResNetV2\(stem.title)",
    options: Configuration(
      block: .init(kind: .bottleneck, order: .preActivation, stridedBlock: .first),
      stages: [],
      stem: stem.options,
      shortcut: .init(placement: .whereShapeChanges, input: .preActivated, kind: .convolution),
      norm: .batch(epsilon: 1e-5),
      head: .init(pooling: .none),
      input: .init(hasNorm: true, hasNormScale: false)),
    architectures: [18, 34, 50, 101, 152].compactMap {
      .standard($0, name: stem.name(depth: $0, version: "v2"))
    },
    layers: LayerTemplates(
      layout: .nchw,
      names: tensors.merging(stem.names(first: 1)) { $1 }.merging([
        "input": "input",
        "stage{stage}.block{block}.add": stem.block(first: 1),
        "final.relu": stem.behindStages(1, first: 1),
        "head.pool": stem.behindStages(2, first: 1),
      ]) { $1 }),
    tensors: .gluon(tensors),
    fixedTensors: [
      FixedTensor(
        node: "input.norm", role: .scale, value: 1,
        reason: "MXNet computes with 1 whatever is stored (fix_gamma)")
    ],
    fingerprint: "stage1.block1.norm1",
    freeHead: FreeHead(list: "output", poolingWithoutHead: .average),
    waivers: [],
    preprocessing: stem.preprocessing,
    defaultInputSize: stem.inputSize,
    containers: [".params", ".onnx"],
    published: published,
    resolveNames: names.places)
}

private func gluonTensors(_ stem: GluonStem, first: Int) -> [String: String] {
  let block = stem.block(first: first)
  return stem.names(first: first).filter { ["stem.conv", "stem.norm"].contains($0.key) }.merging([
    "input.norm": "features.0",
    "stage{stage}.block{block}.norm1": "\(block).bn1",
    "stage{stage}.block{block}.shortcut.conv": "\(block).downsample",
    "stage{stage}.block{block}.conv1": "\(block).conv1",
    "stage{stage}.block{block}.norm2": "\(block).bn2",
    "stage{stage}.block{block}.conv2": "\(block).conv2",
    "stage{stage}.block{block}.norm3": "\(block).bn3",
    "stage{stage}.block{block}.conv3": "\(block).conv3",
    "final.norm": stem.behindStages(0, first: first),
    "head.dense": "output",
  ]) { $1 }
}

private let gluonFiles = [
  (18, "a81db45fd7b7a2d12ab97cd88ef0a5ac48b8f657"),
  (34, "9d6b80bbc35169de6b6edecffdd6047c56fdd322"),
  (50, "ecdde35339c1aadbec4f547857078e734a76fb49"),
  (101, "18e93e4f48947e002547f50eabbcc9c83e516aa6"),
  (152, "f2695542de38cf7e71ed58f02893d82bb409415e"),
]

extension PublishedFile {
  /// By the SHA-1 of `gluon/model_zoo/model_store.py`, of which a file's name has the first eight digits.
  static func gluon(version: String, _ files: [(depth: Int, digits: String)]) -> [PublishedFile] {
    files.map { depth, digits in
      PublishedFile(
        name: "resnet\(depth)_\(version)-\(digits.prefix(8)).params",
        title: "MXNet Gluon resnet\(depth)_\(version), ImageNet",
        digest: .init(algorithm: .sha1, digits: digits))
    }
  }
}

/// The same networks in the ONNX Model Zoo, by the SHA-256 and the size that its Git LFS pointers state.
private let onnxModelZooFiles = [
  (18, 46_806_737, "3b4d048057854022232aa20bf68262e31718ab7119a17f920b8a2dc1433f824b"),
  (34, 87_288_587, "3d3815e25f4b1ea967e2a526a3b27ef2a03af1725bdc199a63a271c26862d914"),
  (50, 102_442_452, "79102261eb6e5fd7af5d27f41316293e388c5cb691e5d25bfb035c4f64fefe31"),
  (101, 178_682_301, "3a0a819ea0953fb4700b0d98e43540aeee253e5b4c503c552b0c7979fc67767d"),
  (152, 241_503_848, "40fb3f6dd313ba786a2c8077a0ef7d7b4afeda5d037365400d3a7fbc2b1bee64"),
].map { depth, byteCount, digits in
  PublishedFile(
    name: "resnet\(depth)-v2-7.onnx", title: "ONNX Model Zoo resnet\(depth)-v2-7, ImageNet",
    digest: .init(algorithm: .sha256, digits: digits), byteCount: byteCount)
}

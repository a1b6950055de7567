import ResNetV2
import Tensors

extension Family {
  /// ResNet of `keras.applications`: ResNet50, ResNet101, ResNet152; post-activation.
  ///
  /// What sets it apart from torchvision's: a bias on every convolution, the stride in the first
  /// 1×1 of a block, ε = 1.001e-5, a softmax.
  package static let kerasV1 = Family(
    id: "keras-v1",
    title: "Keras ResNet (version 1)",
    options: Configuration(
      block: .init(
        kind: .bottleneck, order: .postActivation, stridedConvolution: .first, stridedBlock: .first,
        hasInnerBiases: true, hasLastBias: true),
      stages: [],
      stem: .init(
        convolutions: [.init(kernel: 7, stride: 2, outputChannels: 64, hasBias: true)],
        hasNorm: true, poolPadding: .zero),
      shortcut: .init(placement: .everyStage, input: .raw, kind: .convolutionNorm, hasBias: true),
      norm: .batch(epsilon: 1.001e-5),
      head: .init(pooling: .none, layers: [.activation(.softmax)])),
    architectures: Architecture.all(version: "v1", depths: [50, 101, 152]),
    layers: LayerTemplates(
      layout: .nhwc, names: kerasV1Layers,
      folded: [("conv1_pad", "stem.conv"), ("pool1_pad", "stem.pool")],
      countedPrefixes: ["input", "input_layer"]),
    tensors: .keras(kerasV1Layers),
    fingerprint: "stem.norm",
    freeHead: .keras,
    waivers: [],
    preprocessing: .kerasCaffe,
    defaultInputSize: 224,
    containers: [".keras", ".weights.h5", ".h5"],
    published: [
      PublishedFile.keras(
        "ResNet50", "resnet50", md5: "2cb95161c43110f7111970584f804107",
        withoutTop: "4d473c1dd8becc155b73f8504c6f6626"),
      PublishedFile.keras(
        "ResNet101", "resnet101", md5: "f1aeb4b969a6efcfb50fad2f0c20cfc5",
        withoutTop: "88cf7a10940856eca736dc7b7e228a21", byteCount: 179_648_224,
        withoutTopByteCount: 171_446_536),
      PublishedFile.keras(
        "ResNet152", "resnet152", md5: "100835be76be38e30d865e96f2aaae62",
        withoutTop: "ee4c566cf9a93f14d82f913c2dc6dd0c", withoutTopByteCount: 234_698_864),
    ].flatMap(\.self),
    summaryForm: .keras,
    // The projection is made *before* the last convolution, and both may have the same shape.
    orders: [.bottlenecks(projectionIsLast: false)],
    refine: refineFromGraph)
}

private let kerasV1Layers = [
  "input": "input_layer",
  "stem.conv": "conv1_conv",
  "stem.norm": "conv1_bn",
  "stem.relu": "conv1_relu",
  "stem.pool": "pool1_pool",
  "stage{stage}.block{block}.shortcut.conv": "conv{stage+1}_block{block}_0_conv",
  "stage{stage}.block{block}.shortcut.norm": "conv{stage+1}_block{block}_0_bn",
  "stage{stage}.block{block}.conv1": "conv{stage+1}_block{block}_1_conv",
  "stage{stage}.block{block}.norm1": "conv{stage+1}_block{block}_1_bn",
  "stage{stage}.block{block}.relu1": "conv{stage+1}_block{block}_1_relu",
  "stage{stage}.block{block}.conv2": "conv{stage+1}_block{block}_2_conv",
  "stage{stage}.block{block}.norm2": "conv{stage+1}_block{block}_2_bn",
  "stage{stage}.block{block}.relu2": "conv{stage+1}_block{block}_2_relu",
  "stage{stage}.block{block}.conv3": "conv{stage+1}_block{block}_3_conv",
  "stage{stage}.block{block}.norm3": "conv{stage+1}_block{block}_3_bn",
  "stage{stage}.block{block}.add": "conv{stage+1}_block{block}_add",
  "stage{stage}.block{block}.relu": "conv{stage+1}_block{block}_out",
  "head.pool": "avg_pool",
  "head.dense": "predictions",
]

extension LayerOrder {
  /// The order in which Keras' code makes the layers of post-activation bottlenecks.
  ///
  /// - Parameter projectionIsLast: whether the projection is made after the last convolution of its block, or before.
  static func bottlenecks(projectionIsLast: Bool) -> LayerOrder {
    let projected = projectionIsLast ? ["1", "2", "3", "shortcut"] : ["1", "2", "shortcut", "3"]
    func names(_ kind: String, _ places: [String]) -> [String] {
      places.map { $0 == "shortcut" ? "shortcut.\(kind)" : "\(kind)\($0)" }
    }
    return LayerOrder(
      counting: .position, blockOrder: .postActivation, stemKernel: 7,
      projected: names("conv", projected), plain: names("conv", ["1", "2", "3"]),
      norms: .init(
        stem: ["stem.norm"], first: names("norm", projected), projected: names("norm", projected),
        plain: names("norm", ["1", "2", "3"])))
  }
}

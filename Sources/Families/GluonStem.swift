import ResNetV2

/// One of the two stems that Gluon's ResNets have, and what of their names and options hangs on which it is.
///
/// `thumbnail=True`, for small images, makes a bare 3×3 convolution of it: no stride, no norm, no ReLU and no pool, in both
/// versions. All that comes after it is counted on from it.
struct GluonStem: Sendable {
  /// What the short names of families, and the names of networks, end in.
  let ending: String

  /// What people call a network by that has it.
  let title: String

  /// What it computes.
  let options: Configuration.Stem

  /// Its layers in the order of Gluon's modules.
  let layers: [String]

  /// What images are put through before.
  let preprocessing: Preprocessing

  /// The height and width of these.
  let inputSize: Int

  static let usual = GluonStem(
    ending: "", title: "",
    options: .init(
      convolutions: [.init(kernel: 7, stride: 2, outputChannels: 64, hasBias: false)],
      hasNorm: true, poolPadding: .negativeInfinity),
    layers: ["stem.conv", "stem.norm", "stem.relu", "stem.pool"],
    preprocessing: .imageNetDeviation, inputSize: 224)

  /// No weights are published for it; images are prepared as those of the CIFAR collections.
  static let thumbnail = GluonStem(
    ending: "thumbnail", title: ", thumbnail",
    options: .init(
      convolutions: [.init(kernel: 3, stride: 1, outputChannels: 64, hasBias: false)],
      hasNorm: false, pool: nil),
    layers: ["stem.conv"],
    preprocessing: .cifar, inputSize: 32)

  /// The short name of a family.
  func id(_ family: String) -> String { ending.isEmpty ? family : "\(family)-\(ending)" }

  /// The name of a network.
  func name(depth: Int, version: String) -> String {
    "resnet\(depth)_\(version)" + (ending.isEmpty ? "" : "_\(ending)")
  }

  /// Its layers by place.
  ///
  /// - Parameter first: how many modules stand before it.
  func names(first: Int) -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: layers.enumerated().map { ($1, "features.\(first + $0)") })
  }

  /// The place of a stage's block, as a pattern.
  func block(first: Int) -> String {
    "features.{stage+\(first + layers.count - 1)}.{block-1}"
  }

  /// The place of a module behind the stages, which are four.
  func behindStages(_ number: Int, first: Int) -> String {
    "features.\(first + layers.count + 4 + number)"
  }
}

extension TensorTemplates {
  /// Gluon's words and layouts.
  static func gluon(_ names: [String: String]) -> TensorTemplates {
    TensorTemplates(
      names: names,
      roles: [
        .weight: ".weight", .bias: ".bias", .scale: ".gamma", .shift: ".beta",
        .mean: ".running_mean", .variance: ".running_var",
      ],
      convolutionLayout: .oihw,
      denseLayout: .outputInput)
  }
}

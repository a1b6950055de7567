import Tensors

/// The names that Gluon gives by counting (`resnetv24_stage1_conv3_weight`, with `arg:` before it where a whole
/// model was exported), as those by place (`features.5.0.downsample.weight`).
///
/// A stage counts its convolutions and its norms from 0. The projection of the first block is counted after the
/// block's own convolutions; whether there is one shows in how many a stage has.
struct GluonNames: Sendable {
  /// The places of the layers that are in no stage, by counted name.
  let outside: [String: String]

  /// The number of the first stage among the features.
  let firstStage: Int

  /// The places of a block's layers within it.
  let convolutions: [String]
  let norms: [String]

  /// The place of the projection; its norm is one of the stage's where it has one.
  let projection: String
  let projectionNorm: String?

  /// Which axis of the stem's kernel has as many channels as the very first norm, `nil` where no norm stands before the
  /// stages: that sets the versions apart.
  let axisOfFirstNorm: Int?

  /// The height of the stem's kernel, where that sets a form apart.
  var kernel: Int?

  static let version1 = GluonNames(
    outside: ["conv0": "features.0", "batchnorm0": "features.1", "dense0": "output"],
    firstStage: 4, convolutions: ["body.0", "body.3", "body.6"],
    norms: ["body.1", "body.4", "body.7"], projection: "downsample.0",
    projectionNorm: "downsample.1", axisOfFirstNorm: 0)

  /// The very first norm is the input's.
  static let version2 = GluonNames(
    outside: [
      "batchnorm0": "features.0", "conv0": "features.1", "batchnorm1": "features.2",
      "batchnorm2": "features.9", "dense0": "output",
    ],
    firstStage: 5, convolutions: ["conv1", "conv2", "conv3"], norms: ["bn1", "bn2", "bn3"],
    projection: "downsample", projectionNorm: nil, axisOfFirstNorm: 1)

  /// With a bare convolution as stem: no norm stands outside the stages.
  static let thumbnailVersion1 = GluonNames(
    outside: ["conv0": "features.0", "dense0": "output"], firstStage: 1,
    convolutions: version1.convolutions, norms: version1.norms, projection: version1.projection,
    projectionNorm: version1.projectionNorm, axisOfFirstNorm: nil, kernel: 3)

  /// The second norm is the last one.
  static let thumbnailVersion2 = GluonNames(
    outside: [
      "batchnorm0": "features.0", "conv0": "features.1", "batchnorm1": "features.6",
      "dense0": "output",
    ],
    firstStage: 2, convolutions: version2.convolutions, norms: version2.norms,
    projection: version2.projection, projectionNorm: nil, axisOfFirstNorm: 1, kernel: 3)

  /// The names by place of tensors that have others, by the file's name; `nil` where there are none.
  @Sendable
  func places(_ tensors: [TensorInfo]) -> [String: String]? {
    let marked = tensors.map { ($0.name, Self.unmarked($0.name)) }
    guard let prefix = countedPrefix(of: tensors) else {
      let renamed = marked.filter { $0 != $1 }
      return renamed.isEmpty
        ? nil : Dictionary(renamed.map { ($0, String($1)) }) { first, _ in first }
    }
    var names: [(file: String, counted: CountedName)] = []
    for (name, plain) in marked where plain.hasPrefix(prefix) {
      guard let counted = CountedName(plain.dropFirst(prefix.count)) else { continue }
      names.append((name, counted))
    }
    let isBottleneck = Self.isBottleneck(tensors, prefix: prefix)
    let stages = Dictionary(grouping: names, by: \.counted.stage).mapValues { names in
      Stage(names.map(\.counted), isBottleneck: isBottleneck, names: self)
    }
    let resolved = names.compactMap { name in
      stages[name.counted.stage]?.place(of: name.counted, names: self).map { place in
        (name.file, "\(place).\(name.counted.role)")
      }
    }
    return Dictionary(resolved) { first, _ in first }
  }

  /// A name without what a whole model's file marks its trained and its other tensors by.
  private static func unmarked(_ name: String) -> Substring {
    for mark in ["arg:", "aux:"] where name.hasPrefix(mark) { return name.dropFirst(mark.count) }
    return name[...]
  }

  /// What stands before the counted names of a network of this version.
  private func countedPrefix(of tensors: [TensorInfo]) -> String? {
    let ending = "batchnorm0_gamma"
    let shapes = Dictionary(tensors.map { (String(Self.unmarked($0.name)), $0.shape) }) { $1 }
    for name in shapes.keys.sorted() where name.hasSuffix("stage1_\(ending)") {
      let prefix = String(name.dropLast("stage1_\(ending)".count))
      guard let stem = shapes[prefix + "conv0_weight"], stem.rank == 4,
        kernel.map({ $0 == stem[2] }) ?? true,
        shapes[prefix + ending] == axisOfFirstNorm.map({ [stem[$0]] })
      else { continue }
      return prefix
    }
    return nil
  }

  private static func isBottleneck(_ tensors: [TensorInfo], prefix: String) -> Bool {
    let first = tensors.first { unmarked($0.name) == prefix + "stage1_conv0_weight" }
    return first.map { $0.shape.rank == 4 && $0.shape[2] == 1 } ?? false
  }

  /// A counted name taken apart; stage 0 is outside of all stages.
  private struct CountedName {
    let stage: Int
    let kind: Substring
    let number: Int
    let role: Substring

    init?(_ name: Substring) {
      let pattern = #/(?:stage([1-9])_)?(conv|batchnorm|dense)([0-9]{1,4})_([a-z_]+)/#
      guard let match = name.wholeMatch(of: pattern), let number = Int(match.3) else { return nil }
      stage = match.1.flatMap { Int($0) } ?? 0
      (kind, self.number, role) = (match.2, number, match.4)
    }
  }

  /// How a stage counts.
  private struct Stage {
    let perBlock: Int
    let hasProjection: Bool

    init(_ counted: [CountedName], isBottleneck: Bool, names: GluonNames) {
      perBlock = isBottleneck ? 3 : 2
      func count(_ kind: String) -> Int {
        (counted.filter { $0.kind == kind }.map(\.number).max() ?? -1) + 1
      }
      hasProjection =
        names.projectionNorm == nil
        ? count("conv") > count("batchnorm") : count("conv") % perBlock == 1
    }

    /// The place that a layer has in the network; `nil` for one that has none.
    func place(of name: CountedName, names: GluonNames) -> String? {
      guard name.stage > 0 else { return names.outside["\(name.kind)\(name.number)"] }
      let isConvolution = name.kind == "conv"
      let projection = isConvolution ? names.projection : names.projectionNorm
      var number = name.number
      let stage = "features.\(names.firstStage + name.stage - 1)"
      if hasProjection, let projection, number >= perBlock {
        if number == perBlock { return "\(stage).0.\(projection)" }
        number -= 1
      }
      let parts = isConvolution ? names.convolutions : names.norms
      return "\(stage).\(number / perBlock).\(parts[number % perBlock])"
    }
  }
}

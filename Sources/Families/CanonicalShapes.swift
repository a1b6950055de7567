import ResNetV2
import Tensors

/// The shapes of a file's tensors in the layout of the graph, by canonical node: what they tell of a
/// network's options.
struct CanonicalShapes {
  private let family: Family
  private let tensors: [String: TensorInfo]

  /// - Parameter tensors: by the family's names.
  init(_ family: Family, _ tensors: [String: TensorInfo]) {
    self.family = family
    self.tensors = tensors
  }

  /// Whether the tensors are those of a combination of options.
  ///
  /// Looked at is only in what the family's combinations differ: of what they share, the mapping names
  /// what is missing.
  func fit(_ variant: Variant) -> Bool {
    guard variant.kinds.contains(kind) else { return false }
    let options = variant.options
    func agrees<Value: Hashable>(_ found: Value?, _ option: (Configuration) -> Value) -> Bool {
      let choices = Set(family.variants.map { option($0.options) })
      return found.map { $0 == option(options) } ?? true || choices.count == 1
    }
    return agrees(stemConvolutions) { $0.stem.convolutions.count }
      && agrees(hasStatistics) { $0.norm.hasStatistics }
      && agrees(!hasProjections) { $0.shortcut.kind.isParameterFree }
      && agrees(projectsWithoutChange) { $0.shortcut.placement == .everyStage }
      && agrees(isThere("final.norm")) { $0.ending != .sum }
  }

  func readStem(into configuration: inout Configuration) {
    let isDeep = configuration.stem.convolutions.count > 1
    for index in configuration.stem.convolutions.indices {
      let name = isDeep ? "stem.conv\(index + 1)" : "stem.conv"
      guard let shape = shape(of: name, .weight, rank: 4) else { continue }
      configuration.stem.convolutions[index].outputChannels = shape[0]
      configuration.stem.convolutions[index].kernel = shape[2]
      if index == 0 { configuration.input.channels = shape[1] }
    }
    if family.hasSmallStem, configuration.hasSmallStem { configuration.makeStemSmall() }
  }

  func readBlock(into configuration: inout Configuration) {
    configuration.block.kind = kind
  }

  func readStages(into configuration: inout Configuration) {
    var stages: [Configuration.Stage] = []
    while let blocks = blockCount(stage: stages.count + 1) {
      let (inner, output) = widths(stage: stages.count + 1, blocks: blocks)
      stages.append(.init(blocks: blocks, innerChannels: inner, outputChannels: output, stride: 1))
    }
    let strides = family.stageStrides(count: stages.count)
    for index in stages.indices { stages[index].stride = strides[index] }
    configuration.stages = stages
  }

  /// The head that the family itself gives its networks.
  func readHead(into configuration: inout Configuration) {
    let classes = shape(of: "head.dense", .weight, rank: 2)?[0] ?? 0
    configuration.head = family.head(classes: classes)
    if case .dense = configuration.head.layers.first {
      configuration.head.layers[0] = .dense(
        outputs: classes, hasBias: isThere("head.dense", .bias))
    }
  }

  /// In how many parts the channels of a block's 3×3 convolutions are computed apart from each other;
  /// 1 in a plain network.
  var convolutionGroups: Int {
    let inputs = shape(of: "stage1.block1.conv1", .weight, rank: 4)?[0] ?? 0
    let read = shape(of: "stage1.block1.conv2", .weight, rank: 4)?[1] ?? 0
    return read > 0 && inputs > read && inputs.isMultiple(of: read) ? inputs / read : 1
  }

  // MARK: - Single findings

  private var kind: Configuration.Block.Kind {
    isThere("stage1.block1.conv3") ? .bottleneck : .basic
  }

  /// The number of convolutions before the first block, or `nil` where none is found.
  private var stemConvolutions: Int? {
    if isThere("stem.conv") { return 1 }
    var count = 0
    while isThere("stem.conv\(count + 1)") { count += 1 }
    return count > 0 ? count : nil
  }

  /// Whether any norm has stored statistics.
  private var hasStatistics: Bool {
    ["stage1.block1.norm1", "stage1.block1.norm2", "final.norm"].contains {
      isThere($0, .mean) || isThere($0, .variance)
    }
  }

  private var hasProjections: Bool {
    var stage = 1
    while blockCount(stage: stage) != nil {
      if isThere("stage\(stage).block1.shortcut.conv") { return true }
      stage += 1
    }
    return false
  }

  /// Whether the first block has a projection though it changes neither size nor channels; `nil`
  /// where it changes them.
  private var projectsWithoutChange: Bool? {
    guard let first = shape(of: "stage1.block1.conv1", .weight, rank: 4),
      let last = shape(
        of: kind == .bottleneck ? "stage1.block1.conv3" : "stage1.block1.conv2", .weight, rank: 4),
      first[1] == last[0]
    else { return nil }
    return isThere("stage1.block1.shortcut.conv")
  }

  /// The highest number of a block of which anything is there; a gap is found when tensors are
  /// mapped.
  private func blockCount(stage: Int) -> Int? {
    // No published network has more than 36 blocks in a stage; a gap of one is no end.
    var count = 0
    var number = 1
    while number <= count + 2 {
      let anything = ["norm1", "conv1", "norm2", "conv2"].contains { part in
        isThere("stage\(stage).block\(number).\(part)")
      }
      if anything { count = number }
      number += 1
    }
    return count > 0 ? count : nil
  }

  /// The widths on which most tensors of the stage agree, so that a single wrong one is found by
  /// name.
  private func widths(stage: Int, blocks: Int) -> (inner: Int, output: Int) {
    var inner: [Int: Int] = [:]
    var output: [Int: Int] = [:]
    let last = kind == .bottleneck ? "conv3" : "conv2"
    for block in 1...blocks {
      let name = "stage\(stage).block\(block)"
      if let size = shape(of: "\(name).conv1", .weight, rank: 4)?[0] {
        inner[size, default: 0] += 1
      }
      if let size = shape(of: "\(name).norm2", .scale, rank: 1)?[0] { inner[size, default: 0] += 1 }
      if let shape = shape(of: "\(name).\(last)", .weight, rank: 4) {
        output[shape[0], default: 0] += 1
        inner[shape[1], default: 0] += 1
      }
    }
    func winner(_ votes: [Int: Int]) -> Int {
      votes.max { ($0.value, -$0.key) < ($1.value, -$1.key) }?.key ?? 0
    }
    return (winner(inner), winner(output))
  }

  private func shape(of node: String, _ role: Parameter.Role, rank: Int) -> Shape? {
    for name in family.tensorNames(of: node, role) {
      guard let tensor = tensors[name] else { continue }
      let order = AxisOrder(role, rank: rank, stored: tensor.shape, in: family.tensors)
      let shape = order.parameterShape(of: tensor.shape)
      return shape?.rank == rank ? shape : nil
    }
    return nil
  }

  private func isThere(_ node: String) -> Bool {
    Parameter.Role.allCases.contains { isThere(node, $0) }
  }

  /// Whether a tensor of a node is there.
  func isThere(_ node: String, _ role: Parameter.Role) -> Bool {
    family.tensorNames(of: node, role).contains { tensors[$0] != nil }
  }
}

extension Configuration.Norm {
  /// Whether it has stored statistics.
  fileprivate var hasStatistics: Bool {
    if case .batch = self { return true }
    return false
  }
}

extension Configuration {
  /// Takes over which convolutions have biases, and what norms have.
  mutating func setBiases(as other: Configuration) {
    for (index, convolution) in other.stem.convolutions.enumerated()
    where stem.convolutions.indices.contains(index) {
      stem.convolutions[index].hasBias = convolution.hasBias
    }
    block.hasInnerBiases = other.block.hasInnerBiases
    block.omitsSpatialBias = other.block.omitsSpatialBias
    block.hasLastBias = other.block.hasLastBias
    shortcut.hasBias = other.shortcut.hasBias
    (hasNormScales, hasNormShifts) = (other.hasNormScales, other.hasNormShifts)
  }

  /// Whether the stem is a single 3×3 convolution.
  var hasSmallStem: Bool { stem.convolutions.count == 1 && stem.convolutions[0].kernel == 3 }

  /// Makes the stem that of a network for small images: neither a stride nor a pool.
  mutating func makeStemSmall() {
    stem.convolutions[0].stride = 1
    stem.pool = nil
  }
}

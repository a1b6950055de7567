import ResNetV2
import SourceGraph
import Tensors

/// A file whose names are a family's: the family, and the tensors under the family's names.
struct Recognition {
  let family: Family

  /// What precedes the family's names in every tensor of the network, such as `module.`; mostly
  /// empty.
  let prefix: String

  /// The tensors by the family's names, without the prefix and without what is waived.
  let tensors: [String: TensorInfo]

  /// The tensors that are passed over by a rule.
  let waived: [Mapping.Waived]

  /// The tensors that do not share the prefix: they belong to another part of a larger model.
  let outsiders: [TensorInfo]

  /// The names that the family gave to tensors that had none of its own, by cleaned name.
  private let resolved: [String: String]

  /// Tries the families in order; `nil` where none knows the names.
  ///
  /// - Parameter part: the part of a bigger model that is taken, or `nil` for the whole.
  init?(
    _ names: SourceNames, among families: [Family], part: ModelPart? = nil
  ) throws(InputError) {
    for family in families {
      if let recognition = try Recognition(names, family: family, part: part) {
        self = recognition
        return
      }
    }
    return nil
  }

  private init?(
    _ names: SourceNames, family: Family, part: ModelPart?
  ) throws(InputError) {
    let listed = names.tensors.map { TensorInfo(name: $0, dtype: $1.dtype, shape: $1.shape) }
    let resolved = family.resolveNames(listed) ?? [:]
    self.resolved = resolved
    var tensors: [String: TensorInfo] = [:]
    for (name, tensor) in names.tensors {
      tensors[resolved[name] ?? name] = tensor
    }
    var prefixes = family.prefixes(in: tensors.keys)
    if case .prefix(let own) = part { prefixes = prefixes.filter { $0.hasPrefix(own) } }
    guard let prefix = prefixes.contains("") ? "" : prefixes.first else { return nil }
    guard prefixes.count == 1 || prefix.isEmpty else {
      throw InputError(
        .badData, path: names.path, "holds more than one network of \(family.title)",
        place: prefixes.joined(separator: " and "),
        hint: "--prefix \(prefixes[0]) takes one of them")
    }
    self.family = family
    self.prefix = prefix
    var inside: [String: TensorInfo] = [:]
    var outsiders: [TensorInfo] = []
    var waived: [Mapping.Waived] = []
    for (name, tensor) in tensors {
      if let waiver = family.waivers.first(where: { $0.matches(name) }) {
        waived.append(.init(tensor: tensor, reason: waiver.reason))
      } else if name.hasPrefix(prefix) {
        inside[String(name.dropFirst(prefix.count))] = tensor
      } else if part != nil {
        waived.append(.init(tensor: tensor, reason: "a part of the model that was left out"))
      } else {
        outsiders.append(tensor)
      }
    }
    // The only dense layer beside a network within a model is the model's head.
    let head = outsiders.filter { resolved[SourceNames.cleaned($0.name)] != nil }
    if head.count == outsiders.count {
      for tensor in head {
        let name = resolved[SourceNames.cleaned(tensor.name)] ?? tensor.name
        inside[name.split(separator: "/").suffix(2).joined(separator: "/")] = tensor
      }
      outsiders = []
    }
    self.tensors = inside
    self.outsiders = outsiders.sorted { $0.name < $1.name }
    self.waived = waived.sorted { $0.tensor.name < $1.tensor.name }
  }

  /// What the file calls the layer of a tensor.
  func layerName(of tensor: TensorInfo, role: Parameter.Role) -> String {
    let name = SourceNames.cleaned(tensor.name)
    let isCounted = resolved[name] != nil && name.contains("/vars/")
    let own =
      isCounted
      ? resolved[name] ?? name
      : String(name.hasPrefix(prefix) ? name.dropFirst(prefix.count) : name[...])
    guard let suffix = family.tensors.roles[role], own.hasSuffix(suffix) else { return own }
    return String(own.dropLast(suffix.count))
  }

  /// The network that the tensors are for: the family's options, with stages, widths and classes
  /// read from the names and shapes.
  func makeGraph(described: SourceGraph?, path: String) throws(InputError) -> Graph {
    var configuration = family.options
    let shapes = CanonicalShapes(self)
    shapes.readStem(into: &configuration)
    shapes.readBlock(into: &configuration)
    shapes.readStages(into: &configuration)
    shapes.readHead(into: &configuration)
    if let problem = described.flatMap({ family.refine(&configuration, $0) }) {
      throw InputError(.badData, path: path, "is not a network of \(family.title)", place: problem)
    }
    do {
      return try Graph(configuration)
    } catch {
      throw InputError(
        .badData, path: path, "is not a network of \(family.title)", place: error.description)
    }
  }
}

extension Family {
  /// What stands before the family's names where the fingerprint layer is found.
  fileprivate func prefixes(in names: some Collection<String>) -> [String] {
    let node = PatternedName(fingerprint)
    guard let template = tensors.names[node.pattern] else { return [] }
    let endings = tensors.roles.values.map { node.filling(template) + $0 }
    var found: Set<String> = []
    for name in names {
      for ending in endings where name.hasSuffix(ending) {
        let prefix = name.dropLast(ending.count)
        if prefix.isEmpty || prefix.hasSuffix("/") || prefix.hasSuffix(".") {
          found.insert(String(prefix))
        }
      }
    }
    return found.sorted()
  }
}

/// The shapes of a file's tensors in the layout of the graph, by canonical node.
private struct CanonicalShapes {
  private let recognition: Recognition

  init(_ recognition: Recognition) {
    self.recognition = recognition
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
  }

  func readBlock(into configuration: inout Configuration) {
    configuration.block.kind = isThere("stage1.block1.conv3") ? .bottleneck : .basic
  }

  func readStages(into configuration: inout Configuration) {
    var stages: [Configuration.Stage] = []
    while let blocks = blockCount(stage: stages.count + 1) {
      let (inner, output) = widths(
        stage: stages.count + 1, blocks: blocks, kind: configuration.block.kind)
      stages.append(.init(blocks: blocks, innerChannels: inner, outputChannels: output, stride: 1))
    }
    let strides = recognition.family.stageStrides(count: stages.count)
    for index in stages.indices { stages[index].stride = strides[index] }
    configuration.stages = stages
  }

  func readHead(into configuration: inout Configuration) {
    let classes = shape(of: "head.dense", .weight, rank: 2)?[0] ?? 0
    configuration.head = recognition.family.head(classes: classes)
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
  private func widths(
    stage: Int, blocks: Int, kind: Configuration.Block.Kind
  ) -> (inner: Int, output: Int) {
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
    let family = recognition.family
    for name in family.tensorNames(of: node, role) {
      guard let tensor = recognition.tensors[name] else { continue }
      let shape = AxisOrder(role, rank: rank, in: family.tensors).parameterShape(of: tensor.shape)
      return shape?.rank == rank ? shape : nil
    }
    return nil
  }

  private func isThere(_ node: String) -> Bool {
    Parameter.Role.allCases.contains { role in
      recognition.family.tensorNames(of: node, role).contains { recognition.tensors[$0] != nil }
    }
  }
}

package import ResNetV2

/// What a family calls its layers: a pattern for every node of the graph.
///
/// Both sides are written with `{stage}` and `{block}`, counted from 1; the family's side may count
/// from elsewhere (`{stage+1}`, `{block-1}`), pad with a zero (`{block:02}`), and
/// write letters: `{block:a}` for a, b, c, …, `{block:b}` for a, b1, b2, ….
struct LayerTemplates: Sendable {
  /// How values are laid out.
  let layout: LayerNames.Layout
  /// The family's pattern for each canonical pattern.
  let names: [String: String]
  /// Layers that are part of another node: the family's pattern and the node's canonical pattern.
  var folded: [(name: String, node: String)] = []
  /// Names that the framework makes up by counting.
  var countedPrefixes: Set<String> = []
}

/// What a family calls its tensors and how it lays them out.
struct TensorTemplates: Sendable {
  /// The pattern of the name before the role for each canonical node pattern.
  let names: [String: String]
  /// Other patterns for the same node that are accepted as well.
  var alternatives: [String: [String]] = [:]
  /// What follows the name for each role, such as `/kernel`.
  let roles: [Parameter.Role: String]
  /// The layout of convolution kernels.
  let convolutionLayout: ConvolutionLayout
  /// The layout of the dense layer's matrix.
  let denseLayout: DenseLayout
  /// The axes of a norm's tensors before the channels, each of length 1, in a file that is written.
  var leadingNormAxes = 0

  /// The layout of convolution kernels.
  enum ConvolutionLayout: Sendable {
    /// [height, width, input, output].
    case hwio
    /// [output, input, height, width].
    case oihw
  }

  /// The layout of the dense layer's matrix.
  enum DenseLayout: Sendable {
    /// [input, output].
    case inputOutput
    /// [output, input].
    case outputInput
    /// [output, input, 1, 1].
    case outputInput1x1
    /// [1, 1, input, output].
    case inputOutput1x1
  }
}

/// A canonical name such as `stage3.block2.norm1`, taken apart into its pattern and its numbers.
struct PatternedName: Hashable {
  /// The name with `{stage}` and `{block}` in place of the numbers.
  let pattern: String
  let stage: Int
  let block: Int

  init(_ name: String) {
    let parts = name.split(separator: ".", maxSplits: 2)
    if parts.count == 3, let stage = Int(parts[0].dropFirst(5)), parts[0].hasPrefix("stage"),
      let block = Int(parts[1].dropFirst(5)), parts[1].hasPrefix("block")
    {
      pattern = "stage{stage}.block{block}.\(parts[2])"
      (self.stage, self.block) = (stage, block)
    } else {
      pattern = name
      (stage, block) = (0, 0)
    }
  }

  /// A family's template with the numbers filled in.
  func filling(_ template: String) -> String {
    guard template.contains("{") else { return template }
    var result = ""
    var rest = Substring(template)
    while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
      result += rest[..<open] + value(of: rest[rest.index(after: open)..<close])
      rest = rest[rest.index(after: close)...]
    }
    return result + rest
  }

  /// The value of a placeholder such as `stage+1` or `block:02`.
  private func value(of placeholder: Substring) -> String {
    if placeholder == "block:a" { return letter(block) }
    if placeholder == "block:b" { return block == 1 ? "a" : "b\(block - 1)" }
    let isPadded = placeholder.hasSuffix(":02")
    let term = isPadded ? placeholder.dropLast(3) : placeholder
    let number = (term.hasPrefix("stage") ? stage : block) + (Int(term.dropFirst(5)) ?? 0)
    return isPadded && number < 10 ? "0\(number)" : String(number)
  }

  /// The letter of a number from 1 on, as Keras' code makes it; what follows z is no letter, as there.
  private func letter(_ number: Int) -> String {
    UInt8(exactly: 96 + number).map { String(Character(Unicode.Scalar($0))) } ?? "\(number)"
  }
}

extension Configuration.Head.Layer {
  /// Keras' class of a layer with parameters, as it counts it.
  fileprivate var kerasClass: String? {
    switch self {
    case .dense: "dense"
    case .norm: "batch_normalization"
    case .activation: nil
    }
  }
}

extension Family {
  /// What the family calls the layers of a graph.
  ///
  /// - Parameter renamed: layers that a file calls otherwise, by canonical name.
  package func layerNames(for graph: Graph, renamed: [String: String] = [:]) -> LayerNames {
    var names: [String: String] = [:]
    var folded: [LayerNames.FoldedLayer] = []
    let listed = listedHeadNames(of: graph.configuration.head)
    for node in graph.nodes {
      let patterned = PatternedName(node.name)
      // The layers of a head of several have the names that the file gives them, those of a list, or none.
      if let name = renamed[node.name] ?? layers.names[patterned.pattern].map(patterned.filling)
        ?? listed[node.name]
      {
        names[node.name] = name
      }
      for layer in layers.folded where layer.node == patterned.pattern {
        folded.append(.init(name: patterned.filling(layer.name), node: node.name))
      }
    }
    // Where a family's dense layers include what follows them, their names belong to that.
    for node in graph.nodes where options.head.lastActivation != nil && node.place == .head {
      guard case .activation = node.operation, names[node.name] == nil else { continue }
      let dense = graph.nodes[node.inputs[0]]
      guard case .dense = dense.operation, let name = names[dense.name] else { continue }
      names[dense.name] = nil
      names[node.name] = name
    }
    // So it does where a file's layer includes another function.
    for (node, next) in zip(graph.nodes, graph.nodes.dropFirst()) {
      guard case .activation = next.operation, let name = names[node.name], name == names[next.name]
      else { continue }
      names[node.name] = nil
    }
    return LayerNames(
      layout: layers.layout, names: names, folded: folded,
      countedPrefixes: layers.countedPrefixes)
  }

  /// What the family calls the layers of a head of several: the places in a list, such as `fc.0`.
  func listedHeadNames(of head: Configuration.Head) -> [String: String] {
    let isList =
      head.layers.count { if case .activation = $0 { false } else { true } } > 1
    guard let freeHead, isList else { return [:] }
    switch freeHead.names {
    case .list(let list):
      return Dictionary(
        uniqueKeysWithValues: head.layerNames.enumerated().map { ($1, "\(list).\($0)") })
    case .counted:
      var counts: [String: Int] = [:]
      let named = zip(head.layerNames, head.layers).compactMap { node, layer in
        layer.kerasClass.map { name in
          defer { counts[name, default: 0] += 1 }
          return (node, counts[name].map { "\(name)_\($0)" } ?? name)
        }
      }
      return Dictionary(uniqueKeysWithValues: named)
    }
  }

  /// What the family usually calls the layer with the tensors of a node.
  func layerName(of node: String) -> String? {
    let node = PatternedName(node)
    return tensors.names[node.pattern].map(node.filling)
  }

  /// The names under which a tensor of a node may stand in a file of the family, the usual one
  /// first.
  func tensorNames(of node: String, _ role: Parameter.Role) -> [String] {
    let node = PatternedName(node)
    guard let suffix = tensors.roles[role], let name = tensors.names[node.pattern] else {
      return []
    }
    let templates = [name] + (tensors.alternatives[node.pattern] ?? [])
    return templates.map { node.filling($0) + suffix }
  }
}

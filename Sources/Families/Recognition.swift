import Files
import ResNetV2
import SourceGraph
import Tensors

/// A file whose names are a family's: the family, and the tensors under the family's names.
struct Recognition {
  let family: Family

  /// Which of the family's combinations of options the tensors belong to.
  let variant: Variant

  /// What precedes the family's names in every tensor of the network, such as `module.`; mostly
  /// empty.
  let prefix: String

  /// The tensors by the family's names, without the prefix and without what is waived.
  let tensors: [String: TensorInfo]

  /// The tensors that are passed over by a rule.
  let waived: [Mapping.Waived]

  /// The tensors that do not share the prefix: they belong to another part of a larger model.
  let outsiders: [TensorInfo]

  /// What the user's own rules made of the tensors.
  let rules: AppliedRules

  /// The place of each tensor in the file's own order, by the file's name.
  let positions: [String: Int]

  /// What takes out of a name the words for wrapped parts.
  private let wrappers: WrapperNames

  /// The names that the family gave to tensors that had none of its own, by cleaned name.
  private let resolved: [String: String]

  /// Tries the families in order; `nil` where none knows the names.
  ///
  /// - Parameter part: the part of a bigger model that is taken, or `nil` for the whole.
  init?(
    _ names: SourceNames, among families: [Family], part: ModelPart? = nil
  ) throws(InputError) {
    let listed = names.tensors.map { TensorInfo(name: $0, dtype: $1.dtype, shape: $1.shape) }
    let counted = CountedLayers(listed)
    // Where the channels of counted layers fit no order, a tensor of a wrong shape is to be found.
    for checkingChannels in counted.networks.isEmpty ? [true] : [true, false] {
      for family in families {
        let resolved =
          family.resolveNames(listed)
          ?? family.names(of: counted, checkingChannels: checkingChannels)
        guard
          let recognition = try Recognition(
            names, family: family, resolved: resolved ?? [:], part: part)
        else { continue }
        // Whoever names the family has its own order.
        if checkingChannels, families.count > 1 {
          try counted.requireOneOrder(of: families, path: names.path)
        }
        self = recognition
        return
      }
    }
    return nil
  }

  private init?(
    _ names: SourceNames, family: Family, resolved: [String: String], part: ModelPart?
  ) throws(InputError) {
    self.resolved = resolved
    positions = names.positions
    (rules, wrappers) = (names.rules, names.wrappers)
    var tensors: [String: TensorInfo] = [:]
    for (name, tensor) in names.tensors {
      tensors[resolved[name] ?? name] = tensor
    }
    var prefixes = family.prefixes(in: tensors.keys)
    if case .prefix(let own) = part {
      let own = wrappers.unwrapped(own)
      prefixes = prefixes.filter { $0.hasPrefix(own) }
    }
    guard let prefix = prefixes.contains("") ? "" : prefixes.first else { return nil }
    guard prefixes.count == 1 || prefix.isEmpty else {
      let first = tensors.keys.filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }
      guard family.signs.agree(with: first) else { return nil }
      throw InputError(
        .badData, path: names.path, "holds more than one network of \(family.title)",
        place: prefixes.joined(separator: " and "),
        hint: "--prefix with one of these takes that network")
    }
    self.family = family
    self.prefix = prefix
    var inside: [String: TensorInfo] = [:]
    var outsiders: [TensorInfo] = []
    var waived = names.ignored
    for (name, tensor) in tensors {
      if let waiver = family.waivers.first(where: { $0.matches(name) }) {
        waived.append(.init(tensor: tensor, reason: waiver.reason))
      } else if let fixed = family.fixedTensor(called: name.dropFirst(prefix.count)) {
        waived.append(.init(tensor: tensor, reason: fixed.reason))
      } else if name.hasPrefix(prefix) {
        inside[String(name.dropFirst(prefix.count))] = tensor
      } else if part != nil {
        waived.append(.init(tensor: tensor, reason: "a part of the model that was left out"))
      } else {
        outsiders.append(tensor)
      }
    }
    self.tensors = inside
    self.outsiders = outsiders.sorted { $0.name < $1.name }
    self.waived = waived.sorted { $0.tensor.name < $1.tensor.name }
    guard family.signs.agree(with: inside.keys) else { return nil }
    try family.refuseRelatives(in: tensors.keys, path: names.path)
    let shapes = CanonicalShapes(family, inside)
    guard let variant = family.variants.first(where: shapes.fit) else { return nil }
    self.variant = variant
  }

  /// What the file calls the layer of a tensor.
  func layerName(of tensor: TensorInfo, role: Parameter.Role) -> String {
    let name = plainName(of: tensor)
    let own = name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
    guard let suffix = family.tensors.roles[role] else { return own }
    // A name of another form is not that of a layer: then the layer has the one that the family gives it.
    let names = [own, resolved[name].map { String($0.dropFirst(prefix.count)) }]
    guard let name = names.compactMap({ $0 }).first(where: { $0.hasSuffix(suffix) }) else {
      return own
    }
    return String(name.dropLast(suffix.count))
  }
}

extension Recognition {
  /// A tensor's name freed of what containers add; of a layer that has none but a number, the family's; the one that
  /// a rule gives it.
  func plainName(of tensor: TensorInfo) -> String {
    if let name = rules.names[tensor.name] { return resolved[name] ?? name }
    let name = wrappers.unwrapped(SourceNames.cleaned(tensor.name))
    return name.contains("/vars/") ? resolved[name] ?? name : name
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
        if prefix.isEmpty || prefix.hasSuffix("/") || prefix.hasSuffix(".")
          || isOfNetwork(String(prefix), in: names)
        {
          found.insert(String(prefix))
        }
      }
    }
    return found.sorted()
  }

  /// The tensor of a name that the family's networks do not use.
  fileprivate func fixedTensor(called name: Substring) -> FixedTensor? {
    fixedTensors.first { fixed in tensorNames(of: fixed.node, fixed.role).contains { $0 == name } }
  }

  /// Whether a text before every layer's name, such as `my_`, is before those of a network as well.
  private func isOfNetwork(_ prefix: String, in names: some Collection<String>) -> Bool {
    guard hasKerasNames, prefix.hasSuffix("_") || prefix.hasSuffix("-") else { return false }
    let others = ["stem.conv", "stage1.block1.conv1", "stage1.block1.conv2"].compactMap {
      tensorNames(of: $0, .weight).first
    }
    return others.allSatisfy { names.contains(prefix + $0) }
  }

  /// Stops at tensors that only a relative of the family has.
  fileprivate func refuseRelatives(
    in names: some Collection<String>, path: String
  ) throws(InputError) {
    for refusal in refusals {
      guard let name = names.filter({ refusal.matches($0) }).min() else { continue }
      throw InputError(
        .badData, path: path, "is not a network of \(title)", place: "\(name): \(refusal.reason)")
    }
  }
}

extension Signs {
  /// Whether the layers of a file are those that set a family apart.
  fileprivate func agree(with names: some Collection<some StringProtocol>) -> Bool {
    func isThere(_ layer: String) -> Bool { names.contains { $0.hasPrefix(layer + ".") } }
    return (anyOf.isEmpty || anyOf.contains(where: isThere)) && !noneOf.contains(where: isThere)
  }
}

import Tensors

/// The names that the tensors of a checkpoint get.
struct BundleNames {
  let tensors: [(name: String, entry: BundleEntry)]

  /// The entry that describes the objects of a checkpoint by object.
  static let graphKey = "_CHECKPOINTABLE_OBJECT_GRAPH"

  private static let ending = "/.ATTRIBUTES/VARIABLE_VALUE"
  /// Objects at the root of a checkpoint that are beside the model.
  private static let asides: Set<Substring> = ["optimizer", "save_counter", "keras_api"]

  /// - Parameter graph: the description of the objects, or `nil` for a checkpoint by name.
  init(_ entries: [BundleEntry], graph: ArraySlice<UInt8>?) throws {
    guard let graph else {
      tensors = entries.map { ($0.key, $0) }
      return
    }
    let kept = entries.filter { entry in
      guard entry.key != Self.graphKey, !entry.key.contains("/.OPTIMIZER_SLOT/") else {
        return false
      }
      return !Self.isAside(entry)
    }
    let full = Self.fullNames(graph)
    let variables = Dictionary(grouping: kept) { full[$0.key] ?? "" }
      .mapValues(Self.withoutRepeated)
    tensors = kept.compactMap { entry in
      let key = entry.key
      let name = full[key] ?? ""
      let all = variables[name] ?? []
      guard all.contains(where: { $0.key == key }) else { return nil }
      if !name.isEmpty, all.count == 1 { return (name, entry) }
      return (key.hasSuffix(Self.ending) ? String(key.dropLast(Self.ending.count)) : key, entry)
    }
  }

  /// Entries of one full name, without those of the second list in which `model.export()` of Keras 3 keeps each variable.
  private static func withoutRepeated(_ entries: [BundleEntry]) -> [BundleEntry] {
    let listed = entries.filter { $0.key.hasPrefix("variables/") }
    return entries.filter { entry in
      !entry.key.hasPrefix("_all_variables/") || !listed.contains { $0.hasContent(of: entry) }
    }
  }

  /// Whether a value is beside the model: a count at the root, such as `step`, or the optimizer's, which a compiled model
  /// of Keras 3 has within it.
  ///
  /// A variable stands under the shortest way to it: one of the model may be found by the optimizer that trains it alone.
  private static func isAside(_ entry: BundleEntry) -> Bool {
    let parts = entry.key.split(separator: "/", maxSplits: 3)
    if parts.contains("_trainable_variables") { return false }
    let isCount = entry.shape.rank == 0 && entry.dtype?.isFloat == false
    return parts.first.map(asides.contains) ?? false
      || isCount && parts.count > 1 && parts[1] == ".ATTRIBUTES"
      || parts.count > 2 && parts[1] == "optimizer" && parts[2].hasPrefix("_")
  }

  /// The full name of the variable at each key, as the objects tell it.
  private static func fullNames(_ graph: ArraySlice<UInt8>) -> [String: String] {
    var names: [String: String] = [:]
    for (field, node) in ProtocolBuffer.fields(graph) ?? [] where field == 1 {
      for (field, attribute) in node.slice.flatMap(ProtocolBuffer.fields) ?? [] where field == 2 {
        let parts = attribute.slice.flatMap(ProtocolBuffer.fields) ?? []
        let name = parts.last { $0.field == 2 }?.value.text
        let key = parts.last { $0.field == 3 }?.value.text
        if let name, let key { names[key] = name }
      }
    }
    return names
  }
}

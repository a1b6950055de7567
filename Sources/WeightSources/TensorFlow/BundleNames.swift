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
    var uses: [String: Int] = [:]
    for entry in kept { uses[full[entry.key] ?? "", default: 0] += 1 }
    tensors = kept.map { entry in
      if let name = full[entry.key], !name.isEmpty, uses[name] == 1 { return (name, entry) }
      let key = entry.key
      return (key.hasSuffix(Self.ending) ? String(key.dropLast(Self.ending.count)) : key, entry)
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

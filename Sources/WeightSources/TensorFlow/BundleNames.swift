import Files
import Tensors

/// The names that the tensors of a checkpoint get.
struct BundleNames {
  let tensors: [(name: String, entry: BundleEntry)]

  /// The entry that describes the objects of a checkpoint by object.
  static let graphKey = "_CHECKPOINTABLE_OBJECT_GRAPH"

  private static let ending = "/.ATTRIBUTES/VARIABLE_VALUE"
  /// Objects at the root of a checkpoint that are beside the model.
  private static let asides: Set<Substring> = ["optimizer", "save_counter", "keras_api"]

  /// - Parameters:
  ///   - graph: the description of the objects, or `nil` for a checkpoint by name.
  ///   - layers: the layers of a model: the names that lead to each object, and its place among models and layers.
  init(
    _ entries: [BundleEntry], graph: ArraySlice<UInt8>?,
    layers: [(path: [String], names: [String])] = []
  ) throws {
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
    let objects = CheckpointObjects(graph)
    let full = Dictionary(objects.variables.map { ($0.key, $0.fullName) }) { _, last in last }
    let placed = Self.places(of: layers, among: objects)
    let variables = Dictionary(grouping: kept) { full[$0.key] ?? "" }
      .mapValues(Self.withoutRepeated)
    tensors = kept.compactMap { entry in
      let key = entry.key
      let name = full[key] ?? ""
      if Self.isRandomState(name, entry) { return nil }
      if let name = placed[key] { return (name, entry) }
      let all = variables[name] ?? []
      guard all.contains(where: { $0.key == key }) else { return nil }
      if !name.isEmpty, all.count == 1 { return (name, entry) }
      return (key.hasSuffix(Self.ending) ? String(key.dropLast(Self.ending.count)) : key, entry)
    }
  }

  /// Whether a value is where a random generator stands, which layers of augmentation keep.
  private static func isRandomState(_ name: String, _ entry: BundleEntry) -> Bool {
    name.lastName == "StateVar" && entry.dtype == .int64 && entry.shape == [3]
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

  /// The names of variables by the layers that have them, such as `resnet50v2/conv1_conv/kernel`, by their keys.
  private static func places(
    of layers: [(path: [String], names: [String])], among objects: CheckpointObjects
  ) -> [String: String] {
    var places: [String: String] = [:]
    for (path, names) in layers {
      for (name, variable) in objects.variables(at: path) where places[variable.key] == nil {
        let own = variable.fullName.lastName
        places[variable.key] = (names + [own.isEmpty ? name : own]).joined(separator: "/")
      }
    }
    return places
  }
}

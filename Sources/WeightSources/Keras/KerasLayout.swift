import Files
import SourceGraph
import Tensors

/// Which dataset of an HDF5 file is which weight of a Keras model.
struct KerasLayout {
  let container: String
  private(set) var tensors: [(name: String, dataset: HDF5Table.Dataset)] = []
  private(set) var metadata: [String: String] = [:]

  private let path: String

  /// - Throws: `InputError` where the file's own lists contradict what it holds.
  init(_ table: HDF5Table, path: String, graph: SourceGraph?) throws {
    self.path = path
    if table.texts("layer_names", of: "") != nil {
      container = "keras-h5"
      try addLegacyLayers(table, under: "")
    } else if table.texts("layer_names", of: "model_weights") != nil {
      container = "keras-full-h5"
      try addLegacyLayers(table, under: "model_weights/")
    } else if table.groups.contains("layers")
      || table.groups.contains("_layer_checkpoint_dependencies")
    {
      container = "keras-weights-h5"
      try addCountedLayers(table, graph: graph)
    } else {
      container = "hdf5"
      tensors = table.datasets.map { ($0.path, $0) }
    }
    addMetadata(table)
  }

  private mutating func addMetadata(_ table: HDF5Table) {
    for object in ["", "model_weights"] {
      for name in ["keras_version", "backend"] {
        if let text = table.text(name, of: object) { metadata[name] = text }
      }
    }
  }

  // MARK: - layer_names and weight_names

  /// The form of old: an attribute lists the layers, and each layer's group lists its weights.
  private mutating func addLegacyLayers(_ table: HDF5Table, under base: String) throws {
    let root = String(base.dropLast(base.isEmpty ? 0 : 1))
    let layers = table.texts("layer_names", of: root) ?? []
    guard Set(layers).count == layers.count else {
      throw InputError(.badData, path: path, "lists a layer twice", place: "layer_names")
    }
    var left = Dictionary(uniqueKeysWithValues: table.datasets.map { ($0.path, $0) })
    for layer in layers {
      guard let weights = table.texts("weight_names", of: base + layer) else {
        throw InputError(
          .badData, path: path, "lacks the layer \(layer), which its list of layers names",
          place: "weight_names of \(base)\(layer)")
      }
      for weight in weights {
        let datasetPath = "\(base)\(layer)/\(weight)"
        guard let dataset = left.removeValue(forKey: datasetPath) else {
          throw InputError(
            .badData, path: path, "lacks a weight that its layer lists", place: datasetPath)
        }
        tensors.append((Self.name(layer: layer, weight: weight), dataset))
      }
    }
    // What no list names is not passed over in silence: a mapping will find it unexpected.
    let isTraining = { (path: String) in
      path.hasPrefix("optimizer_weights/") || path.contains("top_level_model_weights/")
    }
    for dataset in table.datasets where left[dataset.path] != nil {
      if isTraining(dataset.path) {
        count("ignored.optimizer_weights")
      } else {
        tensors.append((dataset.path, dataset))
      }
    }
  }

  /// `conv1_conv` and `conv1_conv/kernel:0` as `conv1_conv/kernel`.
  private static func name(layer: String, weight: String) -> String {
    var parts: [Substring] = []
    for part in "\(layer)/\(weight)".split(separator: "/") where part != parts.last {
      parts.append(part)
    }
    let name = parts.joined(separator: "/")
    return name.hasSuffix(":0") ? String(name.dropLast(2)) : name
  }

  // MARK: - layers counted by class

  /// The form of Keras 3: `layers/conv2d_3/vars/0`, with the layer's name as an attribute in later
  /// versions.
  private mutating func addCountedLayers(_ table: HDF5Table, graph: SourceGraph?) throws {
    var counts: [String: Int] = [:]
    for dataset in table.datasets {
      if let variable = CountedVariable(dataset.path) {
        counts[variable.layerPath, default: 0] += 1
      }
    }
    for dataset in table.datasets {
      guard let variable = CountedVariable(dataset.path) else {
        // The optimizer's variables, seeds of dropout layers, metrics.
        count("ignored.other_variables")
        continue
      }
      let stored = table.text("name", of: variable.layerPath + "/vars")
      let configured = graph?.layersByPlace[variable.layerPath]
      if let stored, let name = configured?.names.last, stored != name {
        throw InputError(
          .badData, path: path,
          "names one layer in two ways: \(stored) and, by the order, \(name)",
          place: dataset.path)
      }
      let names =
        configured?.names
        ?? stored.map { name in
          variable.outerGroups.map { outer in
            table.text("name", of: outer.path + "/vars") ?? outer.name
          } + [name]
        }
      let own = configured.flatMap { layer in
        layer.variables.indices.contains(variable.number) ? layer.variables[variable.number] : nil
      }
      if let names, let name = own ?? variable.name(among: counts[variable.layerPath] ?? 0) {
        tensors.append(((names + [name]).joined(separator: "/"), dataset))
      } else {
        tensors.append((dataset.path, dataset))
      }
    }
  }

  private mutating func count(_ key: String) {
    metadata[key] = String((metadata[key].flatMap { Int($0) } ?? 0) + 1)
  }
}

/// The path of a variable in a Keras 3 weights file, taken apart.
struct CountedVariable {
  /// The group of the layer, such as `conv2d_3`.
  let group: String

  /// The path of that group, such as `layers/conv2d_3`.
  let layerPath: String

  /// The models that the layer is within, outermost first.
  let outerGroups: [(name: String, path: String)]

  /// Which of the layer's variables it is.
  let number: Int

  /// `nil` for a path that is no layer's variable.
  init?(_ path: String) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 4, parts.count.isMultiple(of: 2), parts[parts.count - 2] == "vars",
      let number = Int(parts[parts.count - 1])
    else { return nil }
    let pairs = stride(from: 0, to: parts.count - 2, by: 2)
    guard pairs.allSatisfy({ parts[$0] == "layers" }) else { return nil }
    self.number = number
    group = parts[parts.count - 3]
    layerPath = parts[..<(parts.count - 2)].joined(separator: "/")
    outerGroups = pairs.dropLast().map { index in
      (parts[index + 1], parts[...(index + 1)].joined(separator: "/"))
    }
  }

  /// What the variable is called in a layer of its class; `nil` where that cannot be told.
  ///
  /// - Parameter count: how many variables the layer has: a norm without gamma or beta has fewer than
  ///   four, and which one is missing only a configuration tells.
  func name(among count: Int) -> String? {
    let names: [String]
    switch Self.kind(of: group) {
    case "conv2d", "dense": names = ["kernel", "bias"]
    case "batch_normalization" where count == 4:
      names = ["gamma", "beta", "moving_mean", "moving_variance"]
    default: return nil
    }
    return names.indices.contains(number) ? names[number] : nil
  }

  /// `conv2d_3` as its class; the first layer of a class has no number.
  private static func kind(of group: String) -> String {
    guard let underscore = group.lastIndex(of: "_"),
      Int(group[group.index(after: underscore)...]) != nil
    else { return group }
    return String(group[..<underscore])
  }
}

import Files
import SourceGraph
import Tensors

/// Which dataset of an HDF5 file is which weight of a Keras model.
struct KerasLayout {
  let container: String
  private(set) var tensors: [(name: String, dataset: HDF5Table.Dataset)] = []
  private(set) var metadata: [String: String] = [:]
  /// The layers that the file lists, with or without weights.
  private(set) var layers = LayerList()

  private let path: String

  /// - Throws: `InputError` where the file's own lists contradict what it holds.
  init(_ table: HDF5Table, path: String, graph: SourceGraph?) throws {
    self.path = path
    if table.texts("layer_names", of: "") != nil {
      container = "keras-h5"
      try addLegacyLayers(table, under: "")
    } else if table.texts("layer_names", of: "model_weights") != nil {
      container = "keras-full-h5"
      try addLegacyLayers(table, under: "model_weights/", graph: graph)
    } else if table.groups.contains("layers")
      || table.groups.contains("_layer_checkpoint_dependencies")
      || table.groups.contains(where: { $0.hasSuffix("/vars") })
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
  private mutating func addLegacyLayers(
    _ table: HDF5Table, under base: String, graph: SourceGraph? = nil
  ) throws {
    let configured = KerasRenamed(graph)
    let root = String(base.dropLast(base.isEmpty ? 0 : 1))
    let layers = table.texts("layer_names", of: root) ?? []
    self.layers.areNames = true
    for layer in layers { self.layers.append(CountedVariable.kind(of: layer)) }
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
      let names = configured.names(ofWeights: weights, in: layer)
      if names == nil, let weight = configured.firstOutOfOrder(weights, in: layer) {
        throw InputError(
          .badData, path: path,
          "has a layer that was renamed after it was built to the name of another",
          place: "\(weight) of \(layer) stands where its configuration has another layer",
          hint: "model.save('model.keras') keeps weights by their place")
      }
      for (index, weight) in weights.enumerated() {
        let datasetPath = "\(base)\(layer)/\(weight)"
        guard let dataset = left.removeValue(forKey: datasetPath) else {
          throw InputError(
            .badData, path: path, "lacks a weight that its layer lists", place: datasetPath)
        }
        tensors.append((names?[index] ?? Self.name(layer: layer, weight: weight), dataset))
      }
    }
    // What no list names is not passed over in silence: a mapping will find it unexpected.
    let isTraining = { (path: String) in
      path.hasPrefix("optimizer_weights/") || CountedVariable.isOfTraining(path)
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
    for group in table.groups {
      CountedVariable.layerKind(group, in: table.groups).map { layers.append($0) }
    }
    let attributes = KerasAttributes(table)
    for kind in attributes.kinds { layers.append(kind) }
    if !attributes.parts.isEmpty {
      metadata["keras.parts.assumed"] =
        "\(attributes.parts.prefix(8).joined(separator: ", ")) and no other arithmetic"
    }
    var counts: [String: Int] = [:]
    for dataset in table.datasets {
      if let variable = CountedVariable(dataset.path) {
        counts[variable.layerPath, default: 0] += 1
      }
    }
    // HDF5 lists by name: the tenth layer of a class before its second.
    for dataset in table.datasets.sorted(by: { $0.path.precedesInNumbers($1.path) }) {
      guard let variable = CountedVariable(dataset.path) else {
        if CountedVariable.isOfTraining(dataset.path), !attributes.isOwnVariable(dataset.path) {
          count("ignored.other_variables")
        } else {
          // A layer within a layer, which no network here has: a mapping will find it unexpected.
          tensors.append((attributes.name(of: dataset.path) ?? dataset.path, dataset))
        }
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
    Self.variable(number, ofKind: Self.kind(of: group), among: count)
  }

  /// The name of a variable of a layer of a class.
  static func variable(_ number: Int, ofKind kind: String, among count: Int) -> String? {
    let names: [String]
    switch kind {
    case "conv2d", "dense": names = ["kernel", "bias"]
    case "batch_normalization" where count == 4:
      names = ["gamma", "beta", "moving_mean", "moving_variance"]
    default: return nil
    }
    return names.indices.contains(number) ? names[number] : nil
  }

  /// `conv2d_3` as its class; the first layer of a class has no number.
  static func kind(of group: String) -> String {
    guard let underscore = group.lastIndex(of: "_"),
      Int(group[group.index(after: underscore)...]) != nil
    else { return group }
    return String(group[..<underscore])
  }

  /// The class of a layer by its group; `nil` for a group that is none, or a model that lists its own layers.
  static func layerKind(_ group: String, in groups: Set<String>) -> String? {
    let parts = group.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count.isMultiple(of: 2),
      stride(from: 0, to: parts.count, by: 2).allSatisfy({ parts[$0] == "layers" }),
      !groups.contains(group + "/layers")
    else { return nil }
    return kind(of: String(parts[parts.count - 1]))
  }

  /// Whether a dataset that is no layer's variable belongs to training: an optimizer's, a metric's, or the seed of
  /// random numbers.
  static func isOfTraining(_ path: String) -> Bool {
    let parts = path.split(separator: "/")
    let roots: Set<Substring> = ["optimizer", "metrics", "_metrics", "loss", "vars"]
    return parts.first.map(roots.contains) ?? false
      || parts.contains { $0.hasPrefix("seed_generator") || $0.hasPrefix("_seed_generator") }
  }
}

extension String {
  /// Whether it comes before another one where runs of digits count as numbers.
  fileprivate func precedesInNumbers(_ other: String) -> Bool {
    let (own, others) = (numberedParts, other.numberedParts)
    for (first, second) in zip(own, others) where first != second {
      return first.text != second.text ? first.text < second.text : first.number < second.number
    }
    return own.count < others.count
  }

  /// The folders, each with the number that it ends in; −1 without one.
  private var numberedParts: [NumberedPart] {
    split(separator: "/").map { part in
      let digits = part.reversed().prefix { $0.isASCII && $0.isNumber }.count
      guard digits > 0, digits < 10, let number = Int(part.suffix(digits)) else {
        return NumberedPart(text: String(part), number: -1)
      }
      let word = part.dropLast(digits)
      return NumberedPart(
        text: String(word.hasSuffix("_") ? word.dropLast() : word), number: number)
    }
  }
}

/// A folder's name without the number at its end.
private struct NumberedPart: Equatable {
  let text: String
  let number: Int
}

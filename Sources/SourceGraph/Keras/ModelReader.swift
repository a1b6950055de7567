import Files
import Plain
import Tensors

/// Reads descriptions from the JSON of a configuration; nothing in it is ever instantiated.
struct ModelReader {
  /// The most models that may stand within each other.
  private static let maximumDepth = 8
  static let modelClasses = SourceGraph.kerasModelClasses

  let path: String
  /// The version of Keras that wrote the configuration, where that is known.
  let version: String?

  /// Reads the description of a whole model.
  ///
  /// - Throws: `InputError` where the configuration is not one of a model that is understood.
  func model(json: String) throws(InputError) -> ModelDescription {
    let value: JSONValue
    do {
      // Keras writes NaN and Infinity, which the standard lacks.
      value = try JSONValue(
        json: json.utf8, subject: "its configuration", allowsNonFinite: true)
    } catch {
      throw InputError(.badData, path: path, error.problem, place: error.place)
    }
    return try model(value, depth: 0)
  }

  private func model(_ value: JSONValue, depth: Int) throws(InputError) -> ModelDescription {
    guard depth < Self.maximumDepth else {
      throw fault("has too many models within each other", at: "the limit is \(Self.maximumDepth)")
    }
    let className = value["class_name"]?.text ?? ""
    let settings = value["config"]
    guard Self.modelClasses.contains(className), isKerasOwn(value),
      let layers = (settings?["layers"] ?? settings)?.elements
    else {
      throw fault(
        "is a model whose own graph cannot be run", at: "it is of the class '\(className)'")
    }
    var entries: [Entry] = []
    for layer in layers { entries.append(try Entry(layer, reader: self)) }
    var indices: [String: Int] = [:]
    for (index, entry) in entries.enumerated() {
      guard indices.updateValue(index, forKey: entry.name) == nil else {
        throw fault("has a configuration with two layers of one name", at: entry.name)
      }
    }
    var result = ModelDescription()
    for entry in entries { result.layers.append(try layer(entry, depth: depth)) }
    if className == "Sequential" {
      chain(&result, entries)
      return result
    }
    let links = Links(reader: self, indices: indices, entries: entries)
    for (index, entry) in entries.enumerated() {
      result.layers[index].calls = try links.calls(of: entry)
    }
    result.inputs = try links.ends(settings?["input_layers"], "input_layers").map(\.layer)
    result.outputs = try links.ends(settings?["output_layers"], "output_layers")
    for index in result.inputs where entries[index].className != "InputLayer" {
      throw entries[index].settings.fault("is listed as an input")
    }
    return result
  }

  private func layer(_ entry: Entry, depth: Int) throws(InputError) -> ModelDescription.Layer {
    var layer = ModelDescription.Layer(
      name: entry.name, className: entry.className, content: .operations, calls: [],
      halfPrecision: entry.settings.halfPrecision,
      isFrozen: entry.settings.values["trainable"] == .bool(false))
    if entry.isModel {
      layer.content = .model(try model(entry.value, depth: depth + 1))
    } else if entry.className == "InputLayer" {
      layer.input = entry.operations([])[0]
      layer.integerType = entry.settings.integerType
    }
    return layer
  }

  /// Connects the layers of a sequence, which has an input of its own where none is listed.
  private func chain(_ model: inout ModelDescription, _ entries: [Entry]) {
    for (index, entry) in entries.enumerated() {
      let operations = entry.operations([.value(0)])
      model.layers[index].calls = [.init(references: [], operations: operations)]
    }
    if model.layers.first?.className != "InputLayer" {
      let input = SourceOperation.input(height: nil, width: nil, channels: nil)
      model.layers.insert(
        .init(name: "", className: "InputLayer", content: .operations, calls: [], input: input),
        at: 0)
    }
    model.layers[0].calls = []
    for index in model.layers.indices.dropFirst() {
      model.layers[index].calls[0].references = [.init(layer: index - 1, call: 0, output: 0)]
    }
    model.inputs = [0]
    model.outputs = [.init(layer: model.layers.count - 1, call: 0, output: 0)]
  }

  /// Whether a class is Keras' own and not somebody's of the same name: an `.h5` has no modules, and a class that nobody
  /// registered has `null`.
  func isKerasOwn(_ value: JSONValue) -> Bool {
    guard value["module"] != .null else { return false }
    let module = value["module"]?.text ?? "keras"
    let root = module.split(separator: ".").first.map(String.init) ?? ""
    return ["keras", "tf_keras", "tensorflow"].contains(root)
      && value["registered_name"]?.text?.contains(">") != true
  }

  func fault(_ problem: String, at place: String) -> InputError {
    InputError(.badData, path: path, problem, place: place)
  }
}

/// One layer of the list, with what is in every kind of layer.
struct Entry {
  let name: String
  let className: String
  let settings: LayerSettings
  let value: JSONValue

  init(_ value: JSONValue, reader: ModelReader) throws(InputError) {
    guard let className = value["class_name"]?.text, let config = value["config"],
      let name = config["name"]?.text ?? value["name"]?.text, !name.isEmpty, !name.contains("/")
    else {
      throw reader.fault(
        "has a configuration that is not a list of layers",
        at: "every layer needs class_name, config and a name without a stroke")
    }
    self.name = name
    self.className = className
    self.value = value
    settings = LayerSettings(
      path: reader.path, name: name, className: className, values: config,
      isKerasOwn: reader.isKerasOwn(value), module: value["module"]?.text ?? "",
      registeredName: value["registered_name"]?.text, version: reader.version)
  }

  /// Whether it is a model in a layer's place.
  var isModel: Bool { ModelReader.modelClasses.contains(className) && settings.isKerasOwn }

  /// What a call of the layer does; what is not understood says so.
  func operations(
    _ arguments: [Argument], named: [String: Argument] = [:]
  ) -> [SourceOperation] {
    do {
      return try settings.operations(arguments, named: named)
    } catch {
      return [.other(error)]
    }
  }
}

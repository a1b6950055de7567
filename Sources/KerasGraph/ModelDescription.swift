import Tensors

/// A model as its configuration lists it: layers, who calls whom, and models within it.
struct ModelDescription {
  /// The layers in the order of the list.
  var layers: [Layer] = []
  /// The layers of class `InputLayer` in the order in which the model takes its inputs.
  var inputs: [Int] = []
  /// What the model puts out.
  var outputs: [Reference] = []

  /// A layer, or a model in its place.
  struct Layer {
    /// What it is called.
    var name: String
    /// Its class, such as `Conv2D`.
    var className: String
    /// What it is.
    var content: Content
    /// Where it is called, and with what; the input layer never is.
    var calls: [[Reference]]
  }

  /// What a layer is.
  enum Content {
    case operation(KerasOperation)
    case model(ModelDescription)
  }

  /// One value: what a call of a layer gave.
  struct Reference {
    /// The index of the layer in ``ModelDescription/layers``.
    var layer: Int
    /// Which call of the layer.
    var call: Int
    /// Which of a model's outputs.
    var output: Int
  }
}

/// Reads descriptions from the JSON of a configuration; nothing in it is ever instantiated.
struct ModelReader {
  /// The most models that may stand within each other.
  private static let maximumDepth = 8
  static let modelClasses: Set<String> = ["Functional", "Model", "Sequential"]

  let path: String

  /// Reads the description of a whole model.
  ///
  /// - Throws: `InputError` where the configuration is not one of a model that is understood.
  func model(json: String) throws(InputError) -> ModelDescription {
    let value: JSONValue
    do {
      value = try JSONValue(json: json.utf8)
    } catch {
      throw InputError(
        .badData, path: path, "has a configuration that \(error.problem)",
        place: "after \(error.offset) bytes of its JSON")
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
    for entry in entries {
      result.layers.append(
        .init(
          name: entry.name, className: entry.className,
          content: try content(of: entry, depth: depth), calls: []))
    }
    if className == "Sequential" {
      chain(&result)
    } else {
      let links = Links(reader: self, indices: indices, entries: entries)
      for (index, entry) in entries.enumerated() {
        result.layers[index].calls = try links.calls(of: entry)
      }
      result.inputs = try links.ends(settings?["input_layers"], "input_layers").map(\.layer)
      result.outputs = try links.ends(settings?["output_layers"], "output_layers")
      for index in result.inputs where entries[index].className != "InputLayer" {
        throw entries[index].settings.fault("is listed as an input")
      }
    }
    return result
  }

  private func content(
    of entry: Entry, depth: Int
  ) throws(InputError) -> ModelDescription.Content {
    if Self.modelClasses.contains(entry.className) {
      return .model(try model(entry.value, depth: depth + 1))
    }
    return .operation(try KerasOperation(entry.settings))
  }

  /// Connects the layers of a sequence, which has an input of its own where none is listed.
  private func chain(_ model: inout ModelDescription) {
    let hasInput = model.layers.first?.className == "InputLayer"
    if !hasInput {
      let input = KerasOperation.input(height: nil, width: nil, channels: nil)
      model.layers.insert(
        .init(name: "", className: "InputLayer", content: .operation(input), calls: []), at: 0)
    }
    for index in model.layers.indices.dropFirst() {
      model.layers[index].calls = [[.init(layer: index - 1, call: 0, output: 0)]]
    }
    model.inputs = [0]
    model.outputs = [.init(layer: model.layers.count - 1, call: 0, output: 0)]
  }

  /// Whether a class is Keras' own and not somebody's of the same name.
  func isKerasOwn(_ value: JSONValue) -> Bool {
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
    guard reader.isKerasOwn(value) else {
      throw reader.fault(
        "has a configuration in which \(name) is of a class that its own graph cannot be run with",
        at: value["registered_name"]?.text ?? "\(value["module"]?.text ?? "").\(className)")
    }
    self.name = name
    self.className = className
    self.value = value
    settings = LayerSettings(path: reader.path, name: name, className: className, values: config)
  }
}

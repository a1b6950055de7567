import Files
import Plain
import Tensors

/// What a layer is called with.
indirect enum Argument {
  /// One of the values that the call reads.
  case value(Int)
  /// A number, a text, a list, …: what is no other layer's value.
  case constant(JSONValue)
  /// Several, of which some are values.
  case list([Argument])
}

/// Reads who calls whom in a functional model, in the forms of Keras 2 and Keras 3.
struct Links {
  let reader: ModelReader
  /// The layers by name.
  let indices: [String: Int]
  let entries: [Entry]

  /// The calls of a layer, each with what it is given.
  func calls(of entry: Entry) throws(InputError) -> [ModelDescription.Call] {
    var calls: [ModelDescription.Call] = []
    for node in try nodes(of: entry) {
      let read = try CallReader(node, of: entry, links: self)
      guard !read.references.isEmpty else {
        throw entry.settings.fault(
          "has inbound_nodes that are damaged, or are no values of layers",
          expected: "the values of other layers")
      }
      if entry.isModel { try read.requireInference(version: reader.version) }
      calls.append(
        .init(
          references: read.references,
          operations: entry.operations(read.positional, named: read.named)))
    }
    guard calls.isEmpty == (entry.className == "InputLayer") else {
      throw entry.settings.fault(
        calls.isEmpty ? "is connected to nothing" : "is an input that reads another layer")
    }
    return calls
  }

  /// The layers at a model's ends: one `[name, call, output]`, a list of them, or one for each name.
  func ends(
    _ value: JSONValue?, _ setting: String
  ) throws(InputError) -> [ModelDescription.Reference] {
    var elements = value?.elements ?? []
    if case .object(let named) = value {
      elements = named.sorted { $0.key < $1.key }.map(\.value)
    }
    let lists = elements.first?.text != nil ? [elements] : elements.map { $0.elements ?? [] }
    var ends: [ModelDescription.Reference] = []
    for list in lists {
      guard let reference = try reference(list, .end) else {
        throw reader.fault("has a configuration with damaged ends", at: setting)
      }
      ends.append(reference)
    }
    guard !ends.isEmpty else { throw reader.fault("has a configuration without ends", at: setting) }
    return ends
  }

  private func nodes(of entry: Entry) throws(InputError) -> [JSONValue] {
    switch entry.value["inbound_nodes"] {
    case nil, .null: return []
    case .list(let nodes): return nodes
    default: throw entry.settings.fault("has damaged inbound_nodes", expected: "a list")
    }
  }

  /// Where a reference stands.
  enum Place {
    /// In a call as Keras 2 writes it.
    case list
    /// In a call as Keras 3 writes it.
    case object
    /// In the list of the model's inputs or outputs.
    case end
  }

  /// `[name, call, output]` with the call counted from 0; `nil` where it is damaged.
  ///
  /// A model within a model was called once when it was made, which Keras 2 counts, and in the list of outputs Keras 3 too,
  /// but for a `Sequential`. There it counts the calls in other models as well, of which its own reader knows nothing either.
  func reference(
    _ parts: [JSONValue], _ place: Place
  ) throws(InputError) -> ModelDescription.Reference? {
    guard parts.count == 3, let name = parts[0].text, var call = parts[1].integer,
      let output = parts[2].integer, call >= 0, output >= 0
    else { return nil }
    guard let layer = indices[name] else {
      throw reader.fault("has a configuration that lacks a layer which another one reads", at: name)
    }
    let value = entries[layer].value
    let nodes = value["inbound_nodes"]?.elements ?? []
    let calls = max(nodes.count, 1)
    let className = entries[layer].className
    let isModel = ModelReader.modelClasses.contains(className)
    let isOfKeras2 = nodes.first?.elements != nil
    switch place {
    case .list where isModel: call = max(call - 1, 0)
    case .end where calls == 1: call = 0
    case .end where isModel && (isOfKeras2 || className != "Sequential"): call = max(call - 1, 0)
    default: break
    }
    guard call < calls else {
      throw reader.fault(
        "has a configuration that reads a call which a layer does not have",
        at: "\(name), call \(parts[1].integer ?? 0)")
    }
    return .init(layer: layer, call: call, output: output)
  }
}

/// Reads what one call is given.
struct CallReader {
  private(set) var references: [ModelDescription.Reference] = []
  private(set) var positional: [Argument] = []
  private(set) var named: [String: Argument] = [:]

  private let entry: Entry
  private let links: Links

  init(_ node: JSONValue, of entry: Entry, links: Links) throws(InputError) {
    self.entry = entry
    self.links = links
    if let elements = node.elements {
      // Keras 2: [[name, call, output, {arguments}], …], or for an operation just the inner list.
      for element in elements.first?.text == nil ? elements : [node] {
        try readList(element.elements ?? [])
      }
    } else {
      // Keras 3: {"args": [tensor, or a list of tensors, or a constant], "kwargs": {…}}.
      guard let arguments = node["args"]?.elements else { throw damaged }
      for argument in arguments { positional.append(try object(argument)) }
      for (name, value) in try entries(node["kwargs"] ?? .object([:])) {
        named[name] = try object(value)
      }
    }
  }

  private mutating func readList(_ parts: [JSONValue]) throws(InputError) {
    guard (3...4).contains(parts.count) else { throw damaged }
    if parts[0].text == "_CONSTANT_VALUE", parts[1].integer == -1 {
      positional.append(.constant(parts[2]))
    } else {
      guard let reference = try links.reference(Array(parts.prefix(3)), .list) else {
        throw damaged
      }
      positional.append(value(reference))
    }
    guard parts.count == 4 else { return }
    for (name, value) in try entries(parts[3]) { named[name] = try listed(value) }
  }

  /// Named arguments in a stated order: the values among them get numbers.
  private func entries(_ arguments: JSONValue) throws(InputError) -> [(String, JSONValue)] {
    guard case .object(let entries) = arguments else { throw damaged }
    return entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  private mutating func value(_ reference: ModelDescription.Reference) -> Argument {
    references.append(reference)
    return .value(references.count - 1)
  }

  /// An argument as Keras 3 writes it.
  private mutating func object(_ value: JSONValue) throws(InputError) -> Argument {
    switch value["class_name"]?.text {
    case "__keras_tensor__":
      guard let history = value["config"]?["keras_history"]?.elements,
        let reference = try links.reference(history, .object)
      else { throw damaged }
      return self.value(reference)
    case "__tensor__", "__numpy__":
      return .constant(value["config"]?["value"] ?? .null)
    default:
      guard let elements = value.elements, value.mentions("__keras_tensor__") else {
        return .constant(value)
      }
      var list: [Argument] = []
      for element in elements { list.append(try object(element)) }
      return .list(list)
    }
  }

  /// A named argument as Keras 2 writes it: another layer's value is `[name, call, output]`.
  private mutating func listed(_ value: JSONValue) throws(InputError) -> Argument {
    guard let parts = value.elements, parts.count == 3, let name = parts[0].text,
      links.indices[name] != nil, let reference = try links.reference(parts, .list)
    else { return .constant(value) }
    return self.value(reference)
  }

  /// Refuses a call of a model as in training, with which norms take the statistics of each batch.
  ///
  /// Keras 3 takes that back in `predict`, for all layers within; whoever calls the model itself gets the other values.
  func requireInference(version: String?) throws(InputError) {
    let isTakenBack =
      version?.hasPrefix("3") == true && !entry.value.has(className: "BatchNormalization")
    for (index, argument) in positional.enumerated() {
      guard case .constant(let value) = argument, value != .null, value != .bool(false) else {
        continue
      }
      throw entry.settings.fault(
        "is called with an argument that is not understood: number \(index + 1), \(value.json)")
    }
    for (name, argument) in named.sorted(by: { $0.key < $1.key }) {
      switch argument {
      case .constant(.null): continue
      case .value where name == "inputs", .list where name == "inputs": continue
      default: break
      }
      guard name == "training", case .constant(.bool(let isOn)) = argument else {
        throw entry.settings.fault("is called with an argument that is not understood: \(name)")
      }
      guard !isOn || isTakenBack else {
        throw entry.settings.fault(
          "is called with training=True, which gives other values for each batch",
          expected: "training=False, or none")
      }
    }
  }

  private var damaged: InputError {
    entry.settings.fault(
      "has inbound_nodes that are damaged, or are no values of layers",
      expected: "the values of other layers")
  }
}

extension JSONValue {
  /// Whether an object of a class is anywhere within.
  fileprivate func has(className: String) -> Bool {
    switch self {
    case .list(let elements): elements.contains { $0.has(className: className) }
    case .object(let entries):
      entries["class_name"] == .text(className)
        || entries.values.contains { $0.has(className: className) }
    default: false
    }
  }

  /// Whether a list has, directly or in lists within it, an object of a class.
  fileprivate func mentions(_ className: String) -> Bool {
    if let elements { return elements.contains { $0.mentions(className) } }
    return self["class_name"]?.text == className
  }
}

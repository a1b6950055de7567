import Tensors

/// Reads who calls whom in a functional model, in the forms of Keras 2 and Keras 3.
struct Links {
  let reader: ModelReader
  /// The layers by name.
  let indices: [String: Int]
  let entries: [Entry]

  /// The calls of a layer, each with what it is given.
  func calls(of entry: Entry) throws(InputError) -> [[ModelDescription.Reference]] {
    var calls: [[ModelDescription.Reference]] = []
    for node in try nodes(of: entry) {
      let tensors = try tensors(node, of: entry)
      guard !tensors.isEmpty else { throw entry.settings.fault("is called with nothing") }
      calls.append(tensors)
    }
    guard calls.isEmpty == (entry.className == "InputLayer") else {
      throw entry.settings.fault(
        calls.isEmpty ? "is connected to nothing" : "is an input that reads another layer")
    }
    return calls
  }

  /// The layers at a model's ends: one `[name, call, output]`, or a list of them.
  func ends(
    _ value: JSONValue?, _ setting: String
  ) throws(InputError) -> [ModelDescription.Reference] {
    let elements = value?.elements ?? []
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

  /// What one call is given.
  private func tensors(
    _ node: JSONValue, of entry: Entry
  ) throws(InputError) -> [ModelDescription.Reference] {
    var references: [ModelDescription.Reference] = []
    if let elements = node.elements {
      // Keras 2: [[name, call, output, {arguments}], …].
      for element in elements {
        let parts = element.elements ?? []
        guard let reference = try reference(Array(parts.prefix(3)), .list),
          parts.count <= 4
        else { throw damagedCall(of: entry) }
        if parts.count == 4 { try checkArguments(parts[3], of: entry) }
        references.append(reference)
      }
      return references
    }
    // Keras 3: {"args": [tensor, or a list of tensors], "kwargs": {…}}.
    guard let arguments = node["args"]?.elements else { throw damagedCall(of: entry) }
    try checkArguments(node["kwargs"] ?? .object([:]), of: entry)
    for argument in arguments.flatMap({ $0.elements ?? [$0] }) {
      guard argument["class_name"] == .text("__keras_tensor__"),
        let history = argument["config"]?["keras_history"]?.elements,
        let reference = try reference(history, .object)
      else { throw damagedCall(of: entry) }
      references.append(reference)
    }
    return references
  }

  private func damagedCall(of entry: Entry) -> InputError {
    entry.settings.fault(
      "has inbound_nodes that are damaged, or are no values of layers",
      expected: "the values of other layers")
  }

  /// Only arguments that change nothing are accepted.
  private func checkArguments(_ arguments: JSONValue, of entry: Entry) throws(InputError) {
    guard case .object(let arguments) = arguments else { throw damagedCall(of: entry) }
    for (name, value) in arguments.sorted(by: { $0.key < $1.key }) {
      guard value == .null || (name == "training" && value == .bool(false)) else {
        throw entry.settings.fault("is called with an argument that is not understood: \(name)")
      }
    }
  }

  /// Where a reference stands.
  private enum Place {
    /// In a call as Keras 2 writes it.
    case list
    /// In a call as Keras 3 writes it.
    case object
    /// In the list of the model's inputs or outputs.
    case end
  }

  /// `[name, call, output]` with the call counted from 0; `nil` where it is damaged.
  ///
  /// A model within a model was called once when it was made, which Keras 2 counts. In the list of
  /// outputs Keras 3 counts the calls in other models too: of several calls none can be told then.
  private func reference(
    _ parts: [JSONValue], _ place: Place
  ) throws(InputError) -> ModelDescription.Reference? {
    guard parts.count == 3, let name = parts[0].text, var call = parts[1].integer,
      let output = parts[2].integer, call >= 0, output >= 0
    else { return nil }
    guard let layer = indices[name] else {
      throw reader.fault("has a configuration that lacks a layer which another one reads", at: name)
    }
    let value = entries[layer].value
    let calls = max(value["inbound_nodes"]?.elements?.count ?? 0, 1)
    let isModel = ModelReader.modelClasses.contains(entries[layer].className)
    if place == .list, isModel, call > 0 { call -= 1 }
    if place == .end, calls == 1 { call = 0 }
    guard call < calls else {
      throw reader.fault(
        "has a configuration that reads a call which a layer does not have",
        at: "\(name), call \(parts[1].integer ?? 0)")
    }
    return .init(layer: layer, call: call, output: output)
  }
}

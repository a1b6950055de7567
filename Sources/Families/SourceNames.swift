import Files
import Plain
import SourceGraph
import Tensors

/// The tensors of a file under names freed of what containers add to them.
struct SourceNames {
  /// The file, for messages.
  let path: String

  /// The tensors by cleaned name.
  let tensors: [String: TensorInfo]

  /// The place of each tensor in the file's own order, by the file's name.
  let positions: [String: Int]

  /// What the user's own rules make of the tensors.
  let rules: AppliedRules

  /// What takes out of a name the words for wrapped parts.
  let wrappers: WrapperNames

  /// The tensors that the user leaves out.
  let ignored: [Mapping.Waived]

  /// - Throws: `InputError` where two tensors have the same cleaned name, or a pattern or a rule matches none.
  init(_ source: some WeightSource, told: Told = Told()) throws(InputError) {
    path = source.path
    positions = Dictionary(
      source.tensors.enumerated().map { ($1.name, $0) }
    ) { first, _ in first }
    for pattern in told.ignored
    where !source.tensors.contains(where: { pattern.matches($0.name) })
      && !source.layerList.kinds.contains(where: pattern.matches)
    {
      throw InputError(
        .badData, path: path, "has no tensor called '\(pattern.text)', which --ignore names")
    }
    rules =
      try told.rules.map { rules throws(InputError) in try AppliedRules(rules, to: source) }
      ?? AppliedRules()
    wrappers = WrapperNames(source.tensors.map(\.name))
    var tensors: [String: TensorInfo] = [:]
    var ignored = rules.waived
    let waived = Set(rules.waived.map(\.tensor.name))
    for tensor in source.tensors where !waived.contains(tensor.name) {
      if let pattern = told.ignored.first(where: { $0.matches(tensor.name) }) {
        ignored.append(.init(tensor: tensor, reason: "left out by --ignore \(pattern.text)"))
        continue
      }
      let name =
        rules.names[tensor.name] ?? wrappers.unwrapped(SourceNames.cleaned(tensor.name))
      if let other = tensors.updateValue(rules.rearranged(tensor), forKey: name) {
        throw InputError(
          .badData, path: path, "two tensors for one name",
          place: "\(other.name) and \(tensor.name)\(rules.names.isEmpty ? "" : ", \(name)")")
      }
    }
    self.tensors = tensors
    self.ignored = ignored
  }

  /// A name without TensorFlow's output number, the folder of a full Keras model, and a layer's
  /// folder within the folder of the same layer.
  static func cleaned(_ name: String) -> String {
    var parts = name.split(separator: "/", omittingEmptySubsequences: true)
    if parts.count > 1, parts[0] == "model_weights" { parts.removeFirst() }
    var result: [Substring] = []
    for part in parts where part != result.last { result.append(part) }
    if let last = result.last, last.hasSuffix(":0") {
      result[result.count - 1] = last.dropLast(2)
    }
    return result.joined(separator: "/")
  }

  /// The error for a file that none of the families knows.
  func unrecognized(requested: Family?) -> InputError {
    let examples = tensors.keys.sorted().prefix(3).joined(separator: ", ")
    let place =
      tensors.isEmpty ? "the file holds no tensors" : "its tensors are named \(examples), …"
    let families = Family.all.map(\.id).joined(separator: ", ")
    if let norm = tensors.keys.filter({
      $0.contains("/batch_normalization") && $0.hasSuffix("/vars/2")
    })
    .min(), !tensors.keys.contains(norm.dropLast() + "3") {
      return InputError(
        .badData, path: path,
        "has norms of three tensors, and does not tell whether gamma or beta is missing",
        place: norm, hint: "the whole model (model.save('model.keras')) tells it")
    }
    if let own = tensors.keys.filter({ $0.contains("/vars/") && !$0.hasPrefix("layers/") }).min() {
      return InputError(
        .badData, path: path,
        "holds the weights of a model that is written as a class, whose code says what its layers do",
        place: own,
        hint:
          "build the same of layers (keras.Model(inputs, outputs)), load these weights into it and save the whole: "
          + "model.save('model.keras')")
    }
    let other = OtherNetworks.title(of: tensors.keys).map { "is \($0), which is not computed" }
    return InputError(
      .badData, path: path,
      requested.map { "is not a file of the family \($0.id)" } ?? other
        ?? "is of no known ResNetV2 family",
      place: place,
      hint: "known families: \(families); `rnw inspect` lists the tensors")
  }
}

import Files
import Plain
import Tensors

/// The tensors of a file under names freed of what containers add to them.
struct SourceNames {
  /// The file, for messages.
  let path: String

  /// The tensors by cleaned name.
  let tensors: [String: TensorInfo]

  /// The tensors that the user leaves out.
  let ignored: [Mapping.Waived]

  /// - Throws: `InputError` where two tensors have the same cleaned name, or a pattern matches none.
  init(_ source: some WeightSource, ignoring patterns: [Glob] = []) throws(InputError) {
    path = source.path
    var tensors: [String: TensorInfo] = [:]
    for pattern in patterns where !source.tensors.contains(where: { pattern.matches($0.name) }) {
      throw InputError(
        .badData, path: path, "has no tensor called '\(pattern.text)', which --ignore names")
    }
    var ignored: [Mapping.Waived] = []
    for tensor in source.tensors {
      if let pattern = patterns.first(where: { $0.matches(tensor.name) }) {
        ignored.append(.init(tensor: tensor, reason: "left out by --ignore \(pattern.text)"))
        continue
      }
      let name = SourceNames.cleaned(tensor.name)
      if let other = tensors.updateValue(tensor, forKey: name) {
        throw InputError(
          .badData, path: path, "two tensors for one name",
          place: "\(other.name) and \(tensor.name)")
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
    let other = OtherNetworks.title(of: tensors.keys).map { "is \($0), which is not computed" }
    return InputError(
      .badData, path: path,
      requested.map { "is not a file of the family \($0.id)" } ?? other
        ?? "is of no known ResNetV2 family",
      place: place,
      hint: "known families: \(families); `rnw inspect` lists the tensors")
  }
}

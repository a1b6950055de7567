import Tensors

/// The tensors of a file under names freed of what containers add to them.
struct SourceNames {
  /// The file, for messages.
  let path: String

  /// The tensors by cleaned name.
  let tensors: [String: TensorInfo]

  /// - Throws: `InputError` where two tensors have the same cleaned name.
  init(_ source: some WeightSource) throws(InputError) {
    path = source.path
    var tensors: [String: TensorInfo] = [:]
    for tensor in source.tensors {
      let name = SourceNames.cleaned(tensor.name)
      if let other = tensors.updateValue(tensor, forKey: name) {
        throw InputError(
          .badData, path: path, "two tensors for one name",
          place: "\(other.name) and \(tensor.name)")
      }
    }
    self.tensors = tensors
  }

  /// A name without TensorFlow's output number, the folder of a full Keras model, and a layer's folder
  /// within the folder of the same layer.
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
    for refusal in Refusal.all where refusal.matches(tensors) {
      return InputError(.badData, path: path, refusal.problem, hint: refusal.hint)
    }
    let examples = tensors.keys.sorted().prefix(3).joined(separator: ", ")
    let place = tensors.isEmpty ? "the file holds no tensors" : "its tensors are named \(examples), …"
    let families = Family.all.map(\.id).joined(separator: ", ")
    return InputError(
      .badData, path: path,
      requested.map { "is not a file of the family \($0.id)" } ?? "is of no known ResNetV2 family",
      place: place,
      hint: "known families: \(families); `rnw inspect` lists the tensors")
  }
}

/// A network that is recognised and is none of ours: refused by name, so that nobody takes it for one.
private struct Refusal {
  let problem: String
  let hint: String?
  let matches: @Sendable ([String: TensorInfo]) -> Bool

  static let all: [Refusal] = [
    Refusal(
      problem: "is a Keras ResNet of version 1 (conv1_bn), not a ResNetV2",
      hint: "in version 1 the norms come after the convolutions: its weights mean nothing in a ResNetV2"
    ) { $0.keys.contains { $0.hasSuffix("conv1_bn/gamma") } },
    Refusal(
      problem: "is a Keras ResNet of version 1 (as many norms as convolutions), not a ResNetV2",
      hint: "in version 1 the norms come after the convolutions: its weights mean nothing in a ResNetV2"
    ) { tensors in
      let convolutions = tensors.count { $0.key.hasSuffix("/vars/0") && $0.value.shape.rank == 4 }
      let variances = tensors.keys.count { $0.hasSuffix("/vars/3") }
      return convolutions > 1 && convolutions == variances
    },
    Refusal(
      problem: "is a torchvision ResNet of version 1 (no bn_last), not a ResNetV2", hint: nil
    ) { tensors in
      tensors.keys.contains { $0.hasSuffix("layer1.0.bn1.weight") }
        && !tensors.keys.contains { $0.hasSuffix("bn_last.weight") }
    },
  ]
}

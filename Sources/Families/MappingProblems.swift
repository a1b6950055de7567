package import Files
import Plain
import ResNetV2
import Tensors

/// What keeps a file from being a network: collected, so that one message names it all.
package struct MappingProblems: Sendable {
  private let path: String

  /// The network that was expected.
  var network = ""

  private var missing: [(name: String, shape: Shape, role: Parameter.Role)] = []
  private var misshapen: [String] = []
  private var unexpected: [TensorInfo] = []
  /// What is wrong as a whole, where that is known.
  private var explanation: InputError?

  init(path: String) {
    self.path = path
  }

  mutating func addMissing(_ parameter: Parameter, name: String) {
    missing.append((name, parameter.shape, parameter.role))
  }

  mutating func addMisshapen(_ tensor: TensorInfo, expected: Shape) {
    misshapen.append("\(tensor.name) is \(tensor.shape), expected \(expected)")
  }

  mutating func addWrongType(_ tensor: TensorInfo) {
    misshapen.append("\(tensor.name) is \(tensor.dtype.name), expected a float type")
  }

  mutating func addUnexpected(_ tensors: [TensorInfo]) {
    unexpected += tensors.sorted { $0.name < $1.name }
  }

  /// Finds out whether what is missing is all that the family keeps in another file, and nothing else is wrong.
  mutating func explainStatistics(of graph: Graph, in family: Family) {
    guard let separate = family.separateFiles, misshapen.isEmpty, unexpected.isEmpty,
      let first = missing.first, missing.allSatisfy({ !$0.role.isTrained }),
      missing.count == graph.parameters.count(where: { !$0.role.isTrained })
    else { return }
    explanation = separate.withoutStatistics(
      path: path, missing: "missing \(first.name) and \(missing.count - 1) more")
  }

  /// The error, or `nil` where there is no problem.
  package var error: InputError? {
    let findings = findings
    guard !findings.isEmpty else { return nil }
    if let explanation { return explanation }
    let shown = findings.prefix(3).joined(separator: "; ")
    let rest = findings.count > 3 ? "; and \(findings.count - 3) more" : ""
    return InputError(
      .badData, path: path, "does not fit \(network)", place: shown + rest,
      hint: findings.count > 3 ? "`rnw convert --dry-run` prints the whole mapping" : nil,
      reason: .otherNetwork)
  }

  /// Everything that does not fit, one line each, with the nearest name beside a missing one.
  package var findings: [String] {
    misshapen
      + missing.map { name, shape, _ in
        "missing \(name) (\(shape))" + nearest(to: name, shape: shape)
      }
      + layerNorms.map { "\($0) has the tensors of a LayerNormalization, which is not computed" }
      + unexpected.map { "unexpected \($0.name) (\($0.shape))" }
  }

  /// The layers beyond the network that have a scale and a shift and no statistics.
  private var layerNorms: [String] {
    let shapes = Dictionary(unexpected.map { ($0.name, $0.shape) }) { first, _ in first }
    return unexpected.compactMap { tensor in
      for (scale, shift) in [(".weight", ".bias"), ("/gamma", "/beta"), ("/vars/0", "/vars/1")]
      where tensor.name.hasSuffix(scale) && tensor.shape.rank == 1 {
        let layer = tensor.name.dropLast(scale.count)
        if shapes[layer + shift] == tensor.shape, shapes[layer + ".running_mean"] == nil,
          shapes[layer + "/moving_mean"] == nil, shapes[layer + "/vars/2"] == nil
        {
          return String(layer)
        }
      }
      return nil
    }
  }

  /// The unexpected tensor that a missing name most likely means.
  private func nearest(to name: String, shape: Shape) -> String {
    let limit = max(3, name.count / 4)
    let candidates = unexpected.map { (tensor: $0, distance: editDistance($0.name, name)) }
    if let best = candidates.filter({ $0.distance <= limit })
      .min(by: { $0.distance < $1.distance })
    {
      return ", nearest is \(best.tensor.name)"
    }
    // Names of another kind: what has its sizes, in whatever order.
    let sizes = shape.dimensions.sorted()
    let same = candidates.filter { $0.tensor.shape.dimensions.sorted() == sizes }
    let alike = same.isEmpty ? candidates.filter { $0.tensor.shape.kind == shape.kind } : same
    guard let best = alike.min(by: { $0.distance < $1.distance }) else { return "" }
    return ", of its \(same.isEmpty ? "kind" : "shape") is \(best.tensor.name)"
      + (alike.count > 1 ? " and \(alike.count - 1) more" : "")
  }
}

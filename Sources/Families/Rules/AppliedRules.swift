import Files
import Tensors

/// What rules make of a file's tensors.
struct AppliedRules {
  /// The new names by the file's.
  private(set) var names: [String: String] = [:]
  /// How tensors are rearranged, by the file's name.
  private(set) var rearrangements: [String: Rearrangement] = [:]
  /// The tensors that are passed over.
  private(set) var waived: [Mapping.Waived] = []

  /// No rules.
  init() {}

  /// - Throws: `InputError` that names the rule and the tensor where a rule matches none, or does not fit one.
  init(_ rules: Rules, to source: some WeightSource) throws(InputError) {
    var unused = Set(rules.rules.indices)
    let expressions = try Self.expressions(of: rules, path: source.path)
    for tensor in source.tensors {
      for (index, expression) in expressions.enumerated() {
        guard let match = try? expression.wholeMatch(in: tensor.name) else { continue }
        unused.remove(index)
        let groups = match.output.map(\.substring)
        try apply(rules.rules[index], groups, to: tensor, path: source.path)
        break
      }
    }
    guard let index = unused.min() else { return }
    throw InputError(
      .badData, path: source.path, "has no tensor that a rule matches",
      place: "rule \(index + 1), \(rules.rules[index].match), or all that it matches are another's",
      hint: "`rnw inspect` lists the tensors")
  }

  /// A tensor with the shape that a rule gives it.
  func rearranged(_ tensor: TensorInfo) -> TensorInfo {
    guard let shape = rearrangements[tensor.name]?.shape(of: tensor.shape) else { return tensor }
    return TensorInfo(name: tensor.name, dtype: tensor.dtype, shape: shape)
  }

  private static func expressions(
    of rules: Rules, path: String
  ) throws(InputError) -> [Regex<AnyRegexOutput>] {
    var expressions: [Regex<AnyRegexOutput>] = []
    for rule in rules.rules {
      guard let expression = try? Regex(rule.match) else {
        throw InputError(
          .badData, path: path, "is given a rule that is no regular expression", place: rule.match)
      }
      expressions.append(expression)
    }
    return expressions
  }

  private mutating func apply(
    _ rule: Rules.Rule, _ groups: [Substring?], to tensor: TensorInfo, path: String
  ) throws(InputError) {
    switch rule.action {
    case .waive(let reason):
      waived.append(.init(tensor: tensor, reason: "by a rule: \(reason)"))
    case .rename(let template, let rearrangement):
      guard let name = template.filled(with: groups) else {
        throw InputError(
          .badData, path: path, "has a tensor whose name a rule cannot make",
          place: "\(tensor.name): \(template.text) of \(rule.match)")
      }
      guard rearrangement.shape(of: tensor.shape) != nil else {
        throw InputError(
          .badData, path: path, "has a tensor with other axes than a rule puts in order",
          place: "\(tensor.name) is \(tensor.shape), the order is \(rearrangement.order)")
      }
      names[tensor.name] = name
      if !rearrangement.isIdentity { rearrangements[tensor.name] = rearrangement }
    }
  }
}

import Conversion
import Families
import Files
import Plain
import ResNetV2
import Tensors

/// Which tensor becomes which parameter, and what does not fit: `convert --dry-run`.
struct MappingReport: Encodable {
  private let schema = "rnw.mapping/1"
  private let architecture: String
  private let family: String
  private let title: String
  private let fits: Bool
  private let parameters: [Parameter]
  private let waived: [Waived]
  private let problems: [String]
  private let assumptions: [Assumption]

  /// What keeps the file from being the network.
  let error: InputError?

  private struct Parameter: Encodable {
    let name: String
    let shape: [Int]
    let tensor: String
    let tensorShape: [Int]
    let dtype: String
  }

  private struct Waived: Encodable {
    let tensor: String
    let reason: String
  }

  private enum CodingKeys: String, CodingKey {
    case schema, architecture, family, fits, parameters, waived, problems, assumptions
  }

  /// Maps a file's tensors; what does not fit is part of the report.
  ///
  /// - Throws: `InputError` where it is not known what the file's names are.
  init(of source: any WeightSource, family: Family?, told: Told) throws {
    do {
      let model = try Model(source, family: family, told: told)
      self.init(
        model.architectureName, model.family, model.mapping?.entries ?? [],
        model.mapping?.waived ?? [], model.assumptions, [], nil)
    } catch let error as InputError where error.kind == .badData {
      guard let attempt = try? MappingAttempt(source, family: family, told: told),
        attempt.problems.error != nil
      else {
        // Names that no family has: beside those of the network that is most like the file.
        guard let nearest = NearestNetwork(to: source, family: family) else { throw error }
        self.init(
          nearest.family.architectureName(of: nearest.graph.configuration), nearest.family, [], [],
          [], nearest.findings, error)
        return
      }
      self.init(
        attempt.family.architectureName(of: attempt.graph.configuration), attempt.family,
        attempt.entries, attempt.waived, attempt.assumptions, attempt.problems.findings, error)
    }
  }

  private init(
    _ architecture: String, _ family: Family, _ entries: [Mapping.Entry],
    _ waived: [Mapping.Waived], _ assumptions: [Assumption], _ problems: [String],
    _ error: InputError?
  ) {
    self.architecture = architecture
    self.family = family.id
    title = family.title
    fits = error == nil
    parameters = entries.map { entry in
      Parameter(
        name: entry.parameter.name, shape: entry.parameter.shape.dimensions,
        tensor: entry.tensor.name, tensorShape: entry.tensor.shape.dimensions,
        dtype: entry.tensor.dtype.name)
    }
    self.waived = waived.map { Waived(tensor: $0.tensor.name, reason: $0.reason) }
    self.problems = problems
    self.assumptions = assumptions
    self.error = error
  }

  var text: String {
    var lines = ["\(architecture) of \(title)", ""]
    let width = parameters.map(\.name.count).max() ?? 0
    lines += parameters.map { parameter in
      "\(parameter.name.padded(to: width))  \(Shape(parameter.shape))  from \(short(parameter.tensor)) "
        + "(\(Shape(parameter.tensorShape)), \(parameter.dtype))"
    }
    lines += waived.map { "passed over: \(short($0.tensor)), \($0.reason)" }
    lines.append("")
    lines += problems.map { "does not fit: \($0.shorteningWords())" }
    if !assumptions.isEmpty {
      lines.append("assumed: " + assumptions.map(\.words).joined(separator: ", "))
    }
    lines.append(
      "\(parameters.count) tensors used, \(waived.count) passed over, "
        + (problems.isEmpty ? "no tensor is left over" : "\(problems.count) do not fit"))
    return lines.map(\.escapingControlCharacters).joined(separator: "\n") + "\n"
  }

  private func short(_ name: String) -> String { name.shortened(to: String.longestName) }
}

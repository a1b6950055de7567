import Comparison
import Conversion
import Families
import Files
import FoundationEssentials
import Precision
import Reports
import ResNetV2
import Tensors

/// A conversion as one JSON document: the comparison's keys, the file, the stages, and the
/// comparisons with other truths.
struct ConversionReport: Encodable {
  private let outcome: ConversionOutcome
  private let path: String
  private let command: String

  init(_ outcome: ConversionOutcome, path: String, command: String) {
    self.outcome = outcome
    self.path = path
    self.command = command
  }

  private enum Key: String, CodingKey {
    case verdict
    case architecture
    case family
    case container
    case dictionary
    case publication
    case precision
    case maximumError
    case outputError
    case arithmetic
    case choice
    case stages
    case ownGraph
    case reference
    case files
    case proofs
  }

  func encode(to encoder: any Encoder) throws {
    let file = outcome.outputBytes.map { JSONReport.OutputFile(path: path, bytes: $0) }
    // Where weights were rounded, what that did is what is asked for first.
    try JSONReport(
      outcome.accuracy ?? outcome.comparison, file: file, command: command,
      schema: "rnw.conversion/1"
    ).encode(to: encoder)
    var values = encoder.container(keyedBy: Key.self)
    // All comparisons together decide.
    try values.encode(outcome.passes ? "pass" : "fail", forKey: .verdict)
    try values.encode(outcome.model.architectureName, forKey: .architecture)
    try values.encode(outcome.model.family.id, forKey: .family)
    try values.encode(outcome.model.source.container, forKey: .container)
    try values.encodeIfPresent(DictionaryChoice(outcome.model.source), forKey: .dictionary)
    try values.encodeIfPresent(outcome.publication, forKey: .publication)
    try values.encode(outcome.precision, forKey: .precision)
    try values.encode(outcome.maximumError, forKey: .maximumError)
    try values.encode(outcome.outputError, forKey: .outputError)
    try values.encode(
      outcome.accuracy.map { _ in JSONReport(outcome.comparison) }, forKey: .arithmetic)
    try values.encode(outcome.choice.map(ChoiceReport.init), forKey: .choice)
    let stages = Dictionary(
      uniqueKeysWithValues: outcome.stages.map { ("\($0.name)Milliseconds", $0.seconds * 1000) })
    try values.encode(stages, forKey: .stages)
    try values.encode(outcome.ownGraph.map { JSONReport($0) }, forKey: .ownGraph)
    try values.encode(outcome.reference.map { JSONReport($0) }, forKey: .reference)
    try values.encode(outcome.model.source.files.map(\.path), forKey: .files)
    try values.encode(outcome.proofs, forKey: .proofs)
  }
}

/// What is left of a comparison where only verdicts are kept.
private struct ProofRecord: Encodable {
  private let proof: String
  private let verdict: String
  private let layers: Int
  private let failed: Int
  private let worstLayer: String?
  private let timesLimit: Double?
  private let limits: PassingLimits
  private let measuresRounding: Bool

  /// - Parameters:
  ///   - proof: what was compared with what.
  ///   - measuresRounding: whether the limits are those of a type that weights were rounded to.
  init(_ proof: String, _ outcome: Comparison.Outcome, measuresRounding: Bool) {
    let verdict = outcome.verdict
    (self.proof, self.measuresRounding) = (proof, measuresRounding)
    self.verdict = verdict.passes ? "pass" : "fail"
    (layers, failed) = (verdict.compared, verdict.failed)
    (worstLayer, timesLimit) = (verdict.worst?.displayName, verdict.worst?.timesLimit)
    limits = outcome.passingLimits
  }
}

extension ConversionOutcome {
  /// All comparisons, in few words each.
  fileprivate var proofs: [ProofRecord] {
    let isRounded = precision != .float32 && accuracy != nil
    var proofs = [ProofRecord("file", comparison, measuresRounding: false)]
    if let accuracy {
      proofs.append(ProofRecord("source", accuracy, measuresRounding: isRounded))
    }
    if let ownGraph { proofs.append(ProofRecord("graph", ownGraph, measuresRounding: false)) }
    if let reference {
      proofs.append(ProofRecord("reference", reference, measuresRounding: isRounded))
    }
    return proofs
  }
}

/// Which dictionary of a checkpoint was taken.
private struct DictionaryChoice: Encodable {
  private let taken: String
  private let assumed: String?
  private let found: String?

  /// `nil` where there was nothing to choose from.
  init?(_ source: any WeightSource) {
    guard let taken = source.metadata["torch.dictionary"] else { return nil }
    self.taken = taken
    assumed = source.metadata["torch.dictionary.assumed"]
    found = source.metadata["torch.dictionaries"]
  }
}

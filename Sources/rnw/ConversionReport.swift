import Comparison
import Conversion
import Families
import Files
import FoundationEssentials
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

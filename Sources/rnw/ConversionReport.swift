import Conversion
import Families
import FoundationEssentials
import ResNetV2
import Tensors
import Verification

/// A conversion as one JSON document: the comparison's keys, the file, the stages, and the second
/// comparison.
struct ConversionReport: Encodable {
  private let outcome: ConversionOutcome
  private let path: String

  init(_ outcome: ConversionOutcome, path: String) {
    self.outcome = outcome
    self.path = path
  }

  /// The document's text, with a line break at the end.
  func json() throws -> String {
    try RecordCoding.json(self, pretty: true) + "\n"
  }

  private enum Key: String, CodingKey {
    case verdict
    case architecture
    case family
    case container
    case stages
    case reference
  }

  func encode(to encoder: any Encoder) throws {
    let file = outcome.outputBytes.map { JSONReport.OutputFile(path: path, bytes: $0) }
    try JSONReport(outcome.comparison, file: file, schema: "rnw.conversion/1").encode(to: encoder)
    var values = encoder.container(keyedBy: Key.self)
    // Both comparisons together decide.
    try values.encode(outcome.passes ? "pass" : "fail", forKey: .verdict)
    try values.encode(outcome.model.architectureName, forKey: .architecture)
    try values.encode(outcome.model.family.id, forKey: .family)
    try values.encode(outcome.model.source.container, forKey: .container)
    let stages = Dictionary(
      uniqueKeysWithValues: outcome.stages.map { ("\($0.name)Milliseconds", $0.seconds * 1000) })
    try values.encode(stages, forKey: .stages)
    try values.encode(outcome.reference.map { JSONReport($0) }, forKey: .reference)
  }
}

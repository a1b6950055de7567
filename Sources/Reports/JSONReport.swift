package import Comparison
import Files
import FoundationEssentials
import Plain
import ResNetV2
import Tensors

/// A comparison as one JSON document.
///
/// Keys are sorted and every key is always there, `null` where it has no value, so that the same
/// comparison gives the same bytes. JSON has no NaN or infinity: they are the strings `"nan"`,
/// `"inf"` and `"-inf"`.
package struct JSONReport: Encodable, Sendable {
  private let schema: String
  private let result: Comparison.Outcome
  private let file: OutputFile?
  private let command: String?
  private let title: String?
  private let measuredBy: String?

  /// The version of the document: rises when a key changes its meaning or goes.
  package static let schema = "rnw.comparison/1"

  /// The file that a conversion made.
  package struct OutputFile: Hashable, Sendable {
    /// The path.
    package let path: String
    /// The size.
    package let bytes: Int

    /// Describes a file.
    package init(path: String, bytes: Int) {
      self.path = path
      self.bytes = bytes
    }
  }

  /// Makes a document.
  ///
  /// - Parameters:
  ///   - result: what was compared.
  ///   - file: the file that a conversion made.
  ///   - command: the command line that made the report.
  ///   - title: the model and what it was compared with.
  ///   - measuredBy: the command line that made the comparison, where that is another one.
  ///   - schema: the document's version, where the report is part of a larger one.
  package init(
    _ result: Comparison.Outcome, file: OutputFile? = nil, command: String? = nil,
    title: String? = nil, measuredBy: String? = nil, schema: String = JSONReport.schema
  ) {
    self.result = result
    self.file = file
    self.command = command
    self.title = title
    self.measuredBy = measuredBy ?? command
    self.schema = schema
  }

  /// The document's text, with a line break at the end.
  package func text() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return Escaped.json(String(decoding: try encoder.encode(self), as: UTF8.self)) + "\n"
  }

  private enum Key: String, CodingKey {
    case schema
    case verdict
    case command
    case measuredBy
    case title
    case network
    case limits
    case measuredLimits
    case images
    case inputShape
    case layersCompared
    case selection
    case layersFailed
    case worstLayer
    case passingLimit
    case withinFloat32Noise
    case layers
    case weights
    case functions
    case sleepingChannels
    case culprit
    case suspicion
    case searchedSeconds
    case output
    case missing
    case unknown
    case folded
    case trial
    case definitionsFollowLimits
    case remarks
    case lacking
    case hasConstantOutput
    case halfPrecision
    case differingOptions
    case assumptions
    case notes
  }

  /// Writes the document.
  package func encode(to encoder: any Encoder) throws {
    let verdict = result.verdict
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(schema, forKey: .schema)
    try values.encode(verdict.passes ? "pass" : "fail", forKey: .verdict)
    try values.encode(command, forKey: .command)
    try values.encode(measuredBy, forKey: .measuredBy)
    try values.encode(title, forKey: .title)
    try values.encode(NetworkRecord(result.graph, result.layerNames), forKey: .network)
    try values.encode(LimitsRecord(result.limits), forKey: .limits)
    try values.encode(result.measuredLimits.map(LimitsRecord.init), forKey: .measuredLimits)
    try values.encode(result.images, forKey: .images)
    try values.encode(result.inputShape.dimensions, forKey: .inputShape)
    try values.encode(verdict.compared, forKey: .layersCompared)
    try values.encode(verdict.selection, forKey: .selection)
    try values.encode(verdict.failed, forKey: .layersFailed)
    try values.encode(verdict.worst?.name, forKey: .worstLayer)
    try values.encode(verdict.passingLimit, forKey: .passingLimit)
    try values.encode(verdict.isWithinNoise, forKey: .withinFloat32Noise)
    let steps = Dictionary(uniqueKeysWithValues: verdict.growth.steps.map { ($0.node, $0) })
    try values.encode(
      result.layers.map { LayerRecord($0, step: steps[$0.node]) }, forKey: .layers)
    try values.encode(verdict.weights.map(WeightAgreementRecord.init), forKey: .weights)
    try values.encode(verdict.functions.map(FunctionAgreementRecord.init), forKey: .functions)
    try values.encode(SleepingRecord(result), forKey: .sleepingChannels)
    try values.encode(verdict.culprit.map(CulpritRecord.init), forKey: .culprit)
    try values.encode(SuspicionRecord(result), forKey: .suspicion)
    try values.encode(result.searchedSeconds, forKey: .searchedSeconds)
    try values.encode(
      OutputRecord(agreement: result.agreement, file: file), forKey: .output)
    try values.encode(result.coverage.missing, forKey: .missing)
    try values.encode(result.coverage.unknown, forKey: .unknown)
    try values.encode(result.coverage.folded.map(FoldedRecord.init), forKey: .folded)
    try values.encode(result.trial.rawValue, forKey: .trial)
    try values.encode(result.definitionsFollowLimits, forKey: .definitionsFollowLimits)
    try values.encode(result.remarks, forKey: .remarks)
    try values.encode(
      result.lacking.sorted().map { result.graph.nodes[$0].name }, forKey: .lacking)
    try values.encode(result.hasConstantOutput, forKey: .hasConstantOutput)
    try values.encode(result.halfPrecision, forKey: .halfPrecision)
    try values.encode(result.differingOptions, forKey: .differingOptions)
    try values.encode(verdict.assumptions, forKey: .assumptions)
    try values.encode(verdict.notes, forKey: .notes)
  }
}

package import Comparison
package import Files
import Plain
package import Reports
import Tensors

/// Which stored comparison is judged, and how.
package struct JudgeRequest: Sendable {
  /// The JSON report.
  package var report: String
  /// The limit of every layer, in place of the report's limits; the report's own where `nil`.
  package var limit: Double?
  /// A file of limits of single layers, which count after the others; or `nil` for none.
  package var limitsFile: String?

  package init(report: String) {
    self.report = report
  }
}

/// A stored comparison, judged.
package struct JudgedComparison: Sendable {
  /// The comparison.
  package let outcome: Comparison.Outcome
  /// The model and what it was compared with, where the report says so.
  package let title: String?
  /// The command line that made the comparison.
  package let measuredBy: String?
  /// The file that a conversion made.
  package let file: JSONReport.OutputFile?

  /// Describes a comparison.
  package init(
    outcome: Comparison.Outcome, title: String?, measuredBy: String?, file: JSONReport.OutputFile?
  ) {
    (self.outcome, self.title) = (outcome, title)
    (self.measuredBy, self.file) = (measuredBy, file)
  }
}

/// Judges the comparison of a JSON report under other limits, or under its own, without running anything.
///
/// - Throws: `InputError` where the report is none, contradicts itself, or does not decide the verdict.
package func judge(_ request: JudgeRequest) throws(InputError) -> JudgedComparison {
  let path = request.report
  let document = try StoredReport.document(path: path)
  let stored = try ofReport(path) { () throws(FormatFault) in try StoredReport(document.value) }
  try ofReport(path) { () throws(FormatFault) in try stored.checkConsistency(with: document) }
  let graph = stored.judged.outcome.graph
  let names = stored.judged.outcome.layerNames
  let overrides = try request.limitsFile.map { file throws(InputError) in
    try InputError.only(of: file) {
      try Limits.Override.read(path: file, graph: graph, layerNames: names)
    }
  }
  do throws(JudgementError) {
    let outcome = try stored.judged.outcome.judged { limits in
      if let limit = request.limit { limits = Limits(standard: limit) }
      limits.overrides += overrides ?? []
    }
    return JudgedComparison(
      outcome: outcome, title: stored.judged.title, measuredBy: stored.judged.measuredBy,
      file: stored.judged.file)
  } catch {
    throw InputError(
      .badData, path: path, "does not decide narrower limits",
      place: error.description,
      hint: "rnw verify with the new limits measures it again")
  }
}

private func ofReport<Result>(
  _ path: String, _ body: () throws(FormatFault) -> Result
) throws(InputError) -> Result {
  do throws(FormatFault) {
    return try body()
  } catch {
    throw InputError(.badData, path: path, error.problem, place: error.place)
  }
}

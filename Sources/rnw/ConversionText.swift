import Comparison
import Conversion
import Families
import Plain
import Reports

/// A conversion for a terminal: a line for each comparison that passes, the tables of one that fails, and of all where
/// they are asked for.
struct ConversionText {
  private let outcome: ConversionOutcome
  private let path: String
  private let reference: String?
  private let showsAll: Bool

  /// - Parameters:
  ///   - path: the file that was made.
  ///   - reference: the archive of what a framework computed.
  init(_ outcome: ConversionOutcome, path: String, reference: String?, showsAll: Bool) {
    (self.outcome, self.path, self.reference, self.showsAll) = (outcome, path, reference, showsAll)
  }

  /// All lines.
  var text: String {
    var lines = ["\(outcome.model.architectureName) of \(outcome.model.family.title)"]
    if let publication = outcome.publication { lines.append("source: \(publication.words)") }
    if showsAll { lines.append("") }
    if let choice = outcome.choice { lines.append(ChoiceReport(choice).text) }
    var noted: Set<String> = []
    for proof in proofs {
      lines += self.lines(of: proof, noted: &noted)
    }
    if showsAll { lines.append(stages) }
    if let bytes = outcome.outputBytes {
      lines.append("wrote \(path), \(grouped(bytes)) bytes")
    } else {
      lines.append("nothing was written")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// One comparison, and what was compared with what.
  private struct Proof {
    let title: String
    /// The same in few words.
    let brief: String
    let outcome: Comparison.Outcome
    var rows = 10
  }

  private var proofs: [Proof] {
    var proofs = [
      Proof(
        title: "written file (fast) against source (reference, double precision)",
        brief: "file against source", outcome: outcome.accuracy ?? outcome.comparison)
    ]
    if outcome.accuracy != nil {
      proofs.append(
        Proof(
          title: "written file (fast) against the weights that it keeps (reference)",
          brief: "file against the weights that it keeps", outcome: outcome.comparison, rows: 3))
    }
    if let ownGraph = outcome.ownGraph {
      proofs.append(
        Proof(
          title: "the network (fast) against the source's own graph (double precision)",
          brief: "network against the source's own graph", outcome: ownGraph))
    }
    if let truth = outcome.reference {
      proofs.append(
        Proof(
          title: "written file (fast) against \(reference ?? "")",
          brief: "file against \(reference ?? "")", outcome: truth))
    }
    return proofs
  }

  private func lines(of proof: Proof, noted: inout Set<String>) -> [String] {
    let report = TextReport(
      maximumRows: proof.rows, isColored: StandardOutput.isColored, width: StandardOutput.width)
    guard !showsAll, proof.outcome.verdict.passes else {
      return [proof.title, report.text(for: proof.outcome)]
    }
    return report.brief(for: proof.outcome, proof: proof.brief, noted: &noted)
  }

  private var stages: String {
    outcome.stages.filter { $0.seconds >= 1e-4 }.map { "\($0.name) \($0.seconds.milliseconds)" }
      .joined(separator: " · ")
  }
}

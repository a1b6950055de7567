package import Comparison
import Plain
import Tensors

/// A comparison as JUnit XML, which build servers show: a test case per layer.
package struct JUnitReport: Sendable {
  /// The name of the test suite, such as the model and what it was compared with.
  package var suite: String

  /// The command line that made the comparison.
  package var command: String?

  /// How long the comparison took, in seconds of wall time, where that is known.
  package var seconds: Double?

  /// Describes a report.
  package init(suite: String = "rnw verify", command: String? = nil, seconds: Double? = nil) {
    self.suite = suite
    self.command = command
    self.seconds = seconds
  }

  /// The document with a line break at the end.
  package func text(for result: Comparison.Outcome) -> String {
    let verdict = result.verdict
    let suite = suite.escapedForMarkup
    let hidden = hiddenCases(verdict)
    let failures = verdict.failed + hidden.count { !$0.passes }
    let time = seconds.map { " time=\"\(milliseconds($0))\"" } ?? ""
    let counts =
      "tests=\"\(verdict.compared + hidden.count)\" failures=\"\(failures)\" errors=\"0\"\(time)"
    let output = [command, verdict.line].compactMap { $0.map(Escaped.markup) }
    let lines =
      [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
        "<testsuites name=\"rnw\" \(counts)>",
        "  <testsuite name=\"\(suite)\" \(counts) skipped=\"0\">",
      ]
      + result.layers.flatMap { layer in
        testCase(layer, suite: suite, isCulprit: layer.node == verdict.culprit?.node, verdict)
      }
      + hidden.flatMap { testCase($0, suite: suite) }
      + [
        "    <system-out>\(output.joined(separator: "\n"))</system-out>", "  </testsuite>",
        "</testsuites>",
      ]
    return lines.map { $0 + "\n" }.joined()
  }

  /// Seconds with three decimals.
  private func milliseconds(_ seconds: Double) -> String {
    let count = Int(min(max(seconds, 0), 1e9) * 1000)
    return "\(count / 1000).\(String(count % 1000 + 1000).dropFirst())"
  }

  /// What the values of layers may not show.
  private struct HiddenCase {
    let name: String
    let passes: Bool
    let text: String
  }

  /// A test case for all weights, where both sides have any, and one for what the layers do.
  private func hiddenCases(_ verdict: Verdict) -> [HiddenCase] {
    let weights = verdict.weights.map {
      HiddenCase(name: "weights", passes: $0.agrees, text: $0.description)
    }
    let functions = verdict.functions.map {
      HiddenCase(name: "functions", passes: $0.agrees, text: $0.description)
    }
    return [weights, functions].compactMap { $0 }
  }

  private func testCase(_ hidden: HiddenCase, suite: String) -> [String] {
    let head = "    <testcase classname=\"\(suite)\" name=\"(\(hidden.name))\""
    guard !hidden.passes else { return [head + "/>"] }
    let text = hidden.text.escapedForMarkup
    return [
      head + ">", "      <failure type=\"\(hidden.name)\" message=\"\(text)\">\(text)</failure>",
      "    </testcase>",
    ]
  }

  private func testCase(
    _ layer: LayerComparison, suite: String, isCulprit: Bool, _ verdict: Verdict
  ) -> [String] {
    let head = "    <testcase classname=\"\(suite)\" name=\"\(layer.displayName.escapedForMarkup)\""
    guard !layer.passes else { return [head + "/>"] }
    var message = layer.problem ?? layer.figure
    var body = "\(layer.name), \(layer.operation), shape \(layer.shape)"
    if isCulprit, let culprit = verdict.culprit {
      message += "; the first wrong layer"
      message += culprit.suspicion.map { ": \($0.explanation)" } ?? ""
      body += "\n" + culprit.description
    }
    return [
      head + ">",
      "      <failure type=\"limit\" message=\"\(message.escapedForMarkup)\">\(body.escapedLines)</failure>",
      "    </testcase>",
    ]
  }
}

extension String {
  /// Each line escaped, the breaks between them kept.
  fileprivate var escapedLines: String {
    split(separator: "\n").map { String($0).escapedForMarkup }.joined(separator: "\n")
  }
}

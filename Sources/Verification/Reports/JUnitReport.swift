/// A comparison as JUnit XML, which build servers show: a test case per layer.
package struct JUnitReport: Sendable {
  /// The name of the test suite, such as the model that was verified.
  package var suite: String

  /// Describes a report.
  package init(suite: String = "rnw verify") {
    self.suite = suite
  }

  /// The document with a line break at the end.
  package func text(for result: Comparison.Outcome) -> String {
    let verdict = result.verdict
    let suite = suite.escapedForMarkup
    var lines = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
      "<testsuites tests=\"\(verdict.compared)\" failures=\"\(verdict.failed)\">",
      "  <testsuite name=\"\(suite)\" tests=\"\(verdict.compared)\" failures=\"\(verdict.failed)\" "
        + "errors=\"0\" skipped=\"0\">",
    ]
    lines += result.layers.flatMap { layer in
      testCase(layer, suite: suite, isCulprit: layer.node == verdict.culprit?.node, verdict)
    }
    lines += [
      "    <system-out>\(verdict.line.escapedForMarkup)</system-out>", "  </testsuite>",
      "</testsuites>",
    ]
    return lines.map { $0 + "\n" }.joined()
  }

  private func testCase(
    _ layer: LayerComparison, suite: String, isCulprit: Bool, _ verdict: Verdict
  ) -> [String] {
    let head = "    <testcase classname=\"\(suite)\" name=\"\(layer.displayName.escapedForMarkup)\""
    guard !layer.passes else { return [head + "/>"] }
    var text = layer.problem ?? layer.figure
    if isCulprit, let culprit = verdict.culprit {
      text +=
        "; the first wrong layer"
        + (culprit.suspicion.map { ": \($0.explanation)" } ?? "")
    }
    return [
      head + ">", "      <failure message=\"\(text.escapedForMarkup)\"/>", "    </testcase>",
    ]
  }
}

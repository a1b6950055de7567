package import Comparison
import Tensors

/// A comparison as JUnit XML: a test case per layer.
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
    let layers = result.layers.map { layer in
      JUnitSuite.Case(layer.displayName, failure: failure(of: layer, verdict))
    }
    return JUnitSuite(
      name: suite, cases: layers + hiddenCases(verdict),
      output: [command, verdict.line].compactMap { $0 }, seconds: seconds
    ).text
  }

  /// What the values of layers may not show: a test case for all weights, where both sides have any, and one for what
  /// the layers do.
  private func hiddenCases(_ verdict: Verdict) -> [JUnitSuite.Case] {
    func hidden(_ name: String, _ agrees: Bool, _ text: String) -> JUnitSuite.Case {
      JUnitSuite.Case(
        "(\(name))", failure: agrees ? nil : .init(type: name, message: text, text: text))
    }
    return [
      verdict.weights.map { hidden("weights", $0.agrees, $0.description) },
      verdict.functions.map { hidden("functions", $0.agrees, $0.description) },
    ].compactMap { $0 }
  }

  private func failure(of layer: LayerComparison, _ verdict: Verdict) -> JUnitSuite.Failure? {
    guard !layer.passes else { return nil }
    var message = layer.problem ?? layer.figure
    var text = "\(layer.name), \(layer.operation), shape \(layer.shape)"
    if let culprit = verdict.culprit, culprit.node == layer.node {
      message += "; the first wrong layer"
      message += culprit.suspicion.map { ": \($0.explanation)" } ?? ""
      text += "\n" + culprit.description
    }
    return .init(type: "limit", message: message, text: text)
  }
}

import Plain

/// A document of JUnit's, which build servers show: one suite of test cases.
package struct JUnitSuite: Sendable {
  /// The name of the suite, such as the model and what it was compared with.
  package let name: String
  /// What was compared, each with what is wrong with it.
  package let cases: [Case]
  /// What stands beside the cases, a line each.
  package let output: [String]
  /// How long the comparison took, in seconds of wall time, where that is known.
  package let seconds: Double?

  /// A test case.
  package struct Case: Sendable {
    /// What was compared.
    package let name: String
    /// What is wrong with it; `nil` where nothing is.
    package let failure: Failure?

    /// Describes a test case.
    package init(_ name: String, failure: Failure? = nil) {
      (self.name, self.failure) = (name, failure)
    }
  }

  /// What is wrong with a test case.
  package struct Failure: Sendable {
    /// The kind of failure.
    package let type: String
    /// The failure in a line.
    package let message: String
    /// More about it, in lines.
    package let text: String

    /// Describes a failure.
    package init(type: String, message: String, text: String) {
      (self.type, self.message, self.text) = (type, message, text)
    }
  }

  /// Describes a suite.
  package init(name: String, cases: [Case], output: [String], seconds: Double?) {
    (self.name, self.cases, self.output, self.seconds) = (name, cases, output, seconds)
  }

  /// The document with a line break at the end.
  package var text: String {
    let name = name.escapedForMarkup
    let failures = cases.count { $0.failure != nil }
    let time = seconds.map { " time=\"\(Self.milliseconds($0))\"" } ?? ""
    let counts = "tests=\"\(cases.count)\" failures=\"\(failures)\" errors=\"0\"\(time)"
    let lines =
      [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
        "<testsuites name=\"rnw\" \(counts)>",
        "  <testsuite name=\"\(name)\" \(counts) skipped=\"0\">",
      ]
      + cases.flatMap { $0.lines(suite: name) }
      + [
        "    <system-out>\(output.map(Escaped.markup).joined(separator: "\n"))</system-out>",
        "  </testsuite>",
        "</testsuites>",
      ]
    return lines.map { $0 + "\n" }.joined()
  }

  /// Seconds with three decimals.
  private static func milliseconds(_ seconds: Double) -> String {
    let count = Int(min(max(seconds, 0), 1e9) * 1000)
    return "\(count / 1000).\(String(count % 1000 + 1000).dropFirst())"
  }
}

extension JUnitSuite.Case {
  /// - Parameter suite: the suite's name, escaped.
  fileprivate func lines(suite: String) -> [String] {
    let head = "    <testcase classname=\"\(suite)\" name=\"\(name.escapedForMarkup)\""
    guard let failure else { return [head + "/>"] }
    let text = failure.text.split(separator: "\n").map { String($0).escapedForMarkup }
    return [
      head + ">",
      "      <failure type=\"\(failure.type)\" message=\"\(failure.message.escapedForMarkup)\">"
        + text.joined(separator: "\n") + "</failure>",
      "    </testcase>",
    ]
  }
}

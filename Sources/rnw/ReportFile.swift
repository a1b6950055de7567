import Tensors
import Verification

/// A comparison written to a file; the ending of its name decides the form.
struct ReportFile {
  let path: String

  func write(_ result: Comparison.Outcome, command: String) throws {
    let text = try text(of: result, command: command)
    let output = try OutputFile(path: path, replacing: true)
    try output.write(Array(text.utf8), at: 0)
    try output.commit()
  }

  private func text(of result: Comparison.Outcome, command: String) throws -> String {
    switch path.split(separator: ".").last?.lowercased() {
    case "json": return try JSONReport(result, command: command).text()
    case "html": return HTMLReport(title: "rnw verify", command: command).text(for: result)
    case "md": return MarkdownReport(command: command).text(for: result)
    case "xml": return JUnitReport(suite: "rnw").text(for: result)
    default:
      throw InputError(
        .cannotCreate, path: path, "has an ending of no report", place: ".html, .json, .md or .xml")
    }
  }
}

/// The command line as it was given, for reports.
let commandLine = CommandLine.arguments.enumerated().map { index, argument in
  index == 0 ? "rnw" : argument.contains(" ") ? "'\(argument)'" : argument
}.joined(separator: " ")

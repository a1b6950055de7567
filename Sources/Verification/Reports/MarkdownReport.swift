import Tensors

/// A comparison as Markdown, for a pull request.
package struct MarkdownReport: Sendable {
  /// How many rows are shown, the worst first.
  package var maximumRows: Int

  /// The command line that made the comparison.
  package var command: String?

  /// Describes a report.
  package init(maximumRows: Int = 10, command: String? = nil) {
    self.maximumRows = maximumRows
    self.command = command
  }

  /// The report with a line break at the end.
  package func text(for result: Comparison.Outcome) -> String {
    let verdict = result.verdict
    var lines = [
      verdict.passes
        ? "**PASS**: \(counted(verdict.compared, "layer")) compared, all within limits"
        : "**FAIL**: \(verdict.failed) of \(counted(verdict.compared, "layer")) out of limits",
      "",
    ]
    lines += verdict.detailLines(result.coverage).map { label, text in
      "- " + (label.isEmpty ? "" : "\(label): ") + escaped(text)
    }
    if let command { lines += ["", "`" + command.filter { $0 != "`" && $0 != "\n" } + "`"] }
    lines += [
      "", "| layer | shape | max\\|a−b\\| | error | × limit | |", "|---|---|--:|--:|--:|---|",
    ]
    let worstFirst = result.layers.sorted {
      $0.timesLimit != $1.timesLimit ? $0.timesLimit > $1.timesLimit : $0.node < $1.node
    }
    lines += worstFirst.prefix(maximumRows).map { layer in
      "| \(escaped(layer.displayName)) | \(layer.shape) | \(readable(layer.statistics.maximum)) "
        + "| \(readable(layer.scaledError)) | \(readable(layer.timesLimit)) "
        + "| \(layer.passes ? "" : "✗") |"
    }
    let hidden = result.layers.count - maximumRows
    if hidden > 0 { lines += ["", "… and \(counted(hidden, "layer")) with smaller errors"] }
    return lines.map { $0 + "\n" }.joined()
  }

  /// Text in which nothing is taken for markup.
  private func escaped(_ text: String) -> String {
    var result = ""
    for character in text.escapingControlCharacters {
      switch character {
      case "|", "*", "`", "\\", "[", "]": result += "\\\(character)"
      case "<": result += "&lt;"
      case "&": result += "&amp;"
      default: result.append(character)
      }
    }
    return result
  }
}

package import Comparison
import Plain
import Tensors

/// A comparison as Markdown, for a pull request.
package struct MarkdownReport: Sendable {
  /// The heading, such as the model and what it was compared with.
  package var title: String?

  /// How many rows are shown, the worst first.
  package var maximumRows: Int

  /// The command line that made the comparison.
  package var command: String?

  /// Describes a report.
  package init(title: String? = nil, maximumRows: Int = 10, command: String? = nil) {
    self.title = title
    self.maximumRows = maximumRows
    self.command = command
  }

  /// The report with a line break at the end.
  package func text(for result: Comparison.Outcome) -> String {
    let verdict = result.verdict
    var lines = title.map { ["### \(escaped($0))", ""] } ?? []
    lines += [
      verdict.passes
        ? "**✅ \(verdict.word)**: \(escaped(verdict.comparedLayers)) compared, all within limits"
        : "**❌ FAIL**: \(escaped(verdict.failures))",
      "",
    ]
    lines += items(of: verdict, result.coverage)
    lines += ["", verdict.passes ? "<details><summary>The largest errors</summary>" : "", ""]
    lines += table(of: result)
    if verdict.passes { lines += ["", "</details>"] }
    if let command { lines += ["", codeBlock(command)] }
    return lines.map { $0 + "\n" }.joined().replacing("\n\n\n", with: "\n\n")
  }

  private func items(of verdict: Verdict, _ coverage: Coverage) -> [String] {
    var items: [String] = []
    for (label, text) in verdict.detailLines(coverage) {
      let isFirst = label == "culprit" || label == "suspected"
      let text = isFirst ? "**\(escaped(text))**" : escaped(text)
      if label.isEmpty, let last = items.popLast() {
        items.append(last + "; " + text)
      } else {
        items.append("- \(label): \(text)")
      }
    }
    return items
  }

  private func table(of result: Comparison.Outcome) -> [String] {
    let columns = LayerColumn.columns(of: .brief, for: result)
    func row(_ cells: [String]) -> String { "| \(cells.joined(separator: " | ")) |" }
    var lines = [
      row(["layer", "shape"] + columns.map { Escaped.markdown($0.heading) } + [""]),
      "|---|---|\(String(repeating: "--:|", count: columns.count))---|",
    ]
    lines += result.worstFirst.prefix(maximumRows).map { layer in
      let mark = layer.node == result.culprit?.node ? "◆" : layer.passes ? "" : "✗"
      return row(
        [code(layer.displayName), layer.shape.description]
          + columns.map { $0.figure(layer)?.text ?? "" } + [mark])
    }
    let hidden = result.layers.count - maximumRows
    if hidden > 0 { lines += ["", "… and \(counted(hidden, "layer")) with smaller errors"] }
    return lines
  }

  /// Text between fences that are longer than any in it.
  private func codeBlock(_ text: String) -> String {
    var longest = 2
    var run = 0
    for character in text {
      run = character == "`" ? run + 1 : 0
      longest = max(longest, run)
    }
    let fence = String(repeating: "`", count: longest + 1)
    return "\(fence)sh\n\(text.escapingControlCharacters)\n\(fence)"
  }

  private func code(_ name: String) -> String { Escaped.markdownCode(name.shorteningWords()) }

  private func escaped(_ text: String) -> String { Escaped.markdown(text.shorteningWords()) }
}

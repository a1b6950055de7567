package import Comparison
import Plain
import Tensors

/// A comparison as a table and a verdict for a terminal.
package struct TextReport: Sendable {
  /// The order of the rows.
  package enum Order: String, Hashable, Sendable, CaseIterable {
    /// The order of computation.
    case graph
    /// The largest error in units of its limit first.
    case worst
  }

  /// The order of the rows.
  package var order: Order

  /// How many rows are shown, `nil` for all.
  ///
  /// Longer tables keep the worst ones.
  package var maximumRows: Int?

  /// Whether errors are coloured with terminal escapes.
  package var isColored: Bool

  /// How many columns text may take; tables take 78 of them.
  package var width: Int

  /// Describes a report.
  package init(
    order: Order = .worst, maximumRows: Int? = 10, isColored: Bool = false, width: Int = 80
  ) {
    self.order = order
    self.maximumRows = maximumRows
    self.isColored = isColored
    self.width = width
  }

  /// The table and the verdict, with a line break at the end.
  package func text(for result: Comparison.Outcome) -> String {
    let options = result.differingOptions.isEmpty ? [] : options(of: result) + [""]
    return (options + table(for: result) + [""] + summary(of: result)).map { $0 + "\n" }.joined()
  }

  /// The verdict of a comparison that passes in one line, what it assumes, and what is to be noted.
  ///
  /// - Parameters:
  ///   - proof: what was compared with what.
  ///   - noted: the notes that were made before; those that are new are added.
  package func brief(
    for result: Comparison.Outcome, proof: String, noted: inout Set<String>
  ) -> [String] {
    let verdict = result.verdict
    let worst = result.worstFirst.first.map { ", worst \(readable($0.timesLimit)) × limit" } ?? ""
    var lines = [
      style(verdict.word, .green)
        + ": \(verdict.comparedLayers.escapedForTerminal) compared, all within limits: \(proof)\(worst)"
    ]
    for (label, text) in verdict.detailLines(result.coverage)
    where Self.briefLabels.contains(label) && noted.insert(label + text).inserted {
      lines +=
        label == "assumed"
        ? ["assumed: \(text.escapedForTerminal)"] : wrapped(text.escapedForTerminal, label: label)
    }
    return lines
  }

  /// What even a short verdict says: all that it does not cover.
  private static let briefLabels: Set = ["assumed", "missing", "unknown", "functions", "note"]

  /// The options in which the networks differ: what the table is about, before it.
  private func options(of result: Comparison.Outcome) -> [String] {
    let count = counted(result.differingOptions.count, "option")
    return [style("the networks differ in \(count)", .bold)]
      + result.differingOptions.map { "  " + $0.escapedForTerminal }
  }

  /// The rows of the table with a heading; no lines where nothing was compared.
  package func table(for result: Comparison.Outcome) -> [String] {
    let rows = selectedRows(of: result)
    guard !rows.isEmpty else { return [] }
    let columns = LayerColumn.columns(of: .brief, for: result)
    // What the figures leave of 78 characters: seven more for names than for shapes, and both a half of the rest.
    let left = 78 - columns.reduce(0) { $0 + 1 + $1.width }
    let widths = (name: left - 1 - (left - 15) / 2, shape: (left - 15) / 2)
    func row(_ name: String, _ shape: String, _ figures: [String]) -> String {
      zip(columns, figures).reduce(
        name.shortened(to: widths.name).padded(to: widths.name) + " "
          + shape.shortened(to: widths.shape).padded(to: widths.shape)
      ) { $0 + " " + $1.1.leftPadded(to: $1.0.width) }
    }
    let headings = columns.map { $0.plainHeading ?? $0.heading }
    var lines = [style(row("layer", "shape", headings), .bold)]
    lines += rows.map { layer in
      let text = row(
        layer.displayName.escapedForTerminal, layer.shape.description,
        columns.map { $0.figure(layer)?.text ?? "" })
      return layer.passes ? text : style(text, .red)
    }
    let hidden = result.layers.count - rows.count
    if hidden > 0 {
      lines.append(style("  … and \(counted(hidden, "layer")) with smaller errors", .dim))
    }
    return lines
  }

  /// The verdict in a few lines.
  package func summary(of result: Comparison.Outcome) -> [String] {
    let verdict = result.verdict
    let title =
      verdict.passes
      ? style(verdict.word, .green)
        + ": \(verdict.comparedLayers.escapedForTerminal) compared, all within limits"
      : style("FAIL", .red)
        + ": \(verdict.failures.escapedForTerminal)"
    return [title] + (verdict.assumed.map { ["assumed: \($0.escapedForTerminal)"] } ?? [])
      + verdict.detailLines(result.coverage).filter {
        $0.label != "assumed" && ($0.label, $0.text) != ("note", result.optionsNote ?? "")
      }.flatMap {
        label, text in
        wrapped(text.escapedForTerminal, label: label)
      }
  }

  private func selectedRows(of result: Comparison.Outcome) -> [LayerComparison] {
    let worstFirst = result.worstFirst
    let rows = Array(worstFirst.prefix(maximumRows ?? worstFirst.count))
    return order == .worst ? rows : rows.sorted { $0.node < $1.node }
  }

  /// Text behind a label, with line breaks at spaces.
  private func wrapped(_ text: String, label: String) -> [String] {
    let indent = 12
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, indent + line.count + 1 + word.count > width {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " " + word
    }
    lines.append(line)
    return lines.enumerated().map { index, line in
      (index == 0 ? "  " + label.padded(to: indent - 2) : String(repeating: " ", count: indent))
        + line
    }
  }

  private enum Style: String {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
  }

  private func style(_ text: String, _ style: Style) -> String {
    isColored ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }
}

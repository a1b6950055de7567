import Comparison
package import Diagnosis
import Plain
import Tensors

/// A comparison of weights as a table for a terminal, at most 80 columns wide.
package struct WeightReport: Sendable {
  /// How many tensors are listed, the ones that differ most; `nil` for all, in the order of the file.
  package var maximumRows: Int?

  /// Describes a report.
  package init(maximumRows: Int? = 20) {
    self.maximumRows = maximumRows
  }

  /// The table and the verdict, with a line break at the end.
  package func text(for comparison: WeightComparison) -> String {
    var lines = differentNetworks(comparison) + table(comparison)
    lines += comparison.misshapen.map {
      "\($0.name) is \($0.shapes[0]) in the first file, \($0.shapes[1]) in the second"
    }
    lines += lone(comparison.onlyFirst, "first", other: "second")
    lines += lone(comparison.onlySecond, "second", other: "first")
    lines += comparison.options.map {
      "\($0.name) is \($0.first ?? "absent") in the first network, \($0.second ?? "absent") in the second"
    }
    if !lines.isEmpty { lines.append("") }
    lines += verdict(comparison)
    return lines.map { $0.escapedForTerminal + "\n" }.joined()
  }

  /// What comes first where tensors have no partner because the networks are two: all else follows from that.
  private func differentNetworks(_ comparison: WeightComparison) -> [String] {
    let lone = comparison.onlyFirst.count + comparison.onlySecond.count
    guard let option = comparison.options.first, lone + comparison.misshapen.count > 0 else {
      return []
    }
    let others = comparison.options.count - 1
    return [
      "two different networks: \(option.name) is \(option.first ?? "absent") and \(option.second ?? "absent")"
        + (others > 0
          ? ", and \(counted(others, "other option")) differ\(others == 1 ? "s" : "")" : ""),
      "",
    ]
  }

  private func table(_ comparison: WeightComparison) -> [String] {
    let differing = comparison.tensors.filter { !$0.isEqual }
    var rows = maximumRows == nil ? comparison.tensors : differing
    if let maximumRows {
      rows.sort { $0.statistics.scaledError > $1.statistics.scaledError }
      rows = Array(rows.prefix(maximumRows))
    }
    guard !rows.isEmpty else { return [] }
    var lines = [row("tensor", ["max|a-b|", "relative", "cosine", "equal"])]
    for difference in rows {
      let statistics = difference.statistics
      lines.append(
        row(
          difference.name,
          [
            figure(statistics.maximumDifference), readable(statistics.scaledError),
            fixed(statistics.cosine, decimals: 5), share(difference),
          ]))
      if let text = difference.finding ?? difference.rounding?.explanation {
        lines.append("  \(text)")
      }
    }
    if rows.count < differing.count {
      lines.append("  … and \(counted(differing.count - rows.count, "tensor")) that differ less")
    }
    return lines
  }

  private func row(_ name: String, _ figures: [String]) -> String {
    let columns = figures.map { String(repeating: " ", count: max(0, 9 - $0.count)) + $0 }
    let name = name.shortened(to: String.longestName)
    return name + String(repeating: " ", count: max(1, 40 - name.count))
      + columns.joined(separator: " ")
  }

  /// The values that are the same to the bit, in percent; 100 % only where all are.
  private func share(_ difference: WeightDifference) -> String {
    guard !difference.isEqual, difference.shape.elementCount > 0 else { return "all" }
    let percent = 100 * Double(difference.equalBits) / Double(difference.shape.elementCount)
    return difference.equalBits == 0 ? "none" : readable(min(percent, 99.9), digits: 3) + " %"
  }

  private func lone(
    _ tensors: [WeightComparison.Lone], _ side: String, other: String
  ) -> [String] {
    let shown = maximumRows.map { Array(tensors.prefix($0)) } ?? tensors
    var lines = shown.map { tensor in
      "only in the \(side): \(tensor.name) (\(tensor.shape))"
        + (tensor.renamed.map { ", which is \($0) in the \(other)" } ?? "")
    }
    if shown.count < tensors.count {
      lines.append("  … and \(tensors.count - shown.count) more")
    }
    return lines
  }

  private func verdict(_ comparison: WeightComparison) -> [String] {
    let count = comparison.tensors.count
    let equal = "all \(counted(count, "tensor")), to the bit"
    if comparison.areEqual { return ["EQUAL: \(equal)"] }
    let options = "\(counted(comparison.options.count, "option")) of the networks"
    if comparison.weightsAreEqual {
      return ["DIFFERENT: \(options); the weights are equal: \(equal)"]
    }
    let differing = comparison.tensors.count { !$0.isEqual }
    var parts: [String] = []
    if differing > 0 { parts.append("\(differing) of \(counted(count, "tensor")) differ") }
    if !comparison.misshapen.isEmpty {
      parts.append("\(counted(comparison.misshapen.count, "tensor")) of different shapes")
    }
    let lone = comparison.onlyFirst.count + comparison.onlySecond.count
    if lone > 0 { parts.append("\(counted(lone, "tensor")) on one side only") }
    if !comparison.options.isEmpty { parts.append(options) }
    return ["DIFFERENT: " + parts.joined(separator: ", ")]
      + (comparison.rounding.map { ["all differences are rounding: \($0.explanation)"] } ?? [])
  }
}

import Conversion
import Files
import Plain
import Tensors

extension OwnComparison {
  /// The verdict in one line.
  var line: String {
    let failed = layers.count { !$0.pass }
    var faults = failed == 0 ? [] : ["\(failed) of \(layers.count) layers out of limits"]
    if let agreement, !agreement.different.isEmpty {
      faults.append("\(agreement.different.count) of \(agreement.compared) tensors differ")
    }
    if let agreement, !agreement.options.isEmpty {
      faults.append(Self.otherwise(agreement.options.count))
    }
    return passes
      ? "PASS: \(layers.count) layers of the model's own graph compared, all within limits"
      : "FAIL, by the model's own graph: \(faults.joined(separator: ", "))"
  }

  /// How many layers do something else on the two sides.
  static func otherwise(_ count: Int) -> String {
    count == 1 ? "1 layer does something else" : "\(count) layers do something else"
  }

  /// The comparison for a terminal: the worst layers, or all in their order, and the verdict.
  func text(showsAll: Bool) -> String {
    let rows =
      showsAll ? layers : Array(layers.sorted { $0.scaledError > $1.scaledError }.prefix(10))
    let width = max(rows.map(\.name.count).max() ?? 0, 5)
    let isEngine = layers.contains { $0.isolatedError != nil }
    var lines = [
      "\("layer".padded(to: width))  \("class".padded(to: 24))  error      "
        + (isEngine ? "alone      limit" : "limit")
    ]
    lines += rows.map { layer in
      let alone = layer.isolatedError.map { "\(readable($0).padded(to: 9))  " }
      return "\(layer.name.padded(to: width))  \(layer.className.padded(to: 24))  "
        + "\(readable(layer.scaledError).padded(to: 9))  "
        + (isEngine ? alone ?? "–".padded(to: 9) + "  " : "")
        + readable(layer.limit) + (layer.pass ? "" : "  OUT OF LIMIT")
    }
    lines += ["", line]
    if let agreement {
      let equal = agreement.compared - agreement.different.count
      lines.append(
        "  weights   \(equal) of \(agreement.compared) tensors agree, \(agreement.identical) to the bit"
      )
      if !agreement.different.isEmpty {
        lines.append("  different \(listed(agreement.different, atMost: 8))")
      }
      for option in agreement.options.prefix(8) { lines.append("  option    \(option)") }
    }
    if let culprit {
      lines.append("  culprit   \(culprit.name), a \(culprit.className)")
    }
    if let suspicion { lines.append("  suspicion \(suspicion)") }
    lines += remarks.map { "  remark    \($0)" }
    if !missing.isEmpty {
      lines.append("  missing   \(missing.joined(separator: ", "))")
    }
    if !unknown.isEmpty {
      lines.append("  unknown   \(unknown.joined(separator: ", "))")
    }
    return lines.map { $0.shorteningWords().escapingControlCharacters }.joined(separator: "\n")
      + "\n"
  }
}

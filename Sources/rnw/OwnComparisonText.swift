import Conversion
import Files
import Plain
import Tensors

extension OwnComparison {
  /// The comparison for a terminal: the worst layers, or all in their order, and the verdict.
  func text(showsAll: Bool) -> String {
    let rows =
      showsAll ? layers : Array(layers.sorted { $0.scaledError > $1.scaledError }.prefix(10))
    let width = max(rows.map(\.name.count).max() ?? 0, 5)
    var lines = ["\("layer".padded(to: width))  \("class".padded(to: 24))  error      limit"]
    lines += rows.map { layer in
      "\(layer.name.padded(to: width))  \(layer.className.padded(to: 24))  "
        + "\(readable(layer.scaledError).padded(to: 9))  \(readable(layer.limit))"
        + (layer.pass ? "" : "  OUT OF LIMIT")
    }
    let failed = layers.count { !$0.pass }
    lines.append("")
    lines.append(
      failed == 0
        ? "PASS: \(layers.count) layers of the model's own graph compared, all within limits"
        : "FAIL: \(failed) of \(layers.count) layers of the model's own graph out of limits")
    if let culprit {
      lines.append("  culprit   \(culprit.name), a \(culprit.className)")
    }
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

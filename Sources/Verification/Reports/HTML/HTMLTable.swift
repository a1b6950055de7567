import Tensors

/// All layers with their figures; the script makes the headings sort.
struct HTMLTable {
  private let result: Comparison.Outcome
  private let hasPropagated: Bool
  private let hasIsolated: Bool

  init(_ result: Comparison.Outcome) {
    self.result = result
    hasPropagated = result.layers.contains { $0.propagated != nil }
    hasIsolated = result.layers.contains { $0.isolated != nil }
  }

  var markup: String {
    var headings = ["#", "layer", "operation", "shape", "max|a−b|"]
    if hasPropagated { headings.append("error, propagated") }
    if hasIsolated { headings.append("error, isolated") }
    headings += ["× limit", "cosine", "SQNR, dB", "over limit", "verdict"]
    let head = headings.map {
      "<th scope=\"col\" aria-sort=\"none\"><button type=\"button\">\($0)</button></th>"
    }
    return """
      <section aria-labelledby="layers"><h2 id="layers">Layers</h2>
      <p><label><input type="checkbox" id="failing"> only layers out of limits</label></p>
      <div class="scroll"><table>
      <thead><tr>\(head.joined())</tr></thead>
      <tbody>
      \(result.layers.map(row).joined(separator: "\n"))
      </tbody>
      </table></div>
      </section>
      """
  }

  private func row(_ layer: LayerComparison) -> String {
    let statistics = layer.statistics
    let name = layer.displayName.escapedForMarkup
    let canonical = layer.name.escapedForMarkup
    var cells = [
      number(Double(layer.node), "\(layer.node)"),
      "<th scope=\"row\" title=\"\(canonical)\">\(name)</th>",
      "<td>\(layer.operation.escapedForMarkup)</td>", "<td>\(layer.shape)</td>",
      number(statistics.maximum, readable(statistics.maximum)),
    ]
    if hasPropagated { cells.append(error(layer.propagated)) }
    if hasIsolated { cells.append(error(layer.isolated)) }
    cells += [
      number(layer.timesLimit, readable(layer.timesLimit)),
      number(statistics.cosine, readable(statistics.cosine, digits: 7)),
      number(statistics.signalToNoise, readable(statistics.signalToNoise, digits: 3)),
      number(Double(statistics.overLimit), "\(statistics.overLimit)"),
      "<td>\(verdict(of: layer))</td>",
    ]
    return
      "<tr id=\"layer-\(layer.node)\" tabindex=\"-1\" class=\"\(layer.passes ? "pass" : "fail")\">"
      + cells.joined() + "</tr>"
  }

  private func verdict(of layer: LayerComparison) -> String {
    if layer.node == result.culprit?.node {
      let suspicion = result.suspicion.map { ": \($0.explanation)" } ?? ""
      return "◆ first wrong layer\(suspicion.escapedForMarkup)"
    }
    return layer.passes
      ? "pass" : "✗ fail" + (layer.problem.map { ": \($0.escapedForMarkup)" } ?? "")
  }

  private func error(_ statistics: DifferenceStatistics?) -> String {
    guard let statistics else { return "<td data-value=\"-1\"></td>" }
    return number(statistics.scaledError, readable(statistics.scaledError))
  }

  private func number(_ value: Double, _ text: String) -> String {
    let key =
      value.isFinite ? "\(value)" : value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
    return "<td class=\"number\" data-value=\"\(key)\">\(text)</td>"
  }
}

import Comparison
import Plain
import Tensors

/// All layers with their figures; the script makes the headings sort.
struct HTMLTable {
  private let result: Comparison.Outcome
  private let culprit: Int?
  private let hasPropagated: Bool
  private let hasIsolated: Bool

  init(_ result: Comparison.Outcome) {
    self.result = result
    culprit = result.culprit?.node
    hasPropagated = result.layers.contains { $0.propagated != nil }
    hasIsolated = result.layers.contains { $0.isolated != nil }
  }

  var markup: String {
    var headings = [("#", true), ("layer", false), ("operation", false), ("shape", false)]
    headings += [("max |a−b|", true)]
    if hasPropagated { headings.append(("propagated", true)) }
    if hasIsolated { headings.append(("isolated", true)) }
    headings += [("× limit", true), ("verdict", false)]
    headings += [("SQNR, dB", true), ("over limit", true)]
    let head = headings.map { title, isNumber in
      "<th scope=\"col\" aria-sort=\"none\"\(isNumber ? " class=\"number\"" : "")>"
        + "<button type=\"button\">\(title)</button></th>"
    }
    return """
      <section id="layers" class="card" aria-labelledby="layers-title"><h2 id="layers-title">Layers</h2>
      <div class="tools"><label><input type="checkbox" id="failing"> only layers out of limits</label>
      <label>find <input type="search" id="search" autocomplete="off" spellcheck="false"></label>
      <span id="announcement" class="soft" role="status"></span></div>
      <div class="scroll" tabindex="0" role="region" aria-label="Table of layers">\
      <table data-first="\(first)">
      <caption class="unseen">All layers that were compared, in the order of computation; headings sort</caption>
      <thead><tr>\(head.joined())</tr></thead>
      <tbody>
      \(result.layers.map(row).joined(separator: "\n"))
      </tbody>
      </table></div>
      </section>
      """
  }

  /// The layer that is chosen when the page opens: the first wrong one, else the worst.
  private var first: Int { culprit ?? result.verdict.worst?.node ?? 0 }

  private func row(_ layer: LayerComparison) -> String {
    let statistics = layer.statistics
    let name = layer.displayName.escapedForMarkup
    let operation = layer.operation.escapedForMarkup
    var cells = [
      number(Double(layer.node), "\(layer.node)"),
      "<th scope=\"row\"><button type=\"button\">\(name)</button></th>",
      "<td>\(operation)</td>", "<td>\(layer.shape)</td>",
      number(statistics.maximumDifference, figure(statistics.maximumDifference)),
    ]
    if hasPropagated { cells.append(error(layer.propagated)) }
    if hasIsolated { cells.append(error(layer.isolated)) }
    cells += [
      number(layer.timesLimit, readable(layer.timesLimit)),
      verdict(of: layer),
      number(statistics.signalToNoise, figure(statistics.signalToNoise, digits: 3)),
      number(Double(statistics.overLimit), grouped(statistics.overLimit)),
    ]
    let style = (layer.passes ? "pass" : "fail") + (layer.node == culprit ? " culprit" : "")
    return "<tr id=\"layer-\(layer.node)\" class=\"\(style)\" data-node=\"\(layer.node)\" "
      + "data-name=\"\(name)\" data-operation=\"\(operation)\" data-shape=\"\(layer.shape)\" "
      + "title=\"\(layer.name.escapedForMarkup)\">" + cells.joined() + "</tr>"
  }

  private func verdict(of layer: LayerComparison) -> String {
    guard layer.node == culprit else {
      let problem = layer.problem.map { ": \($0.escapedForMarkup)" } ?? ""
      return "<td class=\"verdict\">\(layer.passes ? "pass" : "✗ out of limit\(problem)")</td>"
    }
    let suspicion = result.suspicion.map {
      " data-suspicion=\"\($0.explanation.escapedForMarkup)\""
    }
    return "<td class=\"verdict\"\(suspicion ?? "")>◆ first wrong layer</td>"
  }

  private func error(_ statistics: DifferenceStatistics?) -> String {
    guard let statistics else { return "<td class=\"number\" data-value=\"-1\"></td>" }
    return number(statistics.scaledError, readable(statistics.scaledError))
  }

  /// A cell that sorts by its number, and below all others where it has none.
  private func number(_ value: Double, _ text: String) -> String {
    let key = value.isFinite ? "\(value)" : value > 0 ? "Infinity" : "-Infinity"
    return "<td class=\"number\" data-value=\"\(key)\">\(text)</td>"
  }
}

import Comparison
import Plain
import Tensors

/// All layers with their figures; the script makes the headings sort.
struct HTMLTable {
  private let result: Comparison.Outcome
  private let culprit: Int?
  private let columns: [LayerColumn]
  private let detailColumns: [LayerColumn]

  init(_ result: Comparison.Outcome) {
    self.result = result
    culprit = result.culprit?.node
    columns = LayerColumn.columns(of: .page, for: result)
    detailColumns = LayerColumn.columns(of: .pageDetail, for: result)
  }

  var markup: String {
    var headings = [("#", true), ("layer", false), ("operation", false), ("shape", false)]
    headings += columns.map { ($0.heading, true) }
    headings.append(("verdict", false))
    headings += detailColumns.map { ($0.heading, true) }
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
    let name = layer.displayName.escapedForMarkup
    let operation = layer.operation.escapedForMarkup
    var cells = [
      number(Double(layer.node), "\(layer.node)"),
      "<th scope=\"row\"><button type=\"button\">\(name)</button></th>",
      "<td>\(operation)</td>", "<td>\(layer.shape)</td>",
    ]
    cells += columns.map { number($0.figure(layer)) }
    cells.append(verdict(of: layer))
    cells += detailColumns.map { number($0.figure(layer)) }
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
    let suspicion = result.culprit?.suspicion.map {
      " data-suspicion=\"\($0.explanation.escapedForMarkup)\""
    }
    return "<td class=\"verdict\"\(suspicion ?? "")>◆ first wrong layer</td>"
  }

  private func number(_ figure: (value: Double, text: String)?) -> String {
    guard let figure else { return "<td class=\"number\" data-value=\"-1\"></td>" }
    return number(figure.value, figure.text)
  }

  /// A cell that sorts by its number, and below all others where it has none.
  private func number(_ value: Double, _ text: String) -> String {
    let key = value.isFinite ? "\(value)" : value > 0 ? "Infinity" : "-Infinity"
    return "<td class=\"number\" data-value=\"\(key)\">\(text)</td>"
  }
}

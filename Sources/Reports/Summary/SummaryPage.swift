import FoundationEssentials
import Pages
import Plain

/// What a network is made of, as one HTML page: its totals, its drawing, where parameters and work lie, and a table of
/// its layers that can be sorted and searched.
package struct SummaryPage: Sendable {
  private let summary: Summary
  private let title: String
  private let facts: [(label: String, text: String)]
  private let drawing: String?
  private let layers: [Layer]

  /// A row of the table: a module that no module lies within.
  private struct Layer {
    let path: String
    let row: SummaryRow
  }

  /// Describes a page.
  ///
  /// - Parameters:
  ///   - summary: what is shown.
  ///   - title: what the network is called.
  ///   - facts: what else is known of it, each with a label.
  ///   - drawing: the network as SVG, where it can be drawn.
  package init(
    _ summary: Summary, title: String, facts: [(label: String, text: String)], drawing: String?
  ) {
    self.summary = summary
    self.title = title
    self.facts = facts
    self.drawing = drawing
    layers = Self.layers(of: summary)
  }

  /// The page, with a line break at the end.
  package var text: String {
    let body = """
      <a class="skip" href="#layers">Skip to the table of layers</a>
      \(header)
      <main>
      \(picture)
      \(shares)
      \(table)
      </main>
      <footer><p>A mult-add is a multiplication with an addition, counted as torchinfo counts them. \
      This page is one file and asks nothing of the network.</p></footer>
      """
    return HTMLPage(
      title: title.escapedForMarkup, body: body,
      styles: [
        HTMLReport.style, String(decoding: PackageResources.summary_css, as: UTF8.self),
      ],
      scripts: [HTMLReport.tableScript]
    ).text
  }

  // MARK: - What comes first

  private var header: String {
    let fixed = summary.totalParameters - summary.trainableParameters
    var all = facts
    all.append(
      (
        "parameters",
        "\(grouped(summary.totalParameters)), \(grouped(summary.trainableParameters)) of them trained"
          + (fixed > 0 ? ", \(grouped(fixed)) not" : "")
      ))
    if let pass = summary.pass {
      all.append(("mult-adds", grouped(pass.multAdds)))
      all.append(
        (
          "memory",
          "parameters \(megabytes(pass.parameterBytes)) MB as float32, values of one pass with gradients "
            + "\(megabytes(pass.valueBytes)) MB"
        ))
    }
    let lines = all.map {
      "<dt>\($0.label.escapedForMarkup)</dt><dd>\($0.text.escapedForMarkup)</dd>"
    }
    return """
      <header>
      <h1>\(title.escapedForMarkup)</h1>
      <p class="lead">\(counted(layers.count, "layer"))</p>
      <dl class="facts">
      \(lines.joined(separator: "\n"))
      </dl>
      </header>
      """
  }

  /// The drawing as an image of its own, so that its styles and the page's do not meet.
  private var picture: String {
    guard let drawing else { return "" }
    let data = Data(drawing.utf8).base64EncodedString()
    return """
      <section class="card" aria-labelledby="drawing-title"><h2 id="drawing-title">The network</h2>
      <div class="drawing" tabindex="0" role="region" aria-label="Drawing of the network">\
      <img alt="The stages of \(title.escapedForMarkup), and one stage's blocks in detail" \
      src="data:image/svg+xml;base64,\(data)"></div></section>
      """
  }

  // MARK: - Where parameters and work lie

  /// The parts of the network in the order in which they are first met, each with its share.
  private var shares: String {
    var parts: [(name: String, parameters: Int, work: Int)] = []
    for case (let part?, let row) in layers.map({ ($0.row.part, $0.row) }) {
      let place = parts.firstIndex { $0.name == part } ?? parts.endIndex
      if place == parts.endIndex { parts.append((part, 0, 0)) }
      parts[place].parameters += row.parameters
      parts[place].work += row.multAdds ?? 0
    }
    guard parts.count > 1 else { return "" }
    let work = summary.pass?.multAdds
    let rows = parts.map { part in
      "<span class=\"name\">\(part.name.escapedForMarkup)</span>"
        + share("parameters", part.parameters, of: summary.totalParameters)
        + (work.map { share("work", part.work, of: $0) } ?? "<span></span>")
    }
    return """
      <section class="card" aria-labelledby="shares-title"><h2 id="shares-title">Where parameters and work lie</h2>
      <div class="shares"><span class="head name">part</span><span class="head">parameters</span>\
      <span class="head">\(work == nil ? "" : "mult-adds")</span>
      \(rows.joined(separator: "\n"))
      </div></section>
      """
  }

  private func share(_ style: String, _ count: Int, of total: Int) -> String {
    let percent = total > 0 ? Double(count) / Double(total) * 100 : 0
    return
      "<span class=\"share\" title=\"\(grouped(count))\"><svg viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" "
      + "aria-hidden=\"true\"><rect class=\"track\" width=\"100\" height=\"8\"/><rect class=\"\(style)\" width=\""
      + "\(hundredths(percent))\" height=\"8\"/></svg><span>\(hundredths(percent)) %</span></span>"
  }

  // MARK: - The table

  private var table: String {
    let hasInput = summary.pass != nil
    var headings = [("#", true), ("layer", false), ("operation", false)]
    if hasInput { headings += [("reads", false), ("puts out", false)] }
    headings += [("kernel", false), ("parameters", true), ("%", true)]
    if hasInput { headings.append(("mult-adds", true)) }
    let head = headings.map { title, isNumber in
      "<th scope=\"col\" aria-sort=\"none\"\(isNumber ? " class=\"number\"" : "")>"
        + "<button type=\"button\">\(title)</button></th>"
    }
    return """
      <section id="layers" class="card" aria-labelledby="layers-title"><h2 id="layers-title">Layers</h2>
      <div class="tools"><label>find <input type="search" id="search" autocomplete="off" spellcheck="false"></label>
      <span id="announcement" class="soft" role="status"></span></div>
      <div class="scroll" tabindex="0" role="region" aria-label="Table of layers"><table>
      <caption class="unseen">All layers in the order in which they are called; headings sort</caption>
      <thead><tr>\(head.joined())</tr></thead>
      <tbody>
      \(layers.enumerated().map { row($1, at: $0 + 1, hasInput: hasInput) }.joined(separator: "\n"))
      </tbody>
      </table></div>
      </section>
      """
  }

  private func row(_ layer: Layer, at place: Int, hasInput: Bool) -> String {
    let row = layer.row
    let name = layer.path.escapedForMarkup
    let operation = row.className.escapedForMarkup
    var cells = [
      number(place, "\(place)"), "<th scope=\"row\">\(name)</th>",
      "<td>\(operation)\(row.isRepeated ? " (again)" : "")</td>",
    ]
    if hasInput { cells += [sizes(row.inputShape), sizes(row.outputShape)] }
    let kernel: String =
      switch row.kernel {
      case .convolution(let size), .pool(let size): "\(size) × \(size)"
      case nil: ""
      }
    cells.append("<td>\(kernel)</td>")
    cells.append(number(row.parameters, row.parameters > 0 ? grouped(row.parameters) : ""))
    let percent = Double(row.parameters) / Double(max(summary.totalParameters, 1)) * 100
    cells.append(number(row.parameters, row.parameters > 0 ? hundredths(percent) : ""))
    if hasInput {
      let work = row.multAdds ?? 0
      cells.append(number(work, work > 0 ? grouped(work) : ""))
    }
    return "<tr data-name=\"\(name)\" data-operation=\"\(operation)\">\(cells.joined())</tr>"
  }

  private func sizes(_ dimensions: [Int]?) -> String {
    "<td>\((dimensions ?? []).map(String.init).joined(separator: " × "))</td>"
  }

  /// A cell that sorts by its number.
  private func number(_ value: Int, _ text: String) -> String {
    "<td class=\"number\" data-value=\"\(value)\">\(text)</td>"
  }

  private func megabytes(_ bytes: Int) -> String { hundredths(Double(bytes) / 1e6) }
}

// MARK: - Layers

extension SummaryPage {
  /// The modules that no module lies within, each with the names of those around it.
  private static func layers(of summary: Summary) -> [Layer] {
    var around: [String] = []
    var layers: [Layer] = []
    for row in summary.rows where row.depth > 0 || row.isLeaf {
      let depth = max(row.depth - 1, 0)
      around.removeLast(max(around.count - depth, 0))
      let path = (around + [row.name]).filter { !$0.isEmpty }
      if row.isLeaf {
        let name = path.isEmpty ? row.className : path.joined(separator: ".")
        layers.append(Layer(path: name, row: row))
      } else {
        around += Array(repeating: "", count: max(depth - around.count, 0)) + [row.name]
      }
    }
    return layers
  }
}

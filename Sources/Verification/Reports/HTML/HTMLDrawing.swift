import ResNetV2

/// The network, block by block, each layer a link to its row of the table.
struct HTMLDrawing {
  private let result: Comparison.Outcome
  private let layers: [Int: LayerComparison]

  init(_ result: Comparison.Outcome) {
    self.result = result
    layers = Dictionary(uniqueKeysWithValues: result.layers.map { ($0.node, $0) })
  }

  var markup: String {
    let sections = sections.map { name, groups in
      """
      <div class="stage"><h3>\(name.escapedForMarkup)</h3>
      <div class="blocks">\(groups.map(block).joined())</div></div>
      """
    }
    let legend = HTMLSeverity.allCases.map {
      "<li><span class=\"swatch s\($0.rawValue)\"></span>\($0.title)</li>"
    }
    return """
      <section aria-labelledby="drawing"><h2 id="drawing">The network</h2>
      <p>Each square is a layer; follow one to its figures. ✗ marks layers out of their limit, ◆ the \
      first wrong one.</p>
      <ul class="legend">\(legend.joined())<li><span class="swatch none"></span>not compared</li></ul>
      <div class="network">
      \(sections.joined(separator: "\n"))
      </div>
      </section>
      """
  }

  /// Stem, stages and head, each with its blocks as lists of nodes.
  private var sections: [(name: String, blocks: [[Int]])] {
    var sections: [(name: String, blocks: [(name: String, nodes: [Int])])] = []
    for (index, node) in result.graph.nodes.enumerated() {
      let parts = node.name.split(separator: ".").map(String.init)
      let isBlock = parts.count > 2 && parts[0].hasPrefix("stage")
      let section = isBlock ? parts[0] : index == 0 || parts[0] == "stem" ? "stem" : "head"
      let block = isBlock ? parts[1] : section
      if sections.last?.name != section { sections.append((section, [])) }
      let last = sections.count - 1
      if sections[last].blocks.last?.name != block { sections[last].blocks.append((block, [])) }
      sections[last].blocks[sections[last].blocks.count - 1].nodes.append(index)
    }
    return sections.map { ($0.name, $0.blocks.map(\.nodes)) }
  }

  /// One block: the main path from top to bottom, the side path to its right.
  private func block(_ nodes: [Int]) -> String {
    let side = nodes.filter { result.graph.nodes[$0].name.contains(".shortcut") }
    let main = nodes.filter { !side.contains($0) }
    let cell = 22
    let height = max(main.count, 1) * cell + 4
    let hasSide = main.contains { result.graph.nodes[$0].operation == .add }
    var lines = ["<path class=\"edge\" d=\"M13 4V\(height - 4)\"/>"]
    if hasSide {
      lines.append("<path class=\"edge\" d=\"M13 8H39V\(height - 14)H13\"/>")
    }
    lines += main.enumerated().map { square($1, x: 4, y: 3 + $0 * cell) }
    lines += side.enumerated().map { square($1, x: 30, y: 3 + ($0 + 2) * cell) }
    let width = hasSide ? 52 : 26
    let label = result.graph.nodes[nodes.first ?? 0].name
      .split(separator: ".").prefix(2).joined(separator: " ")
    return "<svg class=\"block\" width=\"\(width)\" height=\"\(height)\" "
      + "viewBox=\"0 0 \(width) \(height)\" role=\"group\" "
      + "aria-label=\"\(label.escapedForMarkup)\">\(lines.joined())</svg>"
  }

  private func square(_ node: Int, x: Int, y: Int) -> String {
    let name = result.displayName(of: node).escapedForMarkup
    guard let layer = layers[node] else {
      return "<rect class=\"none\" x=\"\(x)\" y=\"\(y)\" width=\"18\" height=\"18\" rx=\"3\">"
        + "<title>\(name): not compared</title></rect>"
    }
    let isCulprit = node == result.culprit?.node
    let mark = isCulprit ? "◆" : layer.passes ? "" : "✗"
    let text = "\(name): \(layer.figure.escapedForMarkup)"
    let link = isCulprit ? " class=\"culprit\"" : ""
    return "<a\(link) href=\"#layer-\(node)\" aria-label=\"\(text)\"><title>\(text)</title>"
      + "<rect class=\"s\(HTMLSeverity(layer).rawValue)\" x=\"\(x)\" y=\"\(y)\" width=\"18\" "
      + "height=\"18\" rx=\"3\"/>"
      + (mark.isEmpty ? "" : "<text x=\"\(x + 9)\" y=\"\(y + 14)\">\(mark)</text>") + "</a>"
  }
}

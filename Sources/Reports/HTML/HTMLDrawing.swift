import Comparison
import ResNetV2
import Tensors

/// The network, block by block, each layer in the colour of its error and a link to its row.
///
/// For the keyboard it is one list, through which arrows lead.
struct HTMLDrawing {
  private let result: Comparison.Outcome
  private let layers: [Int: LayerComparison]
  private let culprit: Int?
  private let shapes: [Shape]

  private static let pitch = 25
  private static let mainX = 15
  private static let sideX = 45

  init(_ result: Comparison.Outcome) {
    self.result = result
    layers = Dictionary(uniqueKeysWithValues: result.layers.map { ($0.node, $0) })
    culprit = result.culprit?.node
    shapes = (try? result.graph.shapes(for: result.inputShape)) ?? []
  }

  var markup: String {
    """
    <section id="network" class="card" aria-labelledby="network-title"><h2 id="network-title">The network</h2>
    <p class="soft">Every shape is a layer in the colour of its error; ✗ marks one out of its limit, ◆ the first \
    wrong one. Choose one to see its figures; arrow keys lead from layer to layer.</p>
    \(legend)
    <div class="network" role="listbox" aria-labelledby="network-title">
    \(sections.map(section).joined(separator: "\n"))
    </div>
    </section>
    """
  }

  private var legend: String {
    let colours = HTMLSeverity.allCases.map {
      "<li><svg viewBox=\"-13 -10 26 20\" aria-hidden=\"true\">\(HTMLShape.product.markup(style: $0.style))</svg>"
        + "\($0.title)</li>"
    }
    let shapes = HTMLShape.allCases.map {
      "<li><svg viewBox=\"-13 -10 26 20\" aria-hidden=\"true\">\($0.markup(style: "s1"))</svg>\($0.title)</li>"
    }
    return """
      <ul class="legend">\(colours.joined())</ul>
      <ul class="legend">\(shapes.joined())</ul>
      """
  }

  // MARK: - Stages

  private struct Section {
    let name: String
    var blocks: [Block]
  }

  private struct Block {
    let name: String
    var nodes: [Int]
  }

  /// Stem, stages and head, each with its blocks.
  private var sections: [Section] {
    var sections: [Section] = []
    for (index, node) in result.graph.nodes.enumerated() {
      let parts = node.name.split(separator: ".").map(String.init)
      let isBlock = parts.count > 2 && parts[0].hasPrefix("stage")
      let name = isBlock ? parts[0] : index == 0 || parts[0] == "stem" ? "stem" : "head"
      let block = isBlock ? parts[1] : name
      if sections.last?.name != name { sections.append(Section(name: name, blocks: [])) }
      let last = sections.count - 1
      if sections[last].blocks.last?.name != block {
        sections[last].blocks.append(Block(name: block, nodes: []))
      }
      sections[last].blocks[sections[last].blocks.count - 1].nodes.append(index)
    }
    return sections
  }

  private func section(_ section: Section) -> String {
    let size = section.blocks.last?.nodes.last.flatMap(size) ?? ""
    let blocks = section.blocks.map { block(section.name, $0) }
    return """
      <div class="stage" role="group" aria-label="\(section.name)">\
      <h3 role="presentation">\(section.name) <span>\(size)</span></h3>
      <div class="blocks" role="presentation">\(blocks.joined(separator: "\n"))</div></div>
      """
  }

  /// Height, width and channels of a value.
  private func size(_ node: Int) -> String? {
    guard shapes.indices.contains(node), shapes[node].rank > 1 else { return nil }
    return shapes[node].dimensions.dropFirst().map(String.init).joined(separator: "×")
  }

  // MARK: - Blocks

  /// One block: the main path from top to bottom, the side path to its right.
  private func block(_ section: String, _ block: Block) -> String {
    let places = places(of: block.nodes)
    let height = (places.values.map(\.y).max() ?? 0) + Self.pitch / 2 + 2
    let hasSide = block.nodes.contains { result.graph.nodes[$0].operation == .add }
    let width = hasSide ? Self.sideX + 15 : Self.mainX + 15
    let label = block.name == section ? section : "\(section) \(block.name)"
    return """
      <svg class="block" width="\(width)" height="\(height)" viewBox="0 0 \(width) \(height)" \
      role="group" aria-label="\(label)">
      \(edges(of: block.nodes, places).joined())
      \(block.nodes.map { mark($0, places[$0] ?? (0, 0)) }.joined(separator: "\n"))
      </svg>
      """
  }

  /// The main path in the first column; the shortcut's layers in the second, from the row of the
  /// convolution on.
  private func places(of nodes: [Int]) -> [Int: (x: Int, y: Int)] {
    var result: [Int: (x: Int, y: Int)] = [:]
    let side = nodes.filter(isSide)
    let main = nodes.filter { !isSide($0) }
    for (row, node) in main.enumerated() {
      result[node] = (Self.mainX, 14 + row * Self.pitch)
    }
    for (row, node) in side.enumerated() {
      result[node] = (Self.sideX, 14 + (row + 2) * Self.pitch)
    }
    return result
  }

  private func isSide(_ node: Int) -> Bool {
    result.graph.nodes[node].name.contains(".shortcut")
  }

  /// What each node of a block reads, as lines; what comes from before the block starts at its top.
  private func edges(of nodes: [Int], _ places: [Int: (x: Int, y: Int)]) -> [String] {
    nodes.flatMap { node in
      result.graph.nodes[node].inputs.compactMap { input -> String? in
        guard let to = places[node] else { return nil }
        let from = places[input] ?? (Self.mainX, 0)
        let isAcross = from.x != to.x || (to.y - from.y > Self.pitch && !isSide(input))
        let side = Self.sideX
        let path =
          !isAcross
          ? "M\(from.x) \(from.y)V\(to.y)"
          : from.x == side
            ? "M\(side) \(from.y)V\(to.y)H\(to.x)"
            : "M\(from.x) \(from.y)H\(side)V\(to.y)H\(to.x)"
        return "<path class=\"edge\" d=\"\(path)\"/>"
      }
    }
  }

  private func mark(_ node: Int, _ place: (x: Int, y: Int)) -> String {
    let name = result.displayName(of: node).escapedForMarkup
    let shape = HTMLShape(result.graph.nodes[node].operation)
    let at = "transform=\"translate(\(place.x) \(place.y))\""
    guard let layer = layers[node] else {
      return "<g \(at)><title>\(name): not compared</title>\(shape.markup(style: "none"))</g>"
    }
    let isCulprit = node == culprit
    let sign = isCulprit ? "◆" : layer.passes ? "" : "✗"
    let state = isCulprit ? ", the first wrong layer" : layer.passes ? "" : ", out of limit"
    let text =
      "\(name), \(layer.operation.escapedForMarkup): \(layer.figure.escapedForMarkup)\(state)"
    return "<a role=\"option\" aria-selected=\"false\" tabindex=\"-1\" data-node=\"\(node)\" "
      + "href=\"#layer-\(node)\" aria-label=\"\(text)\" \(at)><title>\(text)</title>"
      + "<rect class=\"hit\" x=\"-15\" y=\"-12\" width=\"30\" height=\"24\"/>"
      + shape.markup(style: "shape \(HTMLSeverity(layer).style)")
      + "<rect class=\"ring\" x=\"-14\" y=\"-11.5\" width=\"28\" height=\"23\" rx=\"5\"/>"
      + (sign.isEmpty ? "" : "<text y=\"4.3\">\(sign)</text>") + "</a>"
  }
}

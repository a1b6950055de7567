import Plain
package import ResNetV2
package import Tensors

/// A network as an SVG image: the chain of its stages, and one stage's blocks in detail.
///
/// The image needs nothing from outside, follows the reader's choice of a light or dark page, and
/// has a title and description for readers who do not see it. The same network gives the same
/// bytes.
package struct NetworkDrawing: Sendable {
  private typealias Point = SVGCanvas.Point
  private typealias Measure = BlockDrawing.Measure

  private let graph: Graph
  private let title: String
  private let shapes: [Shape]
  private let parts: GraphParts

  private static let margin = 28
  private static let headerHeight = 92
  private static let stageHeight = 48
  private static let cardPadding = 26
  private static let cardHeader = 78
  private static let columnGap = 34

  /// How wide a character is at most on the average, in the widest of the fonts in use.
  private static let characterWidth = 7
  private static let titleCharacterWidth = 15

  /// Prepares a drawing.
  ///
  /// - Parameters:
  ///   - graph: the network.
  ///   - title: what it is called.
  ///   - input: the input as [N, H, W, C], whose sizes are written beside the stages.
  /// - Throws: ``SummaryError/input(_:)`` where the input does not fit the network.
  package init(_ graph: Graph, title: String, input: Shape) throws(SummaryError) {
    self.graph = graph
    self.title = title
    do throws(InputShapeError) {
      shapes = try graph.shapes(for: input)
    } catch {
      throw .input(error)
    }
    parts = GraphParts(graph)
  }

  /// The image, with a line break at the end.
  package var text: String {
    var canvas = SVGCanvas()
    header(on: &canvas)
    let chain = chain()
    let card = card(beside: chain.stageTop)
    canvas.draw(card)
    canvas.draw(chain.canvas)
    let (width, height) = (canvas.extent.x + Self.margin, canvas.extent.y + Self.margin)
    let id = "rnw-" + title.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
    let lines =
      [
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
          + "viewBox=\"0 0 \(width) \(height)\" role=\"img\" aria-labelledby=\"\(id)-title \(id)-desc\">",
        "<title id=\"\(id)-title\">\(title.escapedForXML): \(orderPhrase.escapedForXML)</title>",
        "<desc id=\"\(id)-desc\">\(description.escapedForXML)</desc>",
        "<style>\n\(DrawingStyle.sheet)\n</style>",
        "<rect class=\"paper\" width=\"\(width)\" height=\"\(height)\" rx=\"12\"/>",
      ] + canvas.elements + ["</svg>"]
    return lines.joined(separator: "\n") + "\n"
  }

  // MARK: - Words

  private var isPreActivation: Bool { graph.configuration.block.order == .preActivation }

  private var orderPhrase: String {
    isPreActivation
      ? "pre-activation blocks (ResNet V2)" : "post-activation blocks (ResNet V1)"
  }

  private var rulePhrase: String {
    isPreActivation
      ? "norm and ReLU come before each convolution; nothing comes after the addition"
      : "norm and ReLU come after each convolution; a ReLU follows the addition"
  }

  private var description: String {
    let stages = parts.stages.map { String($0.count) }.joined(separator: ", ")
    let blocks = detailed.kinds.map { kind in
      let main = kind.block.main.map { graph.nodes[$0].operation.phrase }
      let side = kind.block.side.map { graph.nodes[$0].operation.phrase }
      let shortcut =
        side.isEmpty ? "the block's input itself" : side.joined(separator: ", then ")
      return "\(kind.label): \(main.joined(separator: ", then ")); added to it is \(shortcut)."
    }
    return "In \(title), \(rulePhrase). Blocks per stage: \(stages). Stage \(detailed.stage + 1), "
      + blocks.joined(separator: " ")
  }

  private func header(on canvas: inout SVGCanvas) {
    let trained = graph.parameters.filter(\.role.isTrained)
    let count = trained.reduce(0) { $0 + $1.shape.elementCount }
    let note = "\(orderPhrase) · \(grouped(count)) parameters · \(rulePhrase)"
    canvas.text(
      "title", at: Point(x: Self.margin, y: 46), title,
      width: title.count * Self.titleCharacterWidth)
    canvas.text(
      "note", at: Point(x: Self.margin, y: 68), note, width: note.count * Self.characterWidth)
  }

  // MARK: - The chain of stages

  /// The stage that is shown in detail, and its kinds of blocks: the second, because it shrinks the
  /// image.
  private var detailed: (stage: Int, kinds: [BlockKind]) {
    let stage = min(1, parts.stages.count - 1)
    return (stage, BlockKind.kinds(of: parts.stages[stage], in: graph))
  }

  private func chain() -> (canvas: SVGCanvas, stageTop: Int) {
    var canvas = SVGCanvas()
    let x = Self.margin + Measure.boxWidth / 2
    var y = Self.headerHeight + 14
    var stageTop = y
    canvas.text("size", at: Point(x: x, y: y), "image \(shapes[0].imageLabel)")
    y += 8
    func step(_ height: Int) -> Point {
      canvas.arrow("edge", [Point(x: x, y: y), Point(x: x, y: y + Measure.gap)])
      y += Measure.gap + height
      return Point(x: x, y: y - height / 2)
    }
    func boxes(_ nodes: [Int]) {
      for index in nodes {
        let operation = graph.nodes[index].operation
        BlockDrawing.box(operation, at: step(BlockDrawing.height(of: operation)), on: &canvas)
      }
    }
    boxes(parts.stem)
    for (index, blocks) in parts.stages.enumerated() {
      let center = step(Self.stageHeight)
      let isDetailed = index == detailed.stage
      if isDetailed { stageTop = center.y - Self.stageHeight / 2 }
      canvas.box(
        isDetailed ? "stage detailed" : "stage", center: center, width: Measure.boxWidth,
        height: Self.stageHeight, radius: 6)
      canvas.text(
        "label strong", at: Point(x: x, y: center.y - 4),
        "stage \(index + 1) · \(blocks.count) block\(blocks.count == 1 ? "" : "s")")
      let output = blocks.last?.output ?? 0
      canvas.text("size", at: Point(x: x, y: center.y + 14), shapes[output].imageLabel)
    }
    boxes(parts.tail)
    return (canvas, stageTop)
  }

  // MARK: - The blocks in detail

  private func card(beside stageTop: Int) -> SVGCanvas {
    var canvas = SVGCanvas()
    let corner = Point(x: Self.margin + Measure.boxWidth + 56, y: Self.headerHeight)
    var x = corner.x + Self.cardPadding
    var blocks = SVGCanvas()
    for kind in detailed.kinds {
      let drawing = BlockDrawing(
        kind.block, in: graph, at: Point(x: x, y: corner.y + Self.cardHeader))
      let center = x + Measure.boxWidth / 2
      blocks.draw(drawing.canvas)
      blocks.text(
        "label strong", at: Point(x: center, y: corner.y + 48),
        "stage \(detailed.stage + 1), \(kind.label)")
      blocks.text(
        "size", at: Point(x: center, y: corner.y + 68), shapes[kind.block.input].imageLabel)
      blocks.text(
        "size", at: Point(x: center, y: drawing.bottom + 16), shapes[kind.block.output].imageLabel)
      x += BlockDrawing.width(of: kind.block) + Self.columnGap
    }
    let width = x - Self.columnGap + Self.cardPadding - corner.x
    let height = blocks.extent.y + 22 - corner.y
    let right = Self.margin + Measure.boxWidth
    canvas.polygon(
      "zoom",
      [
        Point(x: right, y: stageTop + 4), Point(x: corner.x, y: corner.y + 12),
        Point(x: corner.x, y: corner.y + height - 12),
        Point(x: right, y: stageTop + Self.stageHeight - 4),
      ])
    canvas.box("card", from: corner, width: width, height: height, radius: 12)
    canvas.draw(blocks)
    return canvas
  }
}

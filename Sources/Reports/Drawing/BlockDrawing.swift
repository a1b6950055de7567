import ResNetV2
import Tensors

/// One block: its main path from top to bottom, and its side path to the right of it.
struct BlockDrawing {
  private typealias Point = SVGCanvas.Point

  private let graph: Graph
  private let block: GraphParts.Block
  private let origin: SVGCanvas.Point

  /// The sizes of everything that a drawing is made of, in pixels.
  enum Measure {
    static let boxWidth = 186
    static let boxHeight = 32
    static let pillWidth = 92
    static let pillHeight = 26
    static let gap = 18
    static let firstGap = 26
    static let additionRadius = 13
    static let sideGap = 30
  }

  /// The shapes that were drawn.
  private(set) var canvas = SVGCanvas()

  /// The lower end of the arrow that leaves the block.
  private(set) var bottom = 0

  /// Draws a block whose incoming arrow begins at the middle of the top.
  ///
  /// - Parameter origin: the upper left corner.
  init(_ block: GraphParts.Block, in graph: Graph, at origin: SVGCanvas.Point) {
    self.graph = graph
    self.block = block
    self.origin = origin
    draw()
  }

  /// The width that a block needs.
  static func width(of block: GraphParts.Block) -> Int {
    Measure.boxWidth + Measure.sideGap + (block.side.isEmpty ? 12 : Measure.boxWidth)
  }

  private var mainX: Int { origin.x + Measure.boxWidth / 2 }

  private var sideX: Int {
    let edge = origin.x + Measure.boxWidth + Measure.sideGap
    return block.side.isEmpty ? edge : edge + Measure.boxWidth / 2
  }

  private mutating func draw() {
    // The value that the side path reads, and where its line leaves the main path.
    let addition = block.main.first { graph.nodes[$0].operation == .add }
    let read = block.side.first.map { graph.nodes[$0].inputs[0] } ?? block.input
    var branch = origin.y
    var y = origin.y
    var previous = block.input
    for index in block.main {
      let operation = graph.nodes[index].operation
      let gap = previous == block.input ? Measure.firstGap : Measure.gap
      if previous == read { branch = y + gap / 3 }
      let height = Self.height(of: operation)
      canvas.arrow("edge", [Point(x: mainX, y: y), Point(x: mainX, y: y + gap)])
      let center = Point(x: mainX, y: y + gap + height / 2)
      if index == addition {
        side(from: branch, to: center)
        canvas.circle("add", center: center, radius: Measure.additionRadius)
        canvas.text("label plus", at: Point(x: center.x, y: center.y + 6), operation.label)
      } else {
        Self.box(operation, at: center, on: &canvas)
      }
      y += gap + height
      previous = index
    }
    canvas.arrow("edge", [Point(x: mainX, y: y), Point(x: mainX, y: y + Measure.gap)])
    bottom = y + Measure.gap
  }

  /// Draws the side path from its branch to the addition.
  private mutating func side(from branch: Int, to addition: SVGCanvas.Point) {
    let end = Point(x: addition.x + Measure.additionRadius, y: addition.y)
    let nodes = block.side.map { graph.nodes[$0].operation }
    canvas.circle("dot", center: Point(x: mainX, y: branch), radius: 3)
    let start = [Point(x: mainX, y: branch), Point(x: sideX, y: branch)]
    guard !nodes.isEmpty else {
      canvas.arrow("skip", start + [Point(x: sideX, y: end.y), end])
      return
    }
    let heights = nodes.map { Self.height(of: $0) }
    let total = heights.reduce(0, +) + Measure.gap * (nodes.count - 1)
    var y = (branch + end.y - total) / 2
    canvas.arrow("skip", start + [Point(x: sideX, y: y)])
    for (index, operation) in nodes.enumerated() {
      if index > 0 {
        canvas.arrow("skip", [Point(x: sideX, y: y), Point(x: sideX, y: y + Measure.gap)])
        y += Measure.gap
      }
      Self.box(operation, at: Point(x: sideX, y: y + heights[index] / 2), on: &canvas)
      y += heights[index]
    }
    canvas.arrow("skip", [Point(x: sideX, y: y), Point(x: sideX, y: end.y), end])
  }

  // MARK: - Single nodes, here and in the chain of stages

  static func height(of operation: Operation) -> Int {
    switch operation {
    case .add: 2 * Measure.additionRadius
    case .activation(let activation) where activation.isShort: Measure.pillHeight
    case .input, .adjust, .convolution, .norm, .activation, .maxPool, .averagePool, .subsample,
      .padChannels, .globalAverage, .globalMaximum, .flatten, .dense:
      Measure.boxHeight
    }
  }

  static func box(_ operation: Operation, at center: SVGCanvas.Point, on canvas: inout SVGCanvas) {
    let height = height(of: operation)
    let isPill = height == Measure.pillHeight
    canvas.box(
      "node \(operation.drawingStyle)", center: center,
      width: isPill ? Measure.pillWidth : Measure.boxWidth, height: height,
      radius: isPill ? height / 2 : 6)
    canvas.text("label", at: SVGCanvas.Point(x: center.x, y: center.y + 5), operation.label)
  }
}

extension ActivationFunction {
  /// Whether its title fits into a pill.
  fileprivate var isShort: Bool { title.count <= 8 }
}

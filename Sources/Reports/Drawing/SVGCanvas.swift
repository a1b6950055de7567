import Plain
import ResNetV2
import Tensors

/// Collects the shapes of a drawing; all coordinates are whole pixels, so the text is the same
/// everywhere.
struct SVGCanvas {
  /// The elements so far, one a line.
  private(set) var elements: [String] = []

  /// The largest coordinates that anything reaches.
  private(set) var extent = Point(x: 0, y: 0)

  /// A place on the canvas; y grows downwards.
  struct Point {
    var x: Int
    var y: Int
  }

  /// Draws a rectangle around a centre.
  mutating func box(
    _ style: String, center: Point, width: Int, height: Int, radius: Int
  ) {
    box(
      style, from: Point(x: center.x - width / 2, y: center.y - height / 2), width: width,
      height: height, radius: radius)
  }

  /// Draws a rectangle from its upper left corner.
  mutating func box(_ style: String, from corner: Point, width: Int, height: Int, radius: Int) {
    elements.append(
      "<rect class=\"\(style)\" x=\"\(corner.x)\" y=\"\(corner.y)\" width=\"\(width)\" "
        + "height=\"\(height)\" rx=\"\(radius)\"/>")
    reach(Point(x: corner.x + width, y: corner.y + height))
  }

  /// Draws a circle.
  mutating func circle(_ style: String, center: Point, radius: Int) {
    elements.append(
      "<circle class=\"\(style)\" cx=\"\(center.x)\" cy=\"\(center.y)\" r=\"\(radius)\"/>")
    reach(Point(x: center.x + radius, y: center.y + radius))
  }

  /// Writes a line of text with its baseline at a point.
  ///
  /// - Parameter width: about how wide the text is, where it begins at the point instead of being centred on it.
  mutating func text(_ style: String, at point: Point, _ text: String, width: Int = 0) {
    elements.append(
      "<text class=\"\(style)\" x=\"\(point.x)\" y=\"\(point.y)\">\(text.escapedForXML)</text>")
    reach(Point(x: point.x + width, y: point.y))
  }

  /// Draws a line through points whose corners are rounded.
  mutating func line(_ style: String, _ points: [Point], radius: Int = 8) {
    guard let first = points.first, let last = points.last else { return }
    var path = "M\(first.x) \(first.y)"
    for index in points.indices.dropFirst().dropLast() {
      let corner = points[index]
      let before = corner.moved(towards: points[index - 1], by: radius)
      let after = corner.moved(towards: points[index + 1], by: radius)
      path += " L\(before.x) \(before.y) Q\(corner.x) \(corner.y) \(after.x) \(after.y)"
    }
    path += " L\(last.x) \(last.y)"
    elements.append("<path class=\"\(style)\" d=\"\(path)\"/>")
    points.forEach { reach($0) }
  }

  /// Draws an arrow; the head touches the last point.
  mutating func arrow(_ style: String, _ points: [Point]) {
    guard let tip = points.last, let before = points.dropLast().last else { return }
    line(style, points.dropLast() + [tip.moved(towards: before, by: 5)])
    let base = tip.moved(towards: before, by: 8)
    let (dx, dy) = tip.x == before.x ? (4, 0) : (0, 4)
    elements.append(
      "<path class=\"\(style) head\" d=\"M\(tip.x) \(tip.y) L\(base.x - dx) \(base.y - dy) "
        + "L\(base.x + dx) \(base.y + dy) Z\"/>")
  }

  /// Fills a polygon.
  mutating func polygon(_ style: String, _ points: [Point]) {
    let corners = points.map { "\($0.x),\($0.y)" }.joined(separator: " ")
    elements.append("<polygon class=\"\(style)\" points=\"\(corners)\"/>")
    points.forEach { reach($0) }
  }

  /// Adds what another canvas has, on top.
  mutating func draw(_ other: SVGCanvas) {
    elements += other.elements
    reach(other.extent)
  }

  private mutating func reach(_ point: Point) {
    extent = Point(x: max(extent.x, point.x), y: max(extent.y, point.y))
  }
}

extension SVGCanvas.Point {
  /// A point nearer to another on a horizontal or vertical line.
  fileprivate func moved(towards other: SVGCanvas.Point, by distance: Int) -> SVGCanvas.Point {
    func step(_ from: Int, _ to: Int) -> Int {
      from + (to - from).signum() * min(distance, abs(to - from))
    }
    return SVGCanvas.Point(x: step(x, other.x), y: step(y, other.y))
  }
}

extension String {
  /// The text for an element or a quoted attribute: names may come from a stranger's file.
  var escapedForXML: String {
    // Attributes are in double quotes.
    Escaped.markup(shorteningWords()).replacing("&#39;", with: "'")
  }
}

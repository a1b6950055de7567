/// The error of every layer along the depth, on a logarithmic scale.
struct HTMLChart {
  private let layers: [LayerComparison]
  private let lowest: Int
  private let highest: Int

  private static let width = 960.0
  private static let height = 300.0
  private static let left = 56.0
  private static let bottom = 24.0

  init(_ result: Comparison.Outcome) {
    layers = result.layers
    let values = result.layers.flatMap {
      [$0.propagated?.scaledError, $0.isolated?.scaledError, $0.propagatedLimit].compactMap { $0 }
    }.filter { $0 > 0 && $0.isFinite }
    let powers = values.map { Int(decimalLogarithm($0).rounded(.down)) }
    // The lowest line is zero; errors below a hundredth of an ulp say nothing and share it.
    lowest = max(powers.min() ?? -9, -10) - 1
    highest = max((powers.max() ?? -4) + 1, lowest + 2)
  }

  var markup: String {
    var parts: [String] = []
    for power in lowest...highest {
      let y = y(ofPower: Double(power))
      parts.append(
        "<path class=\"grid\" d=\"M\(Self.left) \(text(y))H\(Self.width)\"/>"
          + "<text class=\"axis\" x=\"\(Self.left - 6)\" y=\"\(text(y + 4))\">\(power == lowest ? "0" : "1e\(power)")</text>"
      )
    }
    parts.append(
      line(
        layers.map { $0.propagated == nil ? $0.isolatedLimit : $0.propagatedLimit }, class: "limit")
    )
    let modes: [(String, [Double?])] = [
      ("propagated", layers.map { $0.propagated?.scaledError }),
      ("isolated", layers.map { $0.isolated?.scaledError }),
    ]
    for (name, values) in modes where values.contains(where: { $0 != nil }) {
      parts.append(line(values, class: name))
      parts += layers.indices.compactMap { index in
        values[index].map { point(index, $0, class: name) }
      }
    }
    let shown = modes.filter { $0.1.contains { $0 != nil } }.map(\.0)
    let legend = (shown + ["limit"]).map { "<li><span class=\"stroke \($0)\"></span>\($0)</li>" }
    return """
      <section aria-labelledby="depth"><h2 id="depth">Error along the depth</h2>
      <ul class="legend">\(legend.joined())</ul>
      <div class="scroll"><svg class="chart" viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" \
      role="img" aria-label="Scaled error of each layer in the order of computation; the table has the figures">
      \(parts.joined(separator: "\n"))
      </svg></div>
      </section>
      """
  }

  private func line(_ values: [Double?], class name: String) -> String {
    var path = ""
    var isDrawing = false
    for (index, value) in values.enumerated() {
      guard let value else {
        isDrawing = false
        continue
      }
      path += "\(isDrawing ? "L" : "M")\(text(x(index))) \(text(y(value)))"
      isDrawing = true
    }
    return "<path class=\"line \(name)\" d=\"\(path)\"/>"
  }

  private func point(_ index: Int, _ value: Double, class name: String) -> String {
    let layer = layers[index]
    return "<circle class=\"\(name)\" cx=\"\(text(x(index)))\" cy=\"\(text(y(value)))\" r=\"2.5\">"
      + "<title>\(layer.displayName.escapedForMarkup), \(name): \(readable(value))</title></circle>"
  }

  private func x(_ index: Int) -> Double {
    let steps = Double(max(layers.count - 1, 1))
    return Self.left + 8 + Double(index) / steps * (Self.width - Self.left - 16)
  }

  private func y(_ value: Double) -> Double {
    guard value > 0 else { return y(ofPower: Double(lowest)) }
    guard value.isFinite else { return y(ofPower: Double(highest)) }
    return y(ofPower: min(max(decimalLogarithm(value), Double(lowest)), Double(highest)))
  }

  private func y(ofPower power: Double) -> Double {
    let share = (power - Double(lowest)) / Double(highest - lowest)
    return (1 - share) * (Self.height - Self.bottom - 12) + 12
  }

  /// A coordinate with one decimal.
  private func text(_ value: Double) -> String {
    "\((value * 10).rounded() / 10)"
  }
}

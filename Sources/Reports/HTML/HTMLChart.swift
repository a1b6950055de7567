import Comparison
import Plain

/// The error of every layer along the depth, on a logarithmic scale.
///
/// Propagated errors are a line, since they carry on; isolated ones stand for themselves.
struct HTMLChart {
  private let layers: [LayerComparison]
  private let culprit: Int?
  private let lowest: Int
  private let highest: Int

  private static let width = 960.0
  private static let left = 46.0
  private static let right = 950.0
  private static let top = 24.0
  private static let bottom = 300.0

  init(_ result: Comparison.Outcome) {
    layers = result.layers
    culprit = result.layers.firstIndex { $0.node == result.culprit?.node }
    let values = result.layers.flatMap {
      [$0.propagated?.scaledError, $0.isolated?.scaledError, $0.propagatedLimit].compactMap { $0 }
    }.filter { $0 > 0 && $0.isFinite }
    let powers = values.map { Int(decimalLogarithm($0).rounded(.down)) }
    // The lowest line is zero; errors below a hundredth of an ulp say nothing and share it.
    lowest = max(powers.min() ?? -9, -10) - 1
    highest = max((powers.max() ?? -4) + 1, lowest + 2)
  }

  var markup: String {
    let modes: [(name: String, values: [Double?])] = [
      ("propagated", layers.map { $0.propagated?.scaledError }),
      ("isolated", layers.map { $0.isolated?.scaledError }),
    ].filter { $0.values.contains { $0 != nil } }
    let curves = modes.reversed().map {
      $0.name == "isolated" ? stems($0.values) : line($0.values)
    }
    let idle = "Point at a layer to read its errors, click to choose it."
    return """
      <section id="depth" class="card" aria-labelledby="depth-title">\
      <h2 id="depth-title">Error along the depth</h2>
      <ul class="legend">\(legend(modes.map(\.name)))</ul>
      <div class="scroll" tabindex="0" role="region" aria-label="Error along the depth, drawn"><svg class="chart" \
      viewBox="0 0 \(Int(Self.width)) 322" role="img" aria-label="\(summary)" \
      data-top="\(text(Self.top))" data-bottom="\(text(Self.bottom))" \
      data-x="\(layers.indices.map { text(x($0)) }.joined(separator: " "))">
      \((bands + grid + [limits] + curves + culpritMark).joined(separator: "\n"))
      <path class="cursor" d=""/>
      </svg></div>
      <p id="readout" class="soft readout" aria-hidden="true" data-idle="\(idle)">\(idle)</p>
      </section>
      """
  }

  // MARK: - Words

  private func legend(_ modes: [String]) -> String {
    let samples = [
      "propagated": (
        "<path class=\"propagated-line\" d=\"M0 8H26\"/>",
        "propagated: both networks run on the same input"
      ),
      "isolated": (
        "<path class=\"isolated-stem\" d=\"M13 16V4\"/><circle class=\"isolated-dot\" cx=\"13\" cy=\"4\" r=\"3\"/>",
        "isolated: this layer alone, given the reference's inputs"
      ),
      "limit": ("<path class=\"limit\" d=\"M0 8H26\"/>", "limit"),
    ]
    return (modes + ["limit"]).compactMap { samples[$0] }.map { sample, title in
      "<li><svg viewBox=\"0 0 26 16\" aria-hidden=\"true\">\(sample)</svg>\(title)</li>"
    }.joined()
  }

  /// What the drawing shows, for those who do not see it.
  private var summary: String {
    guard let first = layers.first, let last = layers.last else { return "No layer was compared." }
    let largest = layers.max { $0.largestError < $1.largestError } ?? last
    return
      ("Scaled error of \(counted(layers.count, "layer")) in the order of computation, from "
      + "\(readable(first.scaledError)) at \(first.displayName) to \(readable(last.scaledError)) at "
      + "\(last.displayName); the largest is \(readable(largest.largestError)) at "
      + "\(largest.displayName). The table has all figures.").escapedForMarkup
  }

  // MARK: - Background

  /// Every other stage on a darker ground, all with their names.
  private var bands: [String] {
    var runs: [(name: Substring, first: Int, last: Int)] = []
    for (index, layer) in layers.enumerated() {
      let part = layer.name.prefix { $0 != "." }
      let name = part.hasPrefix("stage") || part == "stem" ? part : "head"
      if runs.last?.name == name {
        runs[runs.count - 1].last = index
      } else {
        runs.append((name, index, index))
      }
    }
    let half = layers.count > 1 ? (x(1) - x(0)) / 2 : 0
    return runs.enumerated().flatMap { number, run -> [String] in
      let from = x(run.first) - half
      let to = x(run.last) + half
      let band =
        "<rect class=\"band\" x=\"\(text(from))\" y=\"\(text(Self.top))\" "
        + "width=\"\(text(to - from))\" height=\"\(text(Self.bottom - Self.top))\"/>"
      let label =
        "<text x=\"\(text((from + to) / 2))\" y=\"317\" text-anchor=\"middle\">\(run.name)</text>"
      return number.isMultiple(of: 2) ? [label] : [band, label]
    }
  }

  private var grid: [String] {
    (lowest...highest).map { power in
      let y = y(ofPower: Double(power))
      let label = power == lowest ? "0" : "1e\(power)"
      return "<path class=\"grid\" d=\"M\(text(Self.left)) \(text(y))H\(text(Self.right))\"/>"
        + "<text class=\"axis\" x=\"\(text(Self.left - 6))\" y=\"\(text(y + 4))\">\(label)</text>"
    }
  }

  private var limits: String {
    let values = layers.map { $0.propagated == nil ? $0.isolatedLimit : $0.propagatedLimit }
    return "<path class=\"limit\" d=\"\(path(values))\"/>"
  }

  private var culpritMark: [String] {
    guard let culprit else { return [] }
    let x = x(culprit)
    // The name stands on the side that has room.
    let isLeft = x < Self.width / 2
    return [
      "<path class=\"culprit-line\" d=\"M\(text(x)) \(text(Self.top - 6))V\(text(Self.bottom))\"/>"
        + "<text class=\"culprit-mark\" x=\"\(text(x + (isLeft ? -4 : 4)))\" y=\"13\" "
        + "text-anchor=\"\(isLeft ? "start" : "end")\">◆ \(layers[culprit].displayName.escapedForMarkup)</text>"
    ]
  }

  // MARK: - Curves

  private func line(_ values: [Double?]) -> String {
    let dots = values.enumerated().compactMap { index, value in
      value.map {
        "<circle class=\"propagated-dot\" cx=\"\(text(x(index)))\" cy=\"\(text(y($0)))\" r=\"1.8\"/>"
      }
    }
    return "<path class=\"propagated-line\" d=\"\(path(values))\"/>" + dots.joined()
  }

  private func stems(_ values: [Double?]) -> String {
    var stems = ""
    var dots = ""
    for (index, value) in values.enumerated() {
      guard let value else { continue }
      let at = text(x(index))
      if value > 0 { stems += "M\(at) \(text(Self.bottom))V\(text(y(value)))" }
      dots +=
        "<circle class=\"isolated-dot\" cx=\"\(at)\" cy=\"\(text(y(value)))\" r=\"\(value > 0 ? 2.2 : 1.2)\"/>"
    }
    return "<path class=\"isolated-stem\" d=\"\(stems)\"/>" + dots
  }

  private func path(_ values: [Double?]) -> String {
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
    return path
  }

  // MARK: - Scales

  private func x(_ index: Int) -> Double {
    let steps = Double(max(layers.count - 1, 1))
    return Self.left + 8 + Double(index) / steps * (Self.right - Self.left - 16)
  }

  private func y(_ value: Double) -> Double {
    guard value > 0 else { return y(ofPower: Double(lowest)) }
    guard value.isFinite else { return y(ofPower: Double(highest)) }
    return y(ofPower: min(max(decimalLogarithm(value), Double(lowest)), Double(highest)))
  }

  private func y(ofPower power: Double) -> Double {
    let share = (power - Double(lowest)) / Double(highest - lowest)
    return Self.bottom - share * (Self.bottom - Self.top)
  }

  /// A coordinate with one decimal.
  private func text(_ value: Double) -> String {
    "\((value * 10).rounded() / 10)"
  }
}

import Comparison
import Plain

/// The figures of every layer for the script: numbers and fixed words, no names.
struct HTMLLayerData {
  private let layers: [LayerComparison]

  init(_ result: Comparison.Outcome) {
    layers = result.layers
  }

  /// A JSON object by node, by mode.
  var json: String {
    let entries = layers.map { layer in
      let modes = [
        layer.propagated.map {
          "\"propagated\":\(record($0, limit: layer.propagatedLimit, layer))"
        },
        layer.isolated.map { "\"isolated\":\(record($0, limit: layer.isolatedLimit, layer))" },
      ].compactMap { $0 }
      return "\"\(layer.node)\":{\(modes.joined(separator: ","))}"
    }
    return "{\(entries.joined(separator: ",\n"))}"
  }

  private func record(
    _ statistics: DifferenceStatistics, limit: Double, _ layer: LayerComparison
  ) -> String {
    let position = layer.position(of: statistics).map {
      $0.map(String.init).joined(separator: ", ")
    }
    let texts = [
      readable(statistics.scaledError), readable(limit), figure(statistics.maximumDifference),
      position ?? "–", readable(statistics.maximumReference, digits: 3),
      figure(statistics.meanDifference), figure(statistics.rootMeanSquare),
      fixed(statistics.cosine, decimals: 6), figure(statistics.signalToNoise, digits: 3),
      grouped(statistics.count), statistics.overLimit.map(grouped) ?? "–",
      notFinite(statistics.nonFinite),
    ]
    let figures = texts.map { "\"\($0)\"" }.joined(separator: ",")
    var fields = [
      "\"scale\":\(number(statistics.scale))", "\"limit\":\(number(limit))",
      "\"figures\":[\(figures)]",
    ]
    if let detail = statistics.detail {
      let (first, above, below) = detail.sizes
      fields.append(
        "\"sizes\":[\(detail.equal),\(detail.broken),\(first),\(above),\(below)]"
          .filter { $0 != " " })
      if detail.channelMaxima.contains(where: { $0 > 0 }) {
        let unit = limit * statistics.scale
        fields.append(
          "\"channels\":\"\(String(detail.channelMaxima.map { level(Double($0) / unit) }))\"")
      }
    }
    return "{\(fields.joined(separator: ","))}"
  }

  private func notFinite(_ counts: NonFiniteCounts) -> String {
    guard counts.pairs > 0 else { return "none" }
    let candidate = counts.candidateNaN + counts.candidateInfinite
    let reference = counts.referenceNaN + counts.referenceInfinite
    return "\(grouped(candidate)), \(grouped(reference)) in b"
  }

  private func number(_ value: Double) -> String { value.isFinite ? "\(value)" : "1e308" }

  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
  private static let limitLevel = 28

  /// A letter for a multiple of the limit: the first for zero, the last for infinity, between them
  /// six for each power of ten.
  ///
  /// What is within the limit never gets a letter above it.
  private func level(_ times: Double) -> Character {
    let last = Self.alphabet.count - 1
    guard times > 0 else { return Self.alphabet[0] }
    guard times.isFinite else { return Self.alphabet[last] }
    let nearest =
      Self.limitLevel + Int(min(max(decimalLogarithm(times) * 6, -100), 100).rounded())
    let range =
      times <= 1 ? 1...Self.limitLevel : (Self.limitLevel + 1)...(last - 1)
    return Self.alphabet[min(max(nearest, range.lowerBound), range.upperBound)]
  }
}

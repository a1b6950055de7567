import Comparison
import Plain

/// A column of figures in the tables of layers: text, Markdown and the page show the same ones from here.
///
/// The JSON documents hold every statistic, by a schema of their own.
struct LayerColumn {
  /// What stands above it.
  let heading: String

  /// The heading in ASCII, where that is another.
  private(set) var plainHeading: String?

  /// The characters that it takes in text.
  private(set) var width = 8

  /// The tables in which it is.
  let tables: Set<Table>

  /// The number that it sorts by and what is shown; `nil` where the layer has none.
  let figure: (LayerComparison) -> (value: Double, text: String)?

  /// A table of layers.
  enum Table {
    /// In text and Markdown, which have little room.
    case brief
    /// In the page, before the verdict.
    case page
    /// In the page, behind the verdict.
    case pageDetail
  }

  /// The columns of one table, in order.
  static func columns(of table: Table, for result: Comparison.Outcome) -> [LayerColumn] {
    all(for: result).filter { $0.tables.contains(table) }
  }

  private static func all(for result: Comparison.Outcome) -> [LayerColumn] {
    let hasIsolated = result.layers.contains { $0.isolated != nil }
    let hasPropagated = result.layers.contains { $0.propagated != nil }
    let hasULP = result.layers.contains { $0.statistics.largestULP != nil }
    let hasBoth = result.layers.contains { $0.propagated != nil && $0.isolated != nil }
    return [
      LayerColumn(
        heading: "max |a−b|", plainHeading: "max|a-b|", tables: hasBoth ? [.page] : [.brief, .page]
      ) {
        ($0.statistics.maximumDifference, Plain.figure($0.statistics.maximumDifference))
      },
      LayerColumn(heading: "error", tables: hasBoth ? [] : [.brief]) {
        ($0.scaledError, readable($0.scaledError))
      },
      LayerColumn(
        heading: "isolated", tables: hasBoth ? [.brief, .page] : hasIsolated ? [.page] : []
      ) {
        $0.isolated.map { ($0.scaledError, readable($0.scaledError)) }
      },
      LayerColumn(
        heading: "propagated", width: 10,
        tables: hasBoth ? [.brief, .page] : hasPropagated ? [.page] : []
      ) {
        $0.propagated.map { ($0.scaledError, readable($0.scaledError)) }
      },
      LayerColumn(heading: "× limit", tables: [.brief, .page]) {
        ($0.timesLimit, readable($0.timesLimit))
      },
      LayerColumn(heading: "ULP", tables: hasULP ? [.brief, .page] : []) {
        $0.statistics.largestULP.map {
          (Double($0), $0 < 1_000_000 ? grouped($0) : readable(Double($0)))
        }
      },
      LayerColumn(
        heading: "ULP of max |b|", plainHeading: "of max|b|", width: 9,
        tables: hasULP ? [.brief, .page] : []
      ) { layer in
        layer.statistics.largestULP.map { _ in
          let value = layer.statistics.differenceInULPOfLargest
          return (value, Plain.figure(value))
        }
      },
      LayerColumn(heading: "SQNR, dB", tables: [.pageDetail]) {
        ($0.statistics.signalToNoise, Plain.figure($0.statistics.signalToNoise, digits: 3))
      },
      LayerColumn(heading: "over limit", tables: [.pageDetail]) {
        $0.statistics.overLimit.map { (Double($0), grouped($0)) }
      },
    ]
  }
}

extension Comparison.Outcome {
  /// The layers, that with the largest error in units of its limit first.
  var worstFirst: [LayerComparison] {
    layers.map { (times: $0.timesLimit, layer: $0) }.sorted {
      $0.times != $1.times ? $0.times > $1.times : $0.layer.node < $1.layer.node
    }.map(\.layer)
  }
}

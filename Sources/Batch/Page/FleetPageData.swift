import Plain

/// The items of a page as numbers and short texts, each text once: ten thousand stay well under two megabytes.
struct FleetPageData {
  /// The number of each reason that is shown.
  let reasons: [String: Int]

  /// The document.
  let json: String

  static let longestReason = 160
  private static let longestName = 100
  /// What is rarer is no help to whoever looks for what failures have in common.
  private static let mostReasons = 1000

  init(_ verdict: FleetVerdict) {
    var networks = Texts()
    var layers = Texts()
    var counts: [String: Int] = [:]
    let judged = verdict.records.map { record -> (Record, Judgement, String?) in
      let judgement = verdict.judgement(of: record)
      let reason = judgement == .pass ? nil : Self.shown(record.reason.common)
      if let reason { counts[reason, default: 0] += 1 }
      return (record, judgement, reason)
    }
    let frequent = counts.sorted { ($1.value, ByteText($0.key)) < ($0.value, ByteText($1.key)) }
      .prefix(Self.mostReasons).map(\.key)
    let reasons = Dictionary(
      uniqueKeysWithValues: frequent.enumerated().map { ($0.element, $0.offset) })
    let words = Judgement.allCases
    let rows = judged.map { record, judgement, reason -> JSONValue in
      let worst = record.worstProof
      var row: [JSONValue] = [
        .text(record.name.escapingControlCharacters.shortened(to: Self.longestName)),
        .integer(words.firstIndex(of: judgement) ?? 0), networks.number(of: record.network),
        layers.number(of: worst?.worstLayer), worst.map { Self.figure($0.timesLimit) } ?? .null,
        .integer(record.sourceBytes), record.output.map { .integer($0.bytes) } ?? .null,
        reason.flatMap { reasons[$0] }.map { .integer($0) } ?? .null,
        .integer(judgement == .pass ? record.assumptions : 0),
      ]
      if let time = record.time { row.append(.integer(time.wall)) }
      return .list(row)
    }
    self.reasons = reasons
    let document = JSONValue.object([
      "judgements": .list(words.map { .text($0.rawValue) }), "networks": networks.list,
      "layers": layers.list, "reasons": .list(frequent.map { .text($0) }), "rows": .list(rows),
    ])
    // Nothing in it ends the element that it stands in.
    json = Escaped.json(document.json).replacing("<", with: "\\u003c")
  }

  /// A reason as it is shown.
  static func shown(_ reason: String) -> String {
    reason.escapingControlCharacters.shortened(to: longestReason)
  }

  /// An error in units of the limit, in three digits; -1 for one that is not finite.
  private static func figure(_ value: Double) -> JSONValue {
    guard value.isFinite else { return .integer(-1) }
    return .number(Double(scientific(value, digits: 3)) ?? 0)
  }

  /// Texts with their numbers.
  private struct Texts {
    private var numbers: [String: Int] = [:]
    private var texts: [String] = []

    var list: JSONValue { .list(texts.map { .text($0) }) }

    mutating func number(of text: String?) -> JSONValue {
      guard let text else { return .null }
      let shown = text.escapingControlCharacters.shortened(to: FleetPageData.longestName)
      if let number = numbers[shown] { return .integer(number) }
      numbers[shown] = texts.count
      texts.append(shown)
      return .integer(texts.count - 1)
    }
  }
}

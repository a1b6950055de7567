import Plain

extension FleetSummary {
  /// What comes first, as labels and texts.
  package func facts(of verdict: FleetVerdict) -> [(label: String, text: String)] {
    var facts: [(label: String, text: String)] = [
      (
        "judged",
        Judgement.allCases.compactMap { judgement in
          counts[judgement].map { "\(grouped($0)) \(judgement.words)" }
        }.joined(separator: ", ")
      )
    ]
    if let limit = verdict.limit {
      facts.append(
        ("limit", "\(readable(limit)) for every layer, in place of each conversion's own"))
    }
    if withoutFile > 0 {
      facts.append(
        (
          "no file",
          "\(grouped(withoutFile)) of those that pass have none, as they did not under their own limits: "
            + "convert them again with --limit"
        ))
    }
    if assuming > 0 {
      facts.append(
        (
          "assumed",
          "\(grouped(assuming)) of those that pass rest on something that their file does not tell"
        ))
    }
    if sourceBytes > 0 {
      let share = fixed(100 * (1 - Double(outputBytes) / Double(sourceBytes)), decimals: 1)
      facts.append(
        (
          "sizes",
          "\(grouped(sourceBytes)) bytes of sources are \(grouped(outputBytes)) bytes of files: \(share) % saved"
        ))
    }
    if let time {
      facts.append(
        (
          "time",
          "\(fixed(Double(time.wall) / 1000, decimals: 1)) s for each item together, "
            + "\(fixed(Double(time.processor) / 1000, decimals: 1)) s of a processor"
        ))
    }
    if !culprits.isEmpty {
      let layers = culprits.prefix(5).map { "\($0.layer) (\(grouped($0.count)))" }
      facts.append(("first wrong layers", layers.joined(separator: ", ")))
    }
    return facts
  }

  /// The sums in lines.
  package func text(of verdict: FleetVerdict) -> String {
    var lines = [
      "\(verdict.passes ? "PASS" : "FAIL"): \(verdict.count)"
    ]
    lines += facts(of: verdict).map { "  \($0.label.padded(to: 18)) \($0.text)" }
    lines += groups.prefix(10).map {
      "  \(counted($0.count, "item")), \($0.judgement.rawValue): \($0.reason)"
        + ($0.example == $0.reason ? "" : ", such as \($0.example)")
    }
    if groups.count > 10 { lines.append("  and \(groups.count - 10) more reasons") }
    lines += worst.prefix(3).map {
      "  worst \($0.name): \($0.layer), \(readable($0.timesLimit)) of its limit"
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension FleetVerdict {
  /// How many models there are, in words.
  var count: String { "\(grouped(records.count)) model\(records.count == 1 ? "" : "s")" }
}

extension Judgement {
  /// As it follows a number.
  fileprivate var words: String {
    switch self {
    case .pass: "pass"
    case .fail: "out of limits"
    case .undecided: "undecided under this limit"
    case .quarantined: "quarantined"
    case .failed: "to be tried again"
    }
  }
}

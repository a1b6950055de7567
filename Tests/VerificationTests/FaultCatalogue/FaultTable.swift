import Foundation

/// The rates of every kind of fault as a Markdown table, for the documentation.
struct FaultTable {
  private let trials: [FaultTrial]

  private static let start = "<!-- fault table: made by `make fault-table` -->\n"
  private static let end = "<!-- end of fault table -->"

  init(_ trials: [FaultTrial]) {
    self.trials = trials.filter(\.isVisible)
  }

  /// A document with this table in the place of its own; `nil` where it has no place for it.
  func replaced(in document: String) -> String? {
    guard let start = document.range(of: Self.start), let end = document.range(of: Self.end)
    else { return nil }
    return document[..<start.upperBound] + text + document[end.lowerBound...]
  }

  /// The kinds of faults that the table of a document has.
  static func kinds(in document: String) -> [String] {
    guard let start = document.range(of: start), let end = document.range(of: end) else {
      return []
    }
    return document[start.upperBound..<end.lowerBound].split(separator: "\n").dropFirst(2)
      .dropLast()
      .compactMap { $0.split(separator: "|").first?.trimmingSpaces }
  }

  private var text: String {
    var lines = [
      "| fault | detected by weights | by an archive | layer found | explained by weights | by an archive |",
      "|---|--:|--:|--:|--:|--:|",
    ]
    for fault in Fault.all {
      lines.append(
        row(fault.description, trials.filter { $0.fault.description == fault.description }))
    }
    lines.append(row("**all**", trials))
    return lines.map { $0 + "\n" }.joined()
  }

  private func row(_ title: String, _ trials: [FaultTrial]) -> String {
    func share(_ trials: [FaultTrial], _ isCounted: (FaultTrial) -> Bool) -> String {
      trials.isEmpty ? "–" : "\(trials.count(where: isCounted)) of \(trials.count)"
    }
    func own(_ truth: FaultTrial.Truth) -> [FaultTrial] { trials.filter { $0.truth == truth } }
    let detected = FaultTrial.Truth.allCases.map { truth in
      (share(own(truth), \.isDetected), share(own(truth).filter(\.isDetected), \.isExplained))
    }
    let cells =
      [title] + detected.map(\.0) + [share(trials.filter(\.isDetected), \.isFound)]
      + detected.map(\.1)
    return "| \(cells.joined(separator: " | ")) |"
  }
}

extension Substring {
  fileprivate var trimmingSpaces: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}

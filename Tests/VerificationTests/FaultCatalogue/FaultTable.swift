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
      "| fault | layer found | explained from weights | explained from an archive |",
      "|---|--:|--:|--:|",
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
    let cells = [
      title, share(trials, \.isFound),
      share(trials.filter { $0.truth == .weights }, \.isExplained),
      share(trials.filter { $0.truth == .archive }, \.isExplained),
    ]
    return "| \(cells.joined(separator: " | ")) |"
  }
}

extension Substring {
  fileprivate var trimmingSpaces: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}

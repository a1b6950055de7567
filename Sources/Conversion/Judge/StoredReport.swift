import Comparison
import Files
import Plain
import Reports

/// A JSON report that was read.
struct StoredReport {
  let judged: JudgedComparison
  private let command: String?

  /// Far more than the largest network needs.
  private static let maximumBytes = 16 << 20

  /// The version of this package since which reports can be judged.
  private static let firstVersion = "0.1.0"

  /// The document of a file, and its bytes.
  static func document(
    path: String
  ) throws(InputError) -> (value: JSONValue, bytes: [UInt8]) {
    let file = try MappedFile(path: path)
    guard file.count <= maximumBytes, let bytes = file.bytes(at: 0, count: file.count) else {
      throw InputError(.badData, path: path, "is too large for a report")
    }
    do throws(FormatFault) {
      return (try JSONValue(json: bytes), bytes)
    } catch {
      throw InputError(
        .badData, path: path, "is no JSON report: \(error.problem)",
        place: "\(error.place); what rnw verify --json prints was expected")
    }
  }

  init(_ document: JSONValue) throws(FormatFault) {
    guard let schema = document["schema"]?.text, schema == JSONReport.schema else {
      let found = document["schema"]?.text.map { "it is \($0.shortened)" } ?? "it names no schema"
      throw FormatFault(
        problem: "is no comparison that can be judged",
        place:
          "\(found); \(JSONReport.schema) was expected, as --json of verify and --report x.json write it"
      )
    }
    guard document["network"] != nil, document["limits"] != nil, document["measuredBy"] != nil
    else {
      throw FormatFault(
        problem: "was written by an rnw that did not keep what judging needs",
        place: "rnw \(Self.firstVersion) and later write it")
    }
    let report = StoredValue(document)
    let text = { (value: StoredValue) throws(FormatFault) -> String in try value.text() }
    command = try report["command"].optional(text)
    let output = report["output"]
    let file = try output["path"].optional { path throws(FormatFault) in
      JSONReport.OutputFile(path: try path.text(), bytes: try output["bytes"].count())
    }
    judged = JudgedComparison(
      outcome: try StoredComparison(report).outcome, title: try report["title"].optional(text),
      measuredBy: try report["measuredBy"].optional(text), file: file)
  }

  /// Checks that what the report says is what follows from its measurements.
  ///
  /// - Throws: `FormatFault` for the first value that does not.
  func checkConsistency(
    with document: (value: JSONValue, bytes: [UInt8])
  ) throws(FormatFault) {
    let text = try? JSONReport(
      judged.outcome, file: judged.file, command: command, title: judged.title,
      measuredBy: judged.measuredBy
    ).text()
    guard let text else { throw FormatFault(problem: "cannot be read back", place: "whole") }
    // What this version wrote and nobody changed need not be taken apart again.
    guard !text.utf8.elementsEqual(document.bytes) else { return }
    let expected = try JSONValue(json: text.utf8)
    if let place = document.value.firstDifference(from: expected, at: []) {
      throw FormatFault(
        problem: "contradicts itself", place: "\(place) is not what follows from the rest")
    }
  }
}

extension JSONValue {
  /// Words for people: another version may say the same otherwise.
  private static let words: Set<String> = ["notes", "operation"]

  /// Where a document differs from another; a key without a value is the same as none.
  fileprivate func firstDifference(from other: JSONValue, at path: [String]) -> String? {
    switch (self, other) {
    case (.object(let own), .object(let others)):
      for key in Set(own.keys).union(others.keys).sorted() where !Self.words.contains(key) {
        let value = own[key] ?? .null
        if let place = value.firstDifference(from: others[key] ?? .null, at: path + [key]) {
          return place
        }
      }
      return nil
    case (.list(let own), .list(let others)) where own.count == others.count:
      for (index, pair) in zip(own, others).enumerated() {
        if let place = pair.0.firstDifference(from: pair.1, at: path + ["\(index)"]) {
          return place
        }
      }
      return nil
    case (.integer, .number), (.number, .integer):
      return number == other.number ? nil : path.joined(separator: ".")
    default:
      return self == other ? nil : path.joined(separator: ".")
    }
  }
}

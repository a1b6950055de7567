import Files
import FoundationEssentials
import Plain
import TestSupport
import Testing

@testable import Batch

@Suite("Verdicts of many records")
struct FleetTests {
  /// A record as a batch writes it.
  static func record(
    _ number: Int, outcome: Record.Outcome = .pass, passesFrom: Double = 1e-6,
    decidesFrom: Double = 0, measuresRounding: Bool = false, suspicion: String? = nil,
    name: String? = nil, message: String? = nil, milliseconds: Int = 7
  ) throws -> Record {
    let key = String(repeating: "0", count: 60) + String(0x1000 + number, radix: 16)
    let isCompared = outcome == .pass || outcome == .fail
    return try Record(
      .object([
        "schema": .text(Record.schema), "key": .text(key),
        "name": .text(name ?? "folder/model\(number).h5"), "source": .text("in/model\(number).h5"),
        "sourceBytes": .integer(1000 + number), "outcome": .text(outcome.rawValue),
        "cause": isCompared ? .null : .text("input"),
        "message": message.map { .text($0) }
          ?? (isCompared ? .null : .text("in/model\(number).h5: is cut off (byte \(number))")),
        "network": .text("resnet50_v2"), "assumptions": .integer(number % 3),
        "suspicion": suspicion.map { .text($0) } ?? .null,
        "culprit": outcome == .fail ? .text("conv\(number % 5)") : .null,
        "proofs": isCompared
          ? .list([
            .object([
              "proof": .text("file"), "verdict": .text(outcome == .pass ? "pass" : "fail"),
              "layers": .integer(60), "worstLayer": .text("conv\(number % 5)"),
              "timesLimit": .number(Double(number % 97) / 50),
              "measuresRounding": .bool(measuresRounding),
              "limits": .object([
                "passes": passesFrom.isFinite ? .number(passesFrom) : .text("inf"),
                "decides": .number(decidesFrom),
              ]),
            ])
          ]) : .list([]),
        "output": outcome == .pass
          ? .object([
            "path": .text("models/\(number)"), "bytes": .integer(800),
            "sha256": .text(String(repeating: "a", count: 64)),
          ]) : .null,
        "measured": .object([
          "milliseconds": .integer(milliseconds), "processorMilliseconds": .integer(milliseconds),
        ]),
      ]))
  }

  static func sample(_ count: Int) throws -> [Record] {
    try (0..<count).map { number in
      let outcomes: [Record.Outcome] = [.pass, .pass, .fail, .quarantined, .failed]
      let outcome = outcomes[number * 7 % 5]
      return try record(
        number, outcome: outcome,
        suspicion: outcome == .fail ? "your pool1 pads with \(number)" : nil)
    }
  }

  private func text(_ records: [Record], times: Bool = false) -> String {
    let verdict = FleetVerdict(records, keepsTimes: times)
    return verdict.json(summary: FleetSummary(verdict))
  }

  /// The records of a verdict's document.
  private func read(_ text: String, _ folder: TemporaryFolder) throws -> [Record] {
    try FleetVerdict.records(path: folder.write(Array(text.utf8), to: "verdict.json"))
  }

  @Test(
    "Records merged in any order, parts and steps give the same bytes", arguments: [true, false])
  func partitions(times: Bool) throws {
    let folder = try TemporaryFolder()
    let records = try Self.sample(60)
    let expected = text(records, times: times)
    var random = SplitMix(state: 16)
    for _ in 0..<12 {
      var parts = [[Record]](repeating: [], count: Int(random.next() % 5) + 1)
      for record in records.shuffled(using: &random) {
        parts[Int(random.next() % UInt64(parts.count))].append(record)
        // What is given twice counts once.
        if random.next() % 4 == 0 { parts[0].append(record) }
      }
      var merged: [Record] = []
      for part in parts.shuffled(using: &random) where !part.isEmpty {
        merged = try read(text(merged + part, times: times), folder)
      }
      #expect(text(merged, times: times) == expected)
    }
  }

  @Test("Of two records of a key the one that says more counts, whichever comes first")
  func better() throws {
    let (pass, failed) = (try Self.record(1), try Self.record(1, outcome: .failed))
    #expect(text([pass, failed]) == text([failed, pass]))
    #expect(text([pass, failed]) == text([pass]))
    let other = try Self.record(1, passesFrom: 2e-6)
    #expect(text([pass, other]) == text([other, pass]))
  }

  @Test("Times are in a verdict only where they are asked for")
  func times() throws {
    let (one, other) = (try Self.record(1), try Self.record(1, milliseconds: 8))
    #expect(text([one]) == text([other]))
    #expect(text([one], times: true) != text([other], times: true))
  }

  @Test("What fails alike is counted together, whatever its numbers and names")
  func groups() throws {
    let summary = FleetSummary(FleetVerdict(try Self.sample(60)))
    #expect(summary.counts == [.pass: 24, .fail: 12, .quarantined: 12, .failed: 12])
    #expect(
      Set(summary.groups.map { "\($0.judgement.rawValue) \($0.count) \($0.reason)" }) == [
        "fail 12 your pool1 pads with #", "quarantined 12 input: is cut off (byte #)",
        "failed 12 input: is cut off (byte #)",
      ])
    #expect(summary.sourceBytes > 24_000 && summary.outputBytes == 24 * 800)
  }

  @Test(
    "Under another limit each is judged by what was measured",
    arguments: [
      (1e-7, Judgement.fail), (1e-5, .pass), (1e-3, .pass),
    ])
  func limits(_ limit: Double, _ expected: Judgement) throws {
    for outcome in [Record.Outcome.pass, .fail] {
      let record = try Self.record(1, outcome: outcome, passesFrom: 1e-6)
      #expect(FleetVerdict([record], limit: limit).judgement(of: record) == expected)
      let never = try Self.record(1, outcome: .fail, passesFrom: .infinity)
      #expect(FleetVerdict([never], limit: limit).judgement(of: never) == .fail)
      let rounded = try Self.record(1, outcome: outcome, measuresRounding: true)
      let own: Judgement = outcome == .pass ? .pass : .fail
      #expect(FleetVerdict([rounded], limit: limit).judgement(of: rounded) == own)
    }
    let open = try Self.record(1, passesFrom: 1e-8, decidesFrom: 1e-4)
    let judged = FleetVerdict([open], limit: limit).judgement(of: open)
    #expect(judged == (limit < 1e-4 ? .undecided : .pass))
    let quarantined = try Self.record(1, outcome: .quarantined)
    #expect(FleetVerdict([quarantined], limit: limit).judgement(of: quarantined) == .quarantined)
  }

  @Test("A verdict that was judged by a limit is judged anew from what was measured")
  func judgedAgain() throws {
    let folder = try TemporaryFolder()
    let records = try Self.sample(30)
    let strict = FleetVerdict(records, limit: 1e-9)
    let read = try read(strict.json(summary: FleetSummary(strict)), folder)
    #expect(text(read) == text(records))
  }

  @Test(
    "What is no record is refused",
    arguments: [
      "key", "outcome", "schema", "proofs", "output", "sourceBytes", "cause",
    ])
  func damaged(_ entry: String) throws {
    var entries = try Self.record(1).entries
    _ = try Record(.object(entries))
    for value in [JSONValue.integer(-1), .text("x"), .list([.integer(1)])] {
      entries[entry] = value
      #expect(throws: FormatFault.self) { _ = try Record(.object(entries)) }
    }
  }

  @Test("A page of ten thousand items takes less than two megabytes")
  func size() throws {
    let records = try (0..<10_000).map { number in
      try Self.record(
        number, outcome: number % 3 == 0 ? .fail : .pass,
        suspicion: number % 3 == 0 ? "gamma and beta of layer \(number) are swapped" : nil,
        name: "fine-tunes/2026-11/run-\(number)/checkpoints/epoch-\(number % 90)/resnet50_v2.keras")
    }
    let verdict = FleetVerdict(records)
    let page = FleetPage(verdict, FleetSummary(verdict), command: "rnw merge out").text
    #expect(page.utf8.count < 2_000_000)
    #expect(page.contains("3,334 of 10,000 models do not pass"))
  }

  @Test("Names, reasons and messages of strangers stay text on the page")
  func hostile() throws {
    let hostile = "\"'><script>alert(1)</script><!--&\u{202E}\u{0}"
    let record = try Self.record(
      1, outcome: .quarantined, name: hostile, message: hostile)
    let verdict = FleetVerdict([record])
    let page = FleetPage(verdict, FleetSummary(verdict), command: hostile).text
    #expect(!page.contains("<script>alert") && !page.contains("<!--&"))
    #expect(!page.contains("\u{202E}"))
    // Style, data and script are the only three.
    #expect(page.split(separator: "</script>").count == 3)
  }
}

/// SplitMix64.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

import Files
package import Plain

/// What is known of one item once it is finished: one JSON document, which a file of its own holds.
///
/// All of it but `measured` follows from what the key is made of: it is the same wherever and however often the item is
/// converted.
package struct Record: Sendable {
  /// The version of the document: rises when a key changes its meaning or goes.
  package static let schema = "rnw.record/1"

  /// How an item ended.
  package enum Outcome: String, Hashable, Sendable, CaseIterable {
    /// Converted: every layer is within its limit.
    case pass
    /// Compared, and a layer is out of its limit; or what was written does not hold. There is no file.
    case fail
    /// It cannot be converted, and will not be another time.
    case quarantined
    /// It could not be converted for a reason that may pass: another run tries again.
    case failed
  }

  /// Why an item was not converted.
  package enum Cause: String, Hashable, Sendable, CaseIterable {
    /// What the source holds is wrong (exit status 65).
    case input
    /// The source is missing or cannot be read (exit status 66).
    case unreadable
    /// The options are no options, or do not go together (exit status 64).
    case usage
    /// It took longer than it may.
    case time
    /// It took more memory than it may.
    case memory
    /// The output cannot be made or written (exit status 73 or 74).
    case output
    /// A fault of the tool (exit status 70, or any other).
    case fault
    /// A signal ended it.
    case signal
  }

  /// The entries of the document.
  package var entries: [String: JSONValue]

  /// Under what the record is kept.
  package let key: String
  /// What the item is called.
  package let name: String
  /// How it ended.
  package let outcome: Outcome
  /// Why it was not converted; `nil` where it was compared.
  package let cause: Cause?

  /// The same without what differs from run to run.
  package var lasting: Record {
    var record = self
    record.entries.removeValue(forKey: "measured")
    return record
  }

  /// The document, in one line.
  package var json: String { JSONValue.object(entries).json }
}

extension Record {
  /// Takes a document for a record.
  ///
  /// - Throws: `FormatFault` for the first entry that is not as it should be.
  package init(_ document: JSONValue) throws(FormatFault) {
    guard case .object(let entries) = document, document["schema"]?.text == Self.schema else {
      throw FormatFault(problem: "is no record of a batch", place: "\(Self.schema) was expected")
    }
    func fault(_ key: String, _ expected: String) -> FormatFault {
      FormatFault(problem: "is no record of a batch", place: "\(key): \(expected) was expected")
    }
    self.entries = entries
    let hexadecimal = "0123456789abcdef".utf8
    guard let key = document["key"]?.text, key.utf8.count == 64,
      key.utf8.allSatisfy({ hexadecimal.contains($0) })
    else { throw fault("key", "64 hexadecimal digits") }
    guard let name = document["name"]?.text, !name.isEmpty else { throw fault("name", "a text") }
    guard let outcome = document["outcome"]?.text.flatMap(Outcome.init) else {
      throw fault("outcome", Outcome.allCases.map(\.rawValue).joined(separator: ", "))
    }
    let cause = document["cause"]?.text.flatMap(Cause.init)
    let isNone = document["cause"] == nil || document["cause"] == .null
    guard (cause == nil) == isNone, isNone == (outcome == .pass || outcome == .fail) else {
      throw fault("cause", "a cause of what was not compared, and of nothing else,")
    }
    (self.key, self.name, self.outcome, self.cause) = (key, name, outcome, cause)
    try checkFigures(fault)
  }

  /// Makes sure of all that sums and pages are made of.
  private func checkFigures(_ fault: (String, String) -> FormatFault) throws(FormatFault) {
    for key in ["sourceBytes", "output.bytes", "assumptions"] where !isCount(value(key)) {
      throw fault(key, "a whole number that is not negative")
    }
    for key in ["source", "message", "network", "culprit", "suspicion"]
    where value(key) != nil && value(key)?.text == nil {
      throw fault(key, "a text")
    }
    guard (outcome == .pass) == (value("output") != nil) else {
      throw fault("output", "the file of what passes, and of nothing else,")
    }
    guard outcome != .pass || value("output.sha256")?.text != nil else {
      throw fault("output.sha256", "a text")
    }
    for proof in proofEntries {
      do { _ = try ProofRecord(proof) } catch { throw fault("proofs", error.place) }
    }
    guard cause != nil || !proofEntries.isEmpty else { throw fault("proofs", "a comparison") }
  }

  private func isCount(_ value: JSONValue?) -> Bool {
    value.map { ($0.integer ?? -1) >= 0 } ?? true
  }

  /// An entry, or one of an entry; `nil` for null.
  func value(_ path: String) -> JSONValue? {
    var value: JSONValue? = .object(entries)
    for key in path.split(separator: ".") { value = value?[String(key)] }
    return value == .null ? nil : value
  }

  fileprivate var proofEntries: [JSONValue] { value("proofs")?.elements ?? [] }

  /// The path of the source.
  package var source: String { value("source")?.text ?? name }
  /// The bytes of the source.
  package var sourceBytes: Int { value("sourceBytes")?.integer ?? 0 }
  /// The bytes of the file that was written, and their digest.
  package var output: (bytes: Int, sha256: String)? {
    guard let bytes = value("output.bytes")?.integer, let sha256 = value("output.sha256")?.text
    else { return nil }
    return (bytes, sha256)
  }
  /// How many things the file does not tell.
  package var assumptions: Int { value("assumptions")?.integer ?? 0 }
  /// What was said of what was not converted.
  package var message: String? { value("message")?.text }
  /// The network's name.
  package var network: String? { value("network")?.text }
  /// The first wrong layer.
  package var culprit: String? { value("culprit")?.text }
  /// What is suspected.
  package var suspicion: String? { value("suspicion")?.text }
  /// The comparisons that were made.
  package var proofs: [ProofRecord] { proofEntries.compactMap { try? ProofRecord($0) } }
  /// How long it took, and how much processor time, in milliseconds; `nil` where the record does not say.
  package var time: (wall: Int, processor: Int)? {
    guard let wall = value("measured.milliseconds")?.integer,
      let processor = value("measured.processorMilliseconds")?.integer
    else { return nil }
    return (max(wall, 0), max(processor, 0))
  }
  /// The limits that the item reached, in seconds and bytes; `nil` where it reached none.
  var reachedLimit: Int? { value("limit")?.integer }
  /// The files that were read beside those that the key is made of, and the digest of them.
  var parts: (paths: [String], sha256: String)? {
    guard let paths = value("parts.files")?.elements?.compactMap(\.text),
      let sha256 = value("parts.sha256")?.text
    else { return nil }
    return (paths, sha256)
  }
}

/// One comparison of an item, as its record keeps it.
package struct ProofRecord: Hashable, Sendable {
  /// What was compared with what: `file`, `source`, `graph` or `reference`.
  package let proof: String
  /// Whether every layer was within its limit.
  package let passes: Bool
  /// How many layers were compared.
  package let layers: Int
  /// The layer that came closest to its limit, or went farthest over it.
  package let worstLayer: String?
  /// The error of that in units of the limit.
  package let timesLimit: Double
  /// The smallest limit of all layers with which it passes.
  package let passesFrom: Double
  /// The smallest limit under which that is decided.
  package let decidesFrom: Double
  /// Whether the limits are those of a type that weights were rounded to, which no other limit replaces.
  package let measuresRounding: Bool

  init(_ entry: JSONValue) throws(FormatFault) {
    func figure(_ value: JSONValue?, _ name: String) throws(FormatFault) -> Double {
      if value == .text("inf") { return .infinity }
      guard let number = value?.number, number >= 0 else {
        throw FormatFault(problem: "", place: "a figure \(name) that is not negative")
      }
      return number
    }
    guard let proof = entry["proof"]?.text, let verdict = entry["verdict"]?.text,
      ["pass", "fail"].contains(verdict), let layers = entry["layers"]?.integer, layers >= 0,
      case .bool(let measuresRounding)? = entry["measuresRounding"]
    else { throw FormatFault(problem: "", place: "comparisons with verdict and layers") }
    (self.proof, passes, self.layers) = (proof, verdict == "pass", layers)
    self.measuresRounding = measuresRounding
    worstLayer = entry["worstLayer"]?.text
    timesLimit = entry["timesLimit"] == .null ? 0 : try figure(entry["timesLimit"], "timesLimit")
    passesFrom = try figure(entry["limits"]?["passes"], "limits.passes")
    decidesFrom = try figure(entry["limits"]?["decides"], "limits.decides")
  }
}

package import Files
import Plain

/// What is known of many items as a whole: the union of their records.
///
/// The records of several verdicts, and of none, may be merged in any order and in any parts: the result is the same to
/// the byte. For that nothing in it differs from run to run, unless times are asked for.
package struct FleetVerdict: Sendable {
  /// The version of the document: rises when a key changes its meaning or goes.
  package static let schema = "rnw.fleet/1"

  /// All records, in the order of their names and keys.
  package let records: [Record]

  /// The limit of all layers by which they are judged; that of each conversion where `nil`.
  package let limit: Double?

  /// Judges records.
  ///
  /// - Parameters:
  ///   - records: of which several may be of one key.
  ///   - keepsTimes: whether what was measured of each run is kept.
  package init(_ records: some Sequence<Record>, limit: Double? = nil, keepsTimes: Bool = false) {
    var byKey: [String: Record] = [:]
    for record in records {
      var record = keepsTimes ? record : record.lasting
      // How another verdict judged it is no part of what is known.
      record.entries.removeValue(forKey: "judged")
      byKey[record.key] = byKey[record.key].map { Self.better($0, record) } ?? record
    }
    self.records = byKey.values.sorted {
      (ByteText($0.name), $0.key) < (ByteText($1.name), $1.key)
    }
    self.limit = limit
  }

  /// Of two records of one item the one that says more; the same one whichever comes first.
  private static func better(_ one: Record, _ other: Record) -> Record {
    let (first, second) = (rank(one), rank(other))
    if first != second { return first < second ? one : other }
    return ByteText(one.json) < ByteText(other.json) ? one : other
  }

  private static func rank(_ record: Record) -> Int {
    switch record.outcome {
    case .pass, .fail: 0
    case .quarantined: 1
    case .failed: 2
    }
  }

  /// Whether every item passes.
  package var passes: Bool { records.allSatisfy { judgement(of: $0) == .pass } }
}

/// What is said of an item under the limits that count.
package enum Judgement: String, Hashable, Sendable, CaseIterable {
  /// Every layer of every comparison is within its limit.
  case pass
  /// Some layer is not.
  case fail
  /// The measurements do not tell under a limit as narrow as this.
  case undecided
  /// It was not compared, and never will be.
  case quarantined
  /// It was not compared yet.
  case failed
}

extension FleetVerdict {
  /// What is said of a record.
  package func judgement(of record: Record) -> Judgement {
    switch record.outcome {
    case .quarantined: return .quarantined
    case .failed: return .failed
    case .pass, .fail: break
    }
    // What the written file itself was found to be does not depend on limits.
    guard let limit, record.value("message") == nil else {
      return record.outcome == .pass ? .pass : .fail
    }
    var isDecided = true
    for proof in record.proofs {
      guard !proof.measuresRounding else {
        if !proof.passes { return .fail }
        continue
      }
      if limit < proof.passesFrom { return .fail }
      if limit < proof.decidesFrom { isDecided = false }
    }
    return isDecided ? .pass : .undecided
  }
}

// MARK: - Reading

extension FleetVerdict {
  private static let mostBytes = 4 << 30

  /// The records of a document: one of an item, several in lines, or a verdict's.
  ///
  /// - Throws: `InputError` where it holds none.
  package static func records(path: String) throws(InputError) -> [Record] {
    let file = try MappedFile(path: path)
    guard file.count <= mostBytes, let bytes = file.bytes(at: 0, count: file.count) else {
      throw InputError(.badData, path: path, "is too large for records")
    }
    do throws(FormatFault) {
      // A verdict spreads over lines, of which none but the whole is a document.
      if let document = try? JSONValue(json: bytes) { return try records(in: document) }
      var records: [Record] = []
      for line in bytes.split(separator: 0x0A) {
        records += try Self.records(in: JSONValue(json: line, subject: "a line"))
      }
      return records
    } catch {
      throw InputError(.badData, path: path, error.problem, place: error.place)
    }
  }

  private static func records(in document: JSONValue) throws(FormatFault) -> [Record] {
    guard document["schema"]?.text == schema, let elements = document["records"]?.elements else {
      return [try Record(document)]
    }
    var records: [Record] = []
    for element in elements { records.append(try Record(element)) }
    return records
  }
}

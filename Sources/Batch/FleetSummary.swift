import Files
import Plain

/// The sums of a verdict, and what its failures have in common.
package struct FleetSummary: Sendable {
  /// How many items are judged how.
  package private(set) var counts: [Judgement: Int] = [:]
  /// How many pass though the file does not tell all that the network needs.
  package private(set) var assuming = 0
  /// How many pass under the limit that is asked for and have no file, as they did not under their own.
  package private(set) var withoutFile = 0
  /// The bytes of all sources that were converted.
  package private(set) var sourceBytes = 0
  /// The bytes of the files that were written of them.
  package private(set) var outputBytes = 0
  /// What failures have in common, the most frequent first.
  package private(set) var groups: [Group] = []
  /// The layers that are the first wrong one, and how often, the most frequent first.
  package private(set) var culprits: [(layer: String, count: Int)] = []
  /// The worst layer of each network that is compared, the worst first.
  package private(set) var worst: [Worst] = []
  /// How long all took together, and how much processor time, in milliseconds; `nil` where no record says.
  package private(set) var time: (wall: Int, processor: Int)?

  /// Items that fail alike.
  package struct Group: Hashable, Sendable {
    /// How they are judged.
    package let judgement: Judgement
    /// What they have in common, with numbers and names left out.
    package let reason: String
    /// How many there are.
    package let count: Int
    /// One of them in full: the first by name.
    package let example: String
  }

  /// A layer close to its limit, or over it.
  package struct Worst: Hashable, Sendable {
    /// The item.
    package let name: String
    /// The layer.
    package let layer: String
    /// The error in units of the limit.
    package let timesLimit: Double
  }

  private static let (mostWorst, mostGroups) = (20, 200)

  /// Sums up a verdict.
  package init(_ verdict: FleetVerdict) {
    var groups: [GroupKey: (count: Int, example: String)] = [:]
    var culprits: [String: Int] = [:]
    var worst: [Worst] = []
    for record in verdict.records {
      let judgement = verdict.judgement(of: record)
      counts[judgement, default: 0] += 1
      if judgement == .pass, record.assumptions > 0 { assuming += 1 }
      if judgement == .pass, record.output == nil { withoutFile += 1 }
      if let output = record.output {
        sourceBytes = sourceBytes.saturatingSum(record.sourceBytes)
        outputBytes = outputBytes.saturatingSum(output.bytes)
      }
      if let layer = record.worstProof, let name = layer.worstLayer {
        worst.append(Worst(name: record.name, layer: name, timesLimit: layer.timesLimit))
      }
      if let taken = record.time {
        time = (
          (time?.wall ?? 0).saturatingSum(taken.wall),
          (time?.processor ?? 0).saturatingSum(taken.processor)
        )
      }
      guard judgement != .pass else { continue }
      if let culprit = record.culprit { culprits[culprit, default: 0] += 1 }
      let (reason, example) = record.reason
      let key = GroupKey(judgement: judgement, reason: reason)
      groups[key] = ((groups[key]?.count ?? 0) + 1, groups[key]?.example ?? example)
    }
    self.groups = groups.map {
      Group(
        judgement: $0.judgement, reason: $0.reason, count: $1.count, example: $1.example)
    }.sorted {
      ($1.count, ByteText($0.reason), $0.judgement.rawValue)
        < ($0.count, ByteText($1.reason), $1.judgement.rawValue)
    }.prefix(Self.mostGroups).map { $0 }
    self.culprits = culprits.map { (layer: $0, count: $1) }
      .sorted { ($1.count, ByteText($0.layer)) < ($0.count, ByteText($1.layer)) }
      .prefix(Self.mostGroups).map { $0 }
    // Items stand in the order of their names, which decides between equals.
    self.worst = worst.enumerated().sorted {
      ($1.element.timesLimit, $0.offset) < ($0.element.timesLimit, $1.offset)
    }.prefix(Self.mostWorst).map(\.element)
  }

  private struct GroupKey: Hashable {
    let judgement: Judgement
    let reason: String
  }
}

extension Record {
  /// The comparison that came closest to its limits, or went farthest over them.
  package var worstProof: ProofRecord? {
    proofs.enumerated().max {
      ($0.element.timesLimit, $1.offset) < ($1.element.timesLimit, $0.offset)
    }?.element
  }

  /// Why it does not pass, without what is its own, and in full.
  package var reason: (common: String, full: String) {
    if let suspicion { return (suspicion.withoutNumbers, suspicion) }
    if let message {
      let own = [source, name, source.lastName].filter { !$0.isEmpty }
      let text = own.reduce(message) { $0.replacing($1, with: "FILE") }
      let common = text.hasPrefix("FILE: ") ? String(text.dropFirst(6)) : text
      return ("\(cause.map { "\($0.rawValue): " } ?? "")\(common.withoutNumbers)", message)
    }
    if let culprit { return ("first wrong layer \(culprit), cause not found", culprit) }
    return ("no layer is wrong by itself", worstProof?.worstLayer ?? "")
  }
}

extension String {
  /// The text with `#` for each number, so that what differs in numbers only is the same; names keep theirs.
  fileprivate var withoutNumbers: String {
    var result: [UInt8] = []
    var isInWord = false
    var isInNumber = false
    for byte in utf8 {
      let isDigit = (0x30...0x39).contains(byte)
      let isLetter = (byte | 0x20) &- 0x61 < 26 || byte == 0x5F || byte >= 0x80
      if isInNumber, isDigit || ".,e-".utf8.contains(byte) { continue }
      if isInNumber, !isLetter { isInNumber = false }
      if isDigit, !isInWord {
        isInNumber = true
        result.append(UInt8(ascii: "#"))
        continue
      }
      isInNumber = false
      isInWord = isLetter || isInWord && isDigit
      result.append(byte)
    }
    return String(decoding: result, as: UTF8.self)
  }
}

extension Int {
  /// The sum, or the largest number where that is none: counts come from documents of strangers.
  fileprivate func saturatingSum(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}

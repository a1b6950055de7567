import Batch
import Files
import Plain

/// What a batch has done, as it is told to people and to programs.
struct BatchReport: Encodable {
  private let schema = "rnw.batch/1"
  private let folder: String
  private let shard: String
  private let items: Int
  private let done: Int
  private let kept: Int
  private let pass: Int
  private let fail: Int
  private let quarantined: Int
  private let failed: Int
  private let unrecorded: Int
  private let skipped: Int
  private let otherRecords: Int
  private let prunedRecords: Int
  private let troubles: [Trouble]

  /// An item that was not converted.
  private struct Trouble: Encodable {
    let name: String
    let outcome: String
    let cause: String
    let message: String?
  }

  /// The exit status: whether all passed, and whether another run may find more.
  let status: Int32

  private enum CodingKeys: String, CodingKey {
    case schema, folder, shard, items, done, kept, pass, fail, quarantined, failed, unrecorded
    case skipped, otherRecords, prunedRecords, troubles
  }

  init(_ outcome: BatchOutcome, _ list: ItemList, shard: Shard, folder: String) {
    self.folder = folder
    self.shard = "\(shard.number)/\(shard.count)"
    (items, done) = (outcome.items, outcome.done)
    kept = outcome.items - outcome.done
    func count(_ kind: Record.Outcome) -> Int { outcome.outcomes[kind] ?? 0 }
    (pass, fail) = (count(.pass), count(.fail))
    (quarantined, failed) = (count(.quarantined), count(.failed))
    unrecorded = outcome.unrecorded.count
    skipped = list.strays.count
    (otherRecords, prunedRecords) = (outcome.others, outcome.pruned)
    troubles = outcome.troubles.map {
      Trouble(
        name: $0.name, outcome: $0.outcome.rawValue, cause: $0.cause?.rawValue ?? "",
        message: $0.message)
    }
    let isOutput = outcome.troubles.contains { $0.outcome == .failed && $0.cause == .output }
    status = failed > 0 ? (isOutput ? 74 : 70) : pass == items ? 0 : 1
  }

  /// The same in lines.
  var text: String {
    var lines = [
      "\(counted(items, "item")): \(done) converted now, \(kept) as recorded before",
      "\(pass) pass, \(fail) out of limits, \(quarantined) quarantined, \(failed) to be tried again",
    ]
    lines += troubles.prefix(10).map { "  \($0.name): \($0.cause): \($0.message ?? "")" }
    if troubles.count > 10 { lines.append("  and \(troubles.count - 10) more") }
    if skipped > 0 {
      lines.append(
        "\(counted(skipped, "file")) of no model \(skipped == 1 ? "was" : "were") passed over")
    }
    if prunedRecords > 0 {
      lines.append("\(counted(prunedRecords, "record")) of no item of this batch removed")
    }
    if otherRecords > 0 {
      lines.append(
        "\(counted(otherRecords, "record")) in \(folder)/records \(otherRecords == 1 ? "is" : "are") of no item of this batch; --prune removes them"
      )
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

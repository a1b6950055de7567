package import Files
import Plain
import Processes
import Synchronization
import Threads

/// Converts the items of a part that have no valid record, each in a process of its own, and records how each ended.
///
/// - Parameter progress: is told how many of how many items are done, and of the last one why it was not converted, where
///   that is new.
/// - Throws: `InputError` where the folder cannot be used.
package func run(
  _ request: BatchRequest,
  progress: @escaping @Sendable (_ done: Int, _ total: Int, _ trouble: ItemEnding?) -> Void
) throws(InputError) -> BatchOutcome {
  let folder = request.folder
  try RecordFolder.make(folder.digests)
  try RecordFolder.make(folder.path + "/records")
  try RecordFolder.make(folder.path + "/models")
  folder.removeLeftovers(olderThan: request.limits.seconds + 60)
  let shard = request.shard
  let items = shard.part(of: request.items)
  let batch = Batch(
    request: request,
    digests: DigestCache(
      folder: folder.digests, name: "\(shard.number)-of-\(shard.count)",
      expecting: 2 * items.count),
    known: folder.all(threads: request.jobs))
  let done = Mutex(0)
  let results = try InputError.only(of: folder.path) {
    try concurrentMap(items, threads: request.jobs) { item in
      let result = batch.result(of: item)
      let count = done.withLock { done in
        done += 1
        return done
      }
      progress(count, items.count, result.isNew ? result.trouble : nil)
      batch.saveNowAndThen()
      return result
    }
  }
  let others = batch.others
  let prunes = request.prunes && !RunningGroups.isEnding
  if prunes { batch.remove(others) }
  batch.save()
  return BatchOutcome(results, others: others.count, arePruned: prunes)
}

/// A batch that runs.
private final class Batch: Sendable {
  private let request: BatchRequest
  private let digests: DigestCache
  private let known: [ItemEnding]
  private let byKey: [String: ItemEnding]
  private let keysByName: [ByteText: [String]]
  private let saved: Mutex<ContinuousClock.Instant>

  /// How an item ended, now or before.
  struct Result: Sendable {
    /// `nil` where this program is ending.
    let outcome: Record.Outcome?
    /// Why it was not converted; `nil` where it was compared.
    let trouble: ItemEnding?
    let isNew: Bool
    var problem: InputError?

    init(_ ending: ItemEnding?, isNew: Bool, problem: InputError? = nil) {
      outcome = ending?.outcome
      trouble = ending?.cause == nil ? nil : ending
      (self.isNew, self.problem) = (isNew, problem)
    }
  }

  init(request: BatchRequest, digests: DigestCache, known: [ItemEnding]) {
    (self.request, self.digests, self.known) = (request, digests, known)
    byKey = Dictionary(known.map { ($0.key, $0) }) { first, _ in first }
    keysByName = Dictionary(grouping: known) { ByteText($0.name) }.mapValues { $0.map(\.key) }
    saved = Mutex(ContinuousClock.now)
  }

  /// What is recorded of no item of the batch, whichever part it is in.
  var others: [ItemEnding] {
    let names = Set(request.items.map { ByteText($0.name) })
    return known.filter { !names.contains(ByteText($0.name)) }
  }

  /// Takes records away, with the files that they tell of.
  func remove(_ others: [ItemEnding]) {
    let pruning = Pruning(folder: request.folder, digests: digests)
    for other in others { pruning.remove(other) }
  }

  /// Converts an item, unless its record says how that ended.
  func result(of item: BatchItem) -> Result {
    guard !RunningGroups.isEnding else { return Result(nil, isNew: false) }
    for attempt in 0...request.retries {
      let key = self.key(of: item)
      if let ending = byKey[key.text], isValid(ending, item) {
        removeOthers(of: item, but: key.text)
        return Result(ending, isNew: false)
      }
      let run = ItemRun(item: item, key: key, request: request, digests: digests)
      guard let record = run.record() else { break }
      // What was converted may be another source than the one that the key is of.
      if self.key(of: item) == key { return finished(record, run) }
      if attempt == request.retries { return finished(run.changed(), run) }
    }
    return Result(nil, isNew: false)
  }

  private func key(of item: BatchItem) -> ItemKey {
    ItemKey(
      of: item, isVerified: request.verifies, version: request.program.version,
      companions: request.companions, digests: digests)
  }

  /// Writes what is known of an item now.
  private func finished(_ record: Record?, _ run: ItemRun) -> Result {
    guard let record else { return Result(nil, isNew: false) }
    let (item, key) = (run.item, run.key)
    // What was written for another source, or under other options, is not this item's.
    if record.outcome != .pass { run.removeOutput() }
    do {
      try request.folder.write(record)
      removeOthers(of: item, but: key.text)
      return Result(ItemEnding(record), isNew: true)
    } catch {
      let place = request.folder.path
      let problem =
        error as? InputError ?? InputError(.writeFailed, path: place, "cannot be written: \(error)")
      return Result(ItemEnding(record), isNew: true, problem: problem)
    }
  }

  /// Whether there is nothing to do again: the outcome is final, and what was written is still there.
  private func isValid(_ ending: ItemEnding, _ item: BatchItem) -> Bool {
    switch ending.outcome {
    case .failed: return false
    case .fail: break
    case .pass:
      guard let output = ending.output,
        let found = digests.digest(of: request.folder.output(of: item.name))
      else { return false }
      guard found == (output.sha256, output.bytes) else { return false }
    case .quarantined:
      // More time or memory may be enough.
      let now = ending.cause == .time ? request.limits.seconds : request.limits.memory
      guard !request.repeatsQuarantined,
        ![.time, .memory].contains(ending.cause) || ending.reachedLimit == now
      else { return false }
    }
    guard let parts = ending.parts else { return true }
    return ItemKey.digest(ofAll: parts.paths, digests) == parts.sha256
  }

  /// Takes the records away of what the item was before.
  private func removeOthers(of item: BatchItem, but key: String) {
    for other in keysByName[ByteText(item.name)] ?? [] where other != key {
      request.folder.remove(other)
    }
  }

  /// Keeps the digests that are known, in case that this is all that is ever reached.
  func saveNowAndThen() {
    let now = ContinuousClock.now
    let isDue = saved.withLock { saved in
      guard now - saved > .seconds(30) else { return false }
      saved = now
      return true
    }
    if isDue { digests.save() }
  }

  func save() { digests.save() }
}

extension BatchOutcome {
  fileprivate init(_ results: [Batch.Result], others: Int, arePruned: Bool) {
    items = results.count
    done = results.count { $0.isNew }
    outcomes = Dictionary(results.compactMap(\.outcome).map { ($0, 1) }, uniquingKeysWith: +)
    troubles = results.compactMap(\.trouble)
    unrecorded = results.compactMap(\.problem)
    (self.others, pruned) = arePruned ? (0, others) : (others, 0)
  }
}

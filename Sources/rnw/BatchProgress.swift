import Batch
import Files
import Plain
import Synchronization

/// How far a batch is: a bar on a terminal, a line each minute elsewhere; what is not converted is named at once.
final class BatchProgress: Sendable {
  private let bar = ProgressBar("converting")
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private let told: Mutex<ContinuousClock.Instant>

  private static let interval = Duration.seconds(60)

  init() {
    start = clock.now
    told = Mutex(start)
  }

  /// Shows that so many items are done.
  @Sendable func update(done: Int, total: Int, trouble: ItemEnding?) {
    if let trouble, let cause = trouble.cause {
      bar.finish()
      let what = trouble.outcome == .failed ? "not converted" : "quarantined"
      StandardError.write(
        "rnw: \(trouble.name): \(what) (\(cause.rawValue)): \(trouble.message ?? "")\n")
    }
    bar.update(done: done, total: total)
    guard !StandardError.showsProgress else { return }
    let now = clock.now
    let isDue = told.withLock { told in
      guard now - told >= Self.interval else { return false }
      told = now
      return true
    }
    guard isDue else { return }
    let left = ProgressBar.estimate(elapsed: now - start, done: done, total: total)
    StandardError.write("rnw: \(grouped(done)) of \(counted(total, "item"))\(left)\n")
  }

  /// Takes the bar away.
  func finish() { bar.finish() }
}

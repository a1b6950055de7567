import Files
import Synchronization
import Tensors

/// A line on standard error that shows how far long work is and how long it will still take; nothing where
/// that is no terminal.
final class ProgressBar: Sendable {
  private let title: String
  private let isShown = StandardError.showsProgress
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private let drawn: Mutex<(filled: Int, at: ContinuousClock.Instant)>

  private static let width = 30

  /// What is too short to be worth an estimate, and how often the line is drawn at least.
  private static let estimateAfter = Duration.seconds(1)
  private static let redrawAfter = Duration.milliseconds(250)

  init(_ title: String) {
    self.title = title
    start = clock.now
    drawn = Mutex((-1, start))
  }

  /// Shows that so much of the work is done.
  @Sendable func update(done: Int, total: Int) {
    guard isShown, total > 0 else { return }
    let filled = done * Self.width / total
    let now = clock.now
    drawn.withLock { drawn in
      guard filled != drawn.filled || now - drawn.at > Self.redrawAfter else { return }
      drawn = (filled, now)
      let bar = String(repeating: "━", count: filled)
      let rest = String(repeating: "─", count: Self.width - filled)
      let estimate = Self.estimate(elapsed: now - start, done: done, total: total)
      InterruptedOutput.noteProgress(isShown: true)
      StandardError.write(progress: "\r\(title) \(bar)\(rest) \(done)/\(total)\(estimate)\u{1B}[K")
    }
  }

  /// Takes the line away.
  func finish() {
    guard isShown else { return }
    StandardError.write(progress: "\r\u{1B}[K")
    InterruptedOutput.noteProgress(isShown: false)
  }

  /// The time that is left if the rest goes as what is done went; nothing at the beginning.
  static func estimate(elapsed: Duration, done: Int, total: Int) -> String {
    guard elapsed >= estimateAfter, done > 0, done < total else { return "" }
    let left = Int((elapsed / .seconds(1) * Double(total - done) / Double(done)).rounded(.up))
    return switch left {
    case ..<60: ", \(left) s left"
    case ..<7200: ", \((left + 59) / 60) min left"
    default: ", \((left + 3599) / 3600) h left"
    }
  }
}

import Synchronization

/// A line on standard error that shows how far long work is; nothing where that is no terminal.
final class ProgressBar: Sendable {
  private let title: String
  private let isShown = StandardError.isTerminal
  private let shown = Mutex<Int>(-1)

  private static let width = 30

  init(_ title: String) {
    self.title = title
  }

  /// Shows that so much of the work is done.
  @Sendable func update(done: Int, total: Int) {
    guard isShown, total > 0 else { return }
    let filled = done * Self.width / total
    shown.withLock { shown in
      guard filled != shown else { return }
      shown = filled
      let bar = String(repeating: "━", count: filled)
      let rest = String(repeating: "─", count: Self.width - filled)
      StandardError.write("\r\(title) \(bar)\(rest) \(done)/\(total) ")
    }
  }

  /// Takes the line away.
  func finish() {
    guard isShown else { return }
    StandardError.write("\r\u{1B}[K")
  }
}

package import Comparison
import Diagnosis

/// How the cause of a failed comparison is looked for.
package struct CauseSearch: Sendable {
  /// For how long at most, in seconds.
  package var seconds = 60.0

  /// Is told the verdict before the search begins.
  package var begins: (@Sendable (Comparison.Outcome) -> Void)?

  /// Is told how many of how many seconds have gone.
  package var progress: @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }

  package init() {}

  /// Completes a comparison that fails, and gives one that passes as it is.
  ///
  /// - Parameter explain: looks for the cause until a deadline.
  func explained(
    _ outcome: Comparison.Outcome, _ explain: (Deadline) throws -> Comparison.Outcome
  ) rethrows -> Comparison.Outcome {
    guard !outcome.verdict.passes else { return outcome }
    begins?(outcome)
    return try explain(Deadline(seconds: seconds, progress: progress))
  }
}

/// Why a program of the user's own gave no value.
package enum RuntimeFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// It could not be started.
  case notStarted(reason: String)
  /// It ended with a status.
  case exited(status: Int32, lastWords: String)
  /// A signal ended it.
  case signaled(Int32, lastWords: String)
  /// It did not answer in time.
  case silent(seconds: Int)
  /// It answered something that is no message, or not the one that was due.
  case malformed(String)
  /// It says itself that something is wrong.
  case told(String)

  /// What happened, in one line.
  package var description: String {
    switch self {
    case .notStarted(let reason): "the program cannot be started: \(reason)"
    case .exited(let status, let words):
      "the program ended with status \(status)" + Self.said(words)
    case .signaled(let signal, let words):
      "the program ended by signal \(signal)" + Self.said(words)
    case .silent(let seconds): "the program gave no answer within \(seconds) s"
    case .malformed(let problem): "the program's answer \(problem)"
    case .told(let text): "the program says: \(text)"
    }
  }

  /// Whether nothing more can be asked.
  package var isFinal: Bool {
    if case .told = self { false } else { true }
  }

  private static func said(_ words: String) -> String { words.isEmpty ? "" : ": \(words)" }
}

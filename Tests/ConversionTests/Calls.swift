import Synchronization

/// The calls of a progress.
final class Calls: Sendable {
  private let calls = Mutex<[(done: Int, total: Int)]>([])

  @Sendable func add(done: Int, total: Int) {
    calls.withLock { $0.append((done, total)) }
  }

  /// Whether the work only grew, of a total that stayed, up to its end.
  var isInOrder: Bool {
    calls.withLock { calls in
      zip(calls, calls.dropFirst()).allSatisfy { $0.done <= $1.done && $0.total == $1.total }
        && calls.last.map { $0.done == $0.total } == true
    }
  }
}

import Synchronization

#if canImport(Glibc)
  package import Glibc
#elseif canImport(Musl)
  package import Musl
#elseif canImport(Darwin)
  package import Darwin
#endif

/// The programs that this one has started with groups of their own: they end with it where it is interrupted.
///
/// They are asked first, as each may have a temporary file to remove.
package enum RunningGroups {
  /// How many there may be at once.
  package static let most = 256

  /// How long they may take to end before they are ended, in hundredths of a second.
  private static let patience = 300

  /// What a signal handler may read: no lock, no allocation.
  nonisolated(unsafe) private static let slots = {
    let slots = UnsafeMutablePointer<pid_t>.allocate(capacity: most)
    slots.initialize(repeating: 0, count: most)
    return slots
  }()

  private static let lock = Mutex(())
  private static let hasEnded = Atomic<Bool>(false)

  /// Whether this program is ending: whoever starts others starts none any more.
  package static var isEnding: Bool { hasEnded.load(ordering: .sequentiallyConsistent) }

  /// Notes a program; `false` where there are too many, or this one is ending.
  package static func add(_ process: pid_t) -> Bool {
    lock.withLock { _ in
      for index in 0..<most where slots[index] == 0 {
        slots[index] = process
        return !isEnding
      }
      return false
    }
  }

  /// Forgets a program that has ended.
  package static func remove(_ process: pid_t) {
    lock.withLock { _ in
      for index in 0..<most where slots[index] == process { slots[index] = 0 }
    }
  }

  /// Makes all that a handler reads: it must not be the first to touch it.
  static func prepare() {
    _ = slots
    hasEnded.store(false, ordering: .sequentiallyConsistent)
  }

  /// Ends all of them; in a handler.
  static func end() {
    hasEnded.store(true, ordering: .sequentiallyConsistent)
    signalAll(SIGTERM)
    for _ in 0..<patience where isAnyRunning {
      var time = timespec(tv_sec: 0, tv_nsec: 10_000_000)
      nanosleep(&time, nil)
    }
    signalAll(SIGKILL)
  }

  private static func signalAll(_ number: Int32) {
    for index in 0..<most where slots[index] > 0 { kill(-slots[index], number) }
  }

  /// Whether one has not ended; whoever waits for it may have been told first.
  private static var isAnyRunning: Bool {
    for index in 0..<most where slots[index] > 0 {
      var status: Int32 = 0
      let ended = waitpid(slots[index], &status, WNOHANG)
      if ended == 0 { return true }
    }
    return false
  }
}

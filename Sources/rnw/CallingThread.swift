#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Runs asynchronous work on the thread that asks for it, and on no other.
final class CallingThread: TaskExecutor, @unchecked Sendable {
  // Guarded by the mutex.
  private var jobs: [UnownedJob] = []
  private var isDone = false
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  init() {
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Does all of some work; returns when it is done.
  func run(_ work: @escaping @Sendable () async -> Void) {
    Task(executorPreference: self) {
      await work()
      self.change { self.isDone = true }
    }
    while let job = next() {
      job.runSynchronously(on: asUnownedTaskExecutor())
    }
  }

  /// Takes a piece of work, of whichever thread.
  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    change { self.jobs.append(job) }
  }

  private func change(_ body: () -> Void) {
    pthread_mutex_lock(mutex)
    body()
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  /// Waits for the next piece; `nil` when there will be none.
  private func next() -> UnownedJob? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while jobs.isEmpty {
      if isDone { return nil }
      pthread_cond_wait(condition, mutex)
    }
    return jobs.removeFirst()
  }
}

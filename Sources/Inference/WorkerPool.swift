import CKernelSupport
import FoundationEssentials
import Synchronization
import Threads

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Threads that executors compute on; any number of executors, and of tasks, may use one pool.
///
/// ```swift
/// let pool = WorkerPool(threads: 4)
/// let (first, second) = (FastExecutor(one, pool: pool), FastExecutor(other, pool: pool))
/// ```
///
/// Executors of one pool take turns layer by layer, so they never compute on more threads than the pool has. The
/// threads end when nobody holds the pool any more.
public final class WorkerPool: Sendable {
  // The threads wait for work: for a while by watching a counter, then asleep. A layer takes a few hundred
  // microseconds, so waking a thread through the system for each would cost as much as the work. Nothing is left
  // spinning once the layers stop coming.

  /// The pool of whoever asks for no other: a thread for each processor, started when it is first asked for.
  public static let shared = WorkerPool(threads: processorCount)

  /// The number of processors that this process may use.
  package static let processorCount = max(ProcessInfo.processInfo.activeProcessorCount, 1)

  /// How often a waiting thread looks before it goes to sleep; a few tens of microseconds.
  private static let spins = 20_000

  /// More are never started, whoever asks.
  private static let maximumThreads = 1024

  /// The number of threads that work, the calling one included.
  public let threadCount: Int

  private let shared: Shared
  /// One piece of work at a time; other tasks wait their turn.
  private let turn = Mutex(())

  /// Starts the threads, or as many of them as the system gives: fewer are slower and nothing else.
  ///
  /// - Parameter threads: how many threads compute, the calling one included; numbers below 1 count as 1.
  public init(threads: Int) {
    let wanted = min(max(threads, 1), Self.maximumThreads)
    let shared = Shared(threads: wanted)
    var started = 1
    while started < wanted,
      let thread = StartedThread({ [worker = started] in shared.work(as: worker) })
    {
      thread.detach()
      started += 1
    }
    threadCount = started
    self.shared = shared
  }

  deinit {
    shared.stop()
  }

  // The length of this name is in the program, as in `concurrentMap`.
  #sourceLocation(file:"worker pool",line:70)
  /// Does pieces of work on all threads; returns when all are done.
  ///
  /// - Parameter body: gets the index of a piece and of the thread that does it; it gives the pool no work itself.
  func run(_ count: Int, _ body: (_ piece: Int, _ worker: Int) -> Void) {
    guard threadCount > 1, count > 1 else {
      for piece in 0..<count { body(piece, 0) }
      return
    }
    withoutActuallyEscaping(body) { body in
      turn.withLock { _ in shared.run(count, helpers: threadCount - 1, Body(call: body)) }
    }
  }
  #sourceLocation()

  /// The work that is being done; it is gone when `run` returns, and no thread touches it after
  /// that.
  fileprivate struct Body: @unchecked Sendable {
    let call: (Int, Int) -> Void
  }

  /// What the threads share.
  fileprivate final class Shared: @unchecked Sendable {
    /// Counts the pieces of work that were announced.
    private let generation = Atomic<Int>(0)
    private let pending = Atomic<Int>(0)
    private let sleepers = Atomic<Int>(0)
    private let isStopped = Atomic<Bool>(false)
    // Written by `run` before the generation is raised, read by workers after they saw it raised.
    private var body: Body?
    private let shares: [Share]
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init(threads: Int) {
      shares = (0..<threads).map { _ in Share() }
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

    func run(_ count: Int, helpers: Int, _ body: Body) {
      self.body = body
      for (worker, share) in shares.enumerated() {
        share.next.store(count * worker / shares.count, ordering: .relaxed)
        share.end = count * (worker + 1) / shares.count
      }
      pending.store(helpers, ordering: .relaxed)
      generation.add(1, ordering: .sequentiallyConsistent)
      wakeSleepers()
      takePieces(body, worker: 0)
      while pending.load(ordering: .acquiring) > 0 { rnw_pause() }
      self.body = nil
    }

    func stop() {
      isStopped.store(true, ordering: .sequentiallyConsistent)
      generation.add(1, ordering: .sequentiallyConsistent)
      wakeSleepers()
    }

    /// What a thread does until the pool is gone.
    func work(as worker: Int) {
      var seen = 0
      while true {
        seen = waitForWork(after: seen)
        if isStopped.load(ordering: .acquiring) { return }
        if let body { takePieces(body, worker: worker) }
        pending.subtract(1, ordering: .acquiringAndReleasing)
      }
    }

    /// Does the pieces of a thread's own share, then helps the others.
    ///
    /// Neighbouring pieces stay with one thread, and the same part of every layer too: what it wrote
    /// for one layer is still in its own cache for the next. Pieces that wander between the threads
    /// cost a sixth of a whole pass.
    private func takePieces(_ body: Body, worker: Int) {
      for index in 0..<shares.count {
        let share = shares[(worker + index) % shares.count]
        while true {
          let piece = share.next.add(1, ordering: .relaxed).oldValue
          guard piece < share.end else { break }
          body.call(piece, worker)
        }
      }
    }

    private func waitForWork(after seen: Int) -> Int {
      for _ in 0..<WorkerPool.spins {
        let current = generation.load(ordering: .acquiring)
        if current != seen { return current }
        rnw_pause()
      }
      pthread_mutex_lock(mutex)
      sleepers.add(1, ordering: .sequentiallyConsistent)
      while generation.load(ordering: .sequentiallyConsistent) == seen {
        pthread_cond_wait(condition, mutex)
      }
      sleepers.subtract(1, ordering: .sequentiallyConsistent)
      pthread_mutex_unlock(mutex)
      return generation.load(ordering: .acquiring)
    }

    private func wakeSleepers() {
      guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
      pthread_mutex_lock(mutex)
      pthread_cond_broadcast(condition)
      pthread_mutex_unlock(mutex)
    }
  }

  /// The pieces that are meant for one thread.
  fileprivate final class Share: @unchecked Sendable {
    /// The next piece that nobody has taken.
    let next = Atomic<Int>(0)
    /// Where the pieces end; written with the work, before the threads see it.
    var end = 0
  }
}

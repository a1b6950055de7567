#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A thread of the system's own, for work that must also get done where no thread can be started.
///
/// Dispatch waits for threads without an end where the system gives none.
package struct StartedThread: @unchecked Sendable {
  private static let stackBytes = 4 << 20

  private let handle: pthread_t

  /// Starts a thread; `nil` where the system gives none, as under a limit on processes or memory.
  package init?(_ body: @escaping @Sendable () -> Void) {
    let work = Unmanaged.passRetained(Work(body: body))
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, Self.stackBytes)
    defer { pthread_attr_destroy(&attributes) }
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    guard Self.isAllowed, pthread_create(&thread, &attributes, start, work.toOpaque()) == 0 else {
      work.release()
      return nil
    }
    #if canImport(Darwin)
      guard let thread else { return nil }
    #endif
    handle = thread
  }

  /// Lets the thread end by itself; nobody waits for it.
  package func detach() { pthread_detach(handle) }

  /// Waits until the thread has ended.
  package func join() { pthread_join(handle, nil) }

  /// Whether threads may be started in this task and those within it: tests try what happens without.
  @TaskLocal package static var isAllowed = true

  fileprivate final class Work: Sendable {
    let body: @Sendable () -> Void

    init(body: @escaping @Sendable () -> Void) { self.body = body }
  }
}

#if canImport(Darwin)
  private func start(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    run(argument)
  }
#else
  private func start(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    argument.flatMap(run)
  }
#endif

private func run(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
  Unmanaged<StartedThread.Work>.fromOpaque(argument).takeRetainedValue().body()
  return nil
}

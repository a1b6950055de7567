import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The temporary files of this process, so that an interrupted one leaves none behind.
package enum InterruptedOutput {
  private static let slotCount = 64

  // A signal handler may read these and nothing else: no lock, no allocation.
  nonisolated(unsafe) private static let slots: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> =
    {
      let slots = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: slotCount)
      slots.initialize(repeating: nil, count: slotCount)
      return slots
    }()

  private static let lock = Mutex(())

  private static let clearsLine = Atomic<Bool>(false)

  /// Notes whether a line of progress stands on the terminal: it is taken away before the program ends.
  package static func noteProgress(isShown: Bool) {
    clearsLine.store(isShown, ordering: .relaxed)
  }

  /// Ends the program on SIGINT and SIGTERM after removing its temporary files.
  package static func installHandlers() {
    // Both are made now: a handler must not be the first to touch them.
    _ = slots
    clearsLine.store(false, ordering: .relaxed)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number) { number in
        InterruptedOutput.removeAll()
        InterruptedOutput.clearLine()
        _exit(128 + number)
      }
    }
  }

  static func register(_ path: String) {
    lock.withLock { _ in
      for index in 0..<slotCount where slots[index] == nil {
        slots[index] = strdup(path)
        return
      }
    }
  }

  static func unregister(_ path: String) {
    lock.withLock { _ in
      for index in 0..<slotCount {
        guard let text = slots[index], String(cString: text) == path else { continue }
        slots[index] = nil
        free(text)
      }
    }
  }

  private static func removeAll() {
    for index in 0..<slotCount {
      if let path = slots[index] { unlink(path) }
    }
  }

  private static func clearLine() {
    guard clearsLine.load(ordering: .relaxed) else { return }
    // Carriage return, and erase to the end of the line.
    var bytes: (UInt8, UInt8, UInt8, UInt8) = (0x0D, 0x1B, 0x5B, 0x4B)
    _ = write(STDERR_FILENO, &bytes, 4)
  }
}

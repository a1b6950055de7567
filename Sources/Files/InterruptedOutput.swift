import Synchronization

#if canImport(Glibc)
  package import Glibc
#elseif canImport(Musl)
  package import Musl
#elseif canImport(Darwin)
  package import Darwin
#endif

/// The temporary files of this process, so that one that is interrupted, or fails, leaves none behind; and the files that it
/// has mapped, so that it can say which of them was cut short.
package enum InterruptedOutput {
  private static let slotCount = 64

  /// What a signal handler may read: no lock, no allocation.
  private struct Slot {
    var path: UnsafeMutablePointer<CChar>?
    var base: UnsafeRawPointer?
    var count = 0
  }

  nonisolated(unsafe) private static let temporaries = makeSlots()
  nonisolated(unsafe) private static let mappings = makeSlots()

  private static let lock = Mutex(())

  private static let clearsLine = Atomic<Bool>(false)

  private static let child = Atomic<Int32>(0)

  /// Notes whether a line of progress stands on the terminal: it is taken away before the program ends.
  package static func noteProgress(isShown: Bool) {
    clearsLine.store(isShown, ordering: .relaxed)
  }

  /// Notes the program that is being waited for, 0 for none: it ends with this one.
  package static func noteChild(_ process: pid_t) {
    child.store(process, ordering: .relaxed)
  }

  /// Ends the program on SIGINT, SIGTERM and SIGHUP after removing its temporary files, and so too where it fails: with one
  /// line and a status instead of a signal.
  package static func installHandlers() {
    // All are made now: a handler must not be the first to touch them.
    _ = (temporaries, mappings, InputError.memoryWords)
    RunningGroups.prepare()
    clearsLine.store(false, ordering: .relaxed)
    child.store(0, ordering: .relaxed)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number) { number in
        RunningGroups.end()
        InterruptedOutput.removeAll()
        InterruptedOutput.clearLine()
        _exit(128 + number)
      }
    }
    signal(SIGBUS) { number in InterruptedOutput.endAfterLostPage(number) }
    // Whoever looks for a fault wants the runtime's own account of it.
    guard getenv("SWIFT_BACKTRACE") == nil else { return }
    for number in [SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGSEGV] {
      signal(number) { number in InterruptedOutput.endAfterFault(number) }
    }
  }

  // MARK: - Slots

  static func register(_ path: String) {
    add(Slot(path: strdup(path)), to: temporaries)
  }

  static func unregister(_ path: String) {
    remove(from: temporaries) { slot in slot.path.map { String(cString: $0) == path } ?? false }
  }

  static func register(mapping base: UnsafeRawPointer, _ count: Int, of path: String) {
    add(Slot(path: strdup(path), base: base, count: count), to: mappings)
  }

  static func unregister(mapping base: UnsafeRawPointer) {
    remove(from: mappings) { $0.base == base }
  }

  private static func makeSlots() -> UnsafeMutablePointer<Slot> {
    let slots = UnsafeMutablePointer<Slot>.allocate(capacity: slotCount)
    slots.initialize(repeating: Slot(), count: slotCount)
    return slots
  }

  private static func add(_ slot: Slot, to slots: UnsafeMutablePointer<Slot>) {
    lock.withLock { _ in
      for index in 0..<slotCount where slots[index].path == nil {
        slots[index] = slot
        return
      }
      free(slot.path)
    }
  }

  private static func remove(
    from slots: UnsafeMutablePointer<Slot>, where isMeant: (Slot) -> Bool
  ) {
    lock.withLock { _ in
      for index in 0..<slotCount where slots[index].path != nil && isMeant(slots[index]) {
        let path = slots[index].path
        slots[index] = Slot()
        free(path)
        return
      }
    }
  }

  // MARK: - In a handler

  private static func removeAll() {
    let process = child.load(ordering: .relaxed)
    if process > 0 { kill(process, SIGKILL) }
    for index in 0..<slotCount {
      if let path = temporaries[index].path { unlink(path) }
    }
  }

  private static func clearLine() {
    guard clearsLine.load(ordering: .relaxed) else { return }
    // Carriage return, and erase to the end of the line.
    say("\r\u{1B}[K")
  }

  /// A page of a mapped file is gone: somebody has cut the file short.
  private static func endAfterLostPage(_ number: Int32) {
    for index in 0..<slotCount {
      guard let path = mappings[index].path else { continue }
      var status = stat()
      guard stat(path, &status) != 0 || Int(status.st_size) < mappings[index].count else {
        continue
      }
      removeAll()
      clearLine()
      say("rnw: ")
      say(path: path)
      say(": was cut short while it was read\n")
      _exit(EX_DATAERR)
    }
    endAfterFault(number)
  }

  private static func endAfterFault(_ number: Int32) {
    removeAll()
    clearLine()
    if isOutOfMemory {
      say("rnw: ")
      say(InputError.memoryWords)
      say("\n")
      _exit(EX_NOINPUT)
    }
    say("rnw: a fault of the tool: ended by signal ")
    // Without a `String`: nothing may be allocated here.
    var digits: (UInt8, UInt8) = (UInt8(truncatingIfNeeded: 48 + number / 10 % 10), 0)
    digits.1 = UInt8(truncatingIfNeeded: 48 + number % 10)
    _ = write(STDERR_FILENO, &digits, 2)
    say("\n")
    _exit(EX_SOFTWARE)
  }

  /// Whether a large block cannot be had: the runtime ends a program that gets no memory by a signal.
  private static var isOutOfMemory: Bool {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    let block = mmap(nil, 256 << 20, PROT_READ | PROT_WRITE, flags, -1, 0)
    return block == nil || block == MAP_FAILED
  }

  private static func say(_ text: StaticString) {
    _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
  }

  /// A path as it is, without what a terminal would take for commands.
  private static func say(path: UnsafePointer<CChar>) {
    var place = path
    while place.pointee != 0 {
      var byte = UInt8(bitPattern: place.pointee)
      if byte < 0x20 || byte == 0x7F { byte = UInt8(ascii: "?") }
      _ = write(STDERR_FILENO, &byte, 1)
      place += 1
    }
  }
}

import CProcesses
import Files
import Plain
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A program that was run to its end within limits: whatever it does ends it, and never the one that started it.
package struct LimitedRun: Sendable {
  /// What a program may take.
  package struct Limits: Hashable, Sendable {
    /// How long it may run; no more processor time either, where the system can see to that when this program is gone.
    package var seconds: Int
    /// How much writable memory of its own it may have, and each program that it starts, on Linux; 0 for no limit.
    package var memory: Int
    /// How much it may write to its standard output.
    package var output = 64 << 20

    /// Describes limits.
    package init(seconds: Int, memory: Int) {
      (self.seconds, self.memory) = (seconds, memory)
    }
  }

  /// How it came to an end.
  package enum Ending: Hashable, Sendable {
    /// By itself, with a status.
    case exited(Int32)
    /// By a signal of somebody else, or by a fault.
    case signaled(Int32)
    /// It took too long, and was ended.
    case tooLong
    /// It wrote too much, and was ended.
    case tooMuch
    /// This program is ending, and has ended it.
    case interrupted
  }

  /// How it came to an end.
  package let ending: Ending
  /// What it wrote to its standard output.
  package let output: [UInt8]
  /// The last of what it wrote to its standard error.
  package let messages: String
  /// How long it ran, in milliseconds.
  package let milliseconds: Int
  /// The processor time that it took with what it started, in milliseconds.
  package let processorMilliseconds: Int
  /// The most memory that it or one of those had at once, in bytes; at least what the process that started it had, of which it begins as a copy.
  package let peakBytes: Int
}

extension LimitedRun {
  private static let longestMessages = 16 << 10

  /// How long a program that is to end may take for that, in milliseconds.
  private static let patience = 2000

  /// Runs a program, with nothing on its standard input.
  ///
  /// - Throws: `InputError` where it cannot be started.
  package init(_ program: String, _ arguments: [String], limits: Limits) throws {
    let words = try UnnamedFile(for: program)
    let start = Self.now
    let (process, pipe) = try Self.start(program, arguments, error: words.descriptor)
    defer { close(pipe) }
    let isWelcome = RunningGroups.add(process)
    defer { RunningGroups.remove(process) }
    // What cannot be limited so still has its time.
    _ = rnw_limit_process(process, UInt64(limits.memory), UInt64(limits.seconds))
    if !isWelcome { kill(-process, SIGTERM) }
    let end = start + limits.seconds * 1000
    var output: [UInt8] = []
    var stopped = Self.read(pipe, to: &output, until: end, atMost: limits.output)
    var (status, usage) = (Int32(0), rnw_process_usage())
    var askedAt: Int?
    // It may have closed its output and go on.
    while case let state = rnw_end_group(process, &status, &usage), state != 1 {
      guard state == 0 else {
        stopped = .interrupted
        break
      }
      if stopped == nil, Self.now >= end { stopped = .tooLong }
      if stopped != nil {
        // Asked first, as it may have a temporary file to remove.
        let asked = askedAt ?? Self.now
        kill(-process, Self.now - asked < Self.patience ? SIGTERM : SIGKILL)
        askedAt = asked
      }
      usleep(1000)
    }
    var ending: Ending =
      switch ChildProcess.Ending(status: status) {
      case .exited(let status): .exited(status)
      case .signaled(SIGXCPU): .tooLong
      case .signaled(let signal): .signaled(signal)
      }
    if let stopped { ending = stopped }
    self.ending = RunningGroups.isEnding ? .interrupted : ending
    self.output = output
    messages = String(
      decoding: words.contents(atMost: 64 << 20)?.suffix(Self.longestMessages) ?? [], as: UTF8.self)
    milliseconds = Self.now - start
    processorMilliseconds = Int(usage.processor_microseconds / 1000)
    peakBytes = Int(clamping: usage.peak_bytes)
  }

  /// The last line that is not empty of what it wrote to its standard error.
  package var lastWords: String {
    let line = messages.split(whereSeparator: \.isNewline).last {
      $0.contains { !$0.isWhitespace }
    }
    return (line.map(String.init) ?? "").escapingControlCharacters
  }

  /// One program is started at a time: another could inherit what this one is given before it is marked.
  private static let starting = Mutex(())

  private static func start(
    _ program: String, _ arguments: [String], error: Int32
  ) throws(InputError) -> (process: pid_t, pipe: Int32) {
    try starting.withLock { _ throws(InputError) in
      func failure(_ code: Int32) -> InputError {
        InputError(.unreadable, path: program, "cannot be run: \(errorText(code))")
      }
      let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
      var ends: [Int32] = [-1, -1]
      guard nothing >= 0, pipe(&ends) == 0 else {
        let code = errno
        if nothing >= 0 { close(nothing) }
        throw failure(code)
      }
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      _ = fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) | O_NONBLOCK)
      let (reading, writing) = (ends[0], ends[1])
      defer {
        close(nothing)
        close(writing)
      }
      do throws(ChildProcess.Failure) {
        let process = try ChildProcess.start(
          program, arguments, input: nothing, output: writing, error: error, isAlone: true)
        return (process, reading)
      } catch {
        close(reading)
        throw failure(error.code)
      }
    }
  }

  /// Reads a pipe to its end; why that was not reached, where it was not.
  private static func read(
    _ pipe: Int32, to output: inout [UInt8], until end: Int, atMost limit: Int
  ) -> Ending? {
    while true {
      let left = end - now
      guard left > 0 else { return .tooLong }
      var state = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
      guard poll(&state, 1, Int32(min(left, 1 << 30))) > 0 else { continue }
      var code: Int32 = 0
      let part = [UInt8](unsafeUninitializedCapacity: 1 << 16) { space, count in
        let result = systemRead(pipe, space)
        code = result < 0 ? errno : 0
        count = max(result, 0)
      }
      if code == EAGAIN || code == EINTR { continue }
      if part.isEmpty { return nil }
      output += part
      guard output.count <= limit else { return .tooMuch }
    }
  }

  private static func systemRead(
    _ descriptor: Int32, _ space: UnsafeMutableBufferPointer<UInt8>
  ) -> Int {
    #if canImport(Darwin)
      Darwin.read(descriptor, space.baseAddress, space.count)
    #elseif canImport(Musl)
      Musl.read(descriptor, space.baseAddress, space.count)
    #else
      Glibc.read(descriptor, space.baseAddress, space.count)
    #endif
  }

  private static var now: Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int(time.tv_sec) * 1000 + Int(time.tv_nsec) / 1_000_000
  }
}

import Files
import Plain
import Processes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A program with which messages are exchanged over its standard input and output.
///
/// Nothing waits for ever: each read and write has a time limit, after which the program and all that it started are ended.
final class RuntimeProcess {
  private static let maximumLine = 1 << 20
  private static let maximumLastWords = 4 << 10

  /// The command, as its user wrote it.
  let command: String

  private let seconds: Int
  private var input: Int32
  private let output: Int32
  private let messages: UnnamedFile
  private var child: pid_t
  private var buffer: [UInt8] = []
  private var start = 0

  /// Starts a command by the shell.
  ///
  /// - Parameters:
  ///   - command: what the shell is to run.
  ///   - seconds: how long an answer may take.
  init(_ command: String, seconds: Int) throws(RuntimeFault) {
    self.command = command
    self.seconds = seconds
    do {
      messages = try UnnamedFile(for: command)
    } catch {
      throw .notStarted(reason: "\(error)")
    }
    var toChild: [Int32] = [-1, -1]
    var fromChild: [Int32] = [-1, -1]
    guard pipe(&toChild) == 0, pipe(&fromChild) == 0 else {
      throw .notStarted(reason: errorText(errno))
    }
    (input, output) = (toChild[1], fromChild[0])
    // Neither end of ours is for the program, nor for any other that is started.
    for descriptor in [input, output] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    for descriptor in [input, output] {
      _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }
    child = 0
    defer {
      close(toChild[0])
      close(fromChild[1])
    }
    do {
      // A group of its own, so that what it starts ends with it.
      child = try ChildProcess.start(
        "/bin/sh", ["-c", command], input: toChild[0], output: fromChild[1],
        error: messages.descriptor, isAlone: true)
    } catch {
      close(input)
      close(output)
      throw .notStarted(reason: errorText(error.code))
    }
    InterruptedOutput.noteChild(child)
  }

  deinit {
    closeInput()
    close(output)
    end()
  }

  // MARK: - Messages

  /// Sends a line and the bytes after it.
  func send(_ message: JSONValue, _ bodies: [[Float]] = []) throws(RuntimeFault) {
    try write(Array(message.json.utf8) + [0x0A])
    for values in bodies {
      try write(values.withUnsafeBytes { [UInt8]($0) })
    }
  }

  /// Waits for the next line.
  func answer() throws(RuntimeFault) -> JSONValue {
    let end = try deadline()
    forgetRead()
    var seen = start
    while true {
      if let newline = buffer[seen...].firstIndex(of: 0x0A) {
        let line = buffer[start..<newline]
        start = newline + 1
        do throws(FormatFault) {
          return try JSONValue(json: line)
        } catch {
          throw .malformed("is no line of JSON: it \(error.problem) (\(error.place))")
        }
      }
      seen = buffer.count
      guard seen - start <= Self.maximumLine else { throw .malformed("has a line without an end") }
      try readMore(until: end)
    }
  }

  /// Waits for so many 32-bit floats.
  func floats(_ count: Int) throws(RuntimeFault) -> [Float] {
    let end = try deadline()
    forgetRead()
    while buffer.count - start < 4 * count { try readMore(until: end) }
    let values = buffer.withUnsafeBytes { bytes in
      (0..<count).map { index in
        Float(
          bitPattern: UInt32(
            littleEndian: bytes.loadUnaligned(
              fromByteOffset: start + 4 * index, as: UInt32.self)))
      }
    }
    start += 4 * count
    return values
  }

  /// Gives bytes to a program that reads them to their end, and waits for all that it writes until its own.
  ///
  /// - Parameter limit: how much it may write.
  func run(on bytes: [UInt8], atMost limit: Int) throws(RuntimeFault) -> [UInt8] {
    let end = try deadline()
    var written = 0
    while true {
      // A program may write before it has read all: both pipes are served.
      let isWriting = written < bytes.count
      var states = [
        pollfd(fd: output, events: Int16(POLLIN), revents: 0),
        pollfd(fd: input, events: Int16(POLLOUT), revents: 0),
      ]
      let left = end - Self.milliseconds()
      guard left > 0 else {
        self.end()
        throw .silent(seconds: seconds)
      }
      guard poll(&states, isWriting ? 2 : 1, Int32(min(left, 1 << 30))) >= 0 || errno == EINTR
      else { throw ending() }
      if isWriting, states[1].revents != 0 {
        let count = bytes[written...].withUnsafeBytes { Self.write(input, $0) }
        // A program may close its input before it has read all.
        if count < 0, errno != EAGAIN, errno != EINTR { written = bytes.count }
        written += max(count, 0)
        if written >= bytes.count { closeInput() }
      }
      guard states[0].revents != 0 else { continue }
      let part = [UInt8](unsafeUninitializedCapacity: 1 << 18) { space, count in
        count = max(Self.read(output, space), 0)
      }
      buffer += part
      guard buffer.count <= limit else { throw .malformed("is longer than \(limit) bytes") }
      guard part.isEmpty, errno != EAGAIN, errno != EINTR else { continue }
      let ending = ending()
      guard case .exited(status: 0, _) = ending else { throw ending }
      return buffer
    }
  }

  // MARK: - Bytes

  private func closeInput() {
    if input >= 0 { close(input) }
    input = -1
  }

  private func write(_ bytes: [UInt8]) throws(RuntimeFault) {
    let end = try deadline()
    var written = 0
    while written < bytes.count {
      try wait(for: input, Int16(POLLOUT), until: end)
      let count = bytes[written...].withUnsafeBytes { Self.write(input, $0) }
      if count < 0 {
        // A program that reads no more may have answered already: what it says comes first.
        guard errno == EAGAIN || errno == EINTR else { return }
        continue
      }
      written += count
    }
  }

  /// Lets go of what was read of the buffer, once that is most of it.
  private func forgetRead() {
    guard start > 1 << 16, start * 2 > buffer.count else { return }
    buffer.removeFirst(start)
    start = 0
  }

  private func readMore(until end: Int) throws(RuntimeFault) {
    try wait(for: output, Int16(POLLIN), until: end)
    let part = [UInt8](unsafeUninitializedCapacity: 1 << 18) { space, count in
      count = max(Self.read(output, space), 0)
    }
    guard part.isEmpty else {
      buffer += part
      return
    }
    if errno == EAGAIN || errno == EINTR, isRunning { return }
    throw ending()
  }

  private static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    #if canImport(Darwin)
      Darwin.write(descriptor, bytes.baseAddress, bytes.count)
    #elseif canImport(Musl)
      Musl.write(descriptor, bytes.baseAddress, bytes.count)
    #else
      Glibc.write(descriptor, bytes.baseAddress, bytes.count)
    #endif
  }

  private static func read(_ descriptor: Int32, _ space: UnsafeMutableBufferPointer<UInt8>) -> Int {
    errno = 0
    #if canImport(Darwin)
      return Darwin.read(descriptor, space.baseAddress, space.count)
    #elseif canImport(Musl)
      return Musl.read(descriptor, space.baseAddress, space.count)
    #else
      return Glibc.read(descriptor, space.baseAddress, space.count)
    #endif
  }

  /// Waits until a pipe can be used.
  private func wait(for descriptor: Int32, _ event: Int16, until end: Int) throws(RuntimeFault) {
    while true {
      let left = end - Self.milliseconds()
      guard left > 0 else {
        self.end()
        throw .silent(seconds: seconds)
      }
      var state = pollfd(fd: descriptor, events: event, revents: 0)
      let count = poll(&state, 1, Int32(min(left, 1 << 30)))
      if count > 0 { return }
      guard count == 0 || errno == EINTR else { throw ending() }
    }
  }

  private func deadline() throws(RuntimeFault) -> Int {
    guard child > 0 else { throw .malformed("was due after the program had ended") }
    return Self.milliseconds() + seconds * 1000
  }

  private static func milliseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int(time.tv_sec) * 1000 + Int(time.tv_nsec) / 1_000_000
  }

  // MARK: - Its end

  private var isRunning: Bool { child > 0 && kill(child, 0) == 0 }

  /// Ends the program and what it started.
  private func end() {
    guard child > 0 else { return }
    kill(-child, SIGKILL)
    _ = waitForEnd()
  }

  /// How the program ended that closed its pipe.
  private func ending() -> RuntimeFault {
    guard child > 0 else { return .malformed("was due after the program had ended") }
    // A program may close its output and go on.
    var status: Int32 = 0
    let end = Self.milliseconds() + 1000
    while waitpid(child, &status, WNOHANG) == 0 {
      guard Self.milliseconds() < end else {
        self.end()
        return .malformed("ended, though the program went on")
      }
      usleep(5000)
    }
    kill(-child, SIGKILL)
    child = 0
    InterruptedOutput.noteChild(0)
    let (signal, code) = (status & 0x7F, status >> 8 & 0xFF)
    if signal != 0 { return .signaled(signal, lastWords: lastWords) }
    // A shell tells the signal of its program by such a status.
    return (129...160).contains(code)
      ? .signaled(code - 128, lastWords: lastWords) : .exited(status: code, lastWords: lastWords)
  }

  private func waitForEnd() -> Int32 {
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    child = 0
    InterruptedOutput.noteChild(0)
    return status
  }

  /// The last line of what the program wrote to its standard error.
  private var lastWords: String {
    let bytes = messages.contents(atMost: 64 << 20) ?? []
    let text = String(decoding: bytes.suffix(Self.maximumLastWords), as: UTF8.self)
    let line = text.split(whereSeparator: \.isNewline).last { $0.contains { !$0.isWhitespace } }
    let words = line?.drop { $0.isWhitespace }
    return (words.map(String.init) ?? "").escapingControlCharacters
  }
}

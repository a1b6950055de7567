import ArgumentParser
import Conversion
import Files
import Plain
import Synchronization
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Standard output, written so that nothing is lost without an error.
///
/// `print` to a full device ends with status 0; a report that a script relies on must not. A reader that goes away
/// ends the printing and nothing else: the exit status stays what was found.
enum StandardOutput {
  /// Writes all of a text, in which nothing is taken for a command by a terminal or a build server.
  ///
  /// - Throws: `InputError` of kind `writeFailed`.
  static func write(_ text: String) throws {
    try stream.write(Escaped.lines(text, keepingColours: isTerminal))
  }

  /// Writes all of a JSON document, which has a line break at its end.
  ///
  /// - Throws: `InputError` of kind `writeFailed`.
  static func write(json: String) throws {
    document.withLock { $0 = true }
    try stream.write(Escaped.json(json))
  }

  /// Whether a JSON document was written: there is one for each run.
  static var hasDocument: Bool { document.withLock { $0 } }

  private static let document = Mutex(false)

  /// Writes a report in one of its two forms.
  ///
  /// - Throws: `InputError` of kind `writeFailed`.
  static func write(
    _ report: some Encodable, asJSON: Bool, text: @autoclosure () throws -> String
  ) throws {
    if asJSON {
      try write(json: RecordCoding.json(report, pretty: true) + "\n")
    } else {
      try write(text())
    }
  }

  /// Writes what is no report, such as a drawing, as it is.
  ///
  /// - Throws: `InputError` of kind `writeFailed`.
  static func write(raw text: String) throws { try stream.write(text) }

  /// Writes what was found, and ends with status 1 where that is not good.
  ///
  /// - Throws: `ExitCode`; `InputError` of kind `writeFailed` where something good cannot be told.
  static func conclude(passes: Bool, _ write: () throws -> Void) throws {
    do {
      try write()
    } catch let error as InputError where !passes {
      StandardError.write("rnw: \(error)\n")
    }
    if !passes { throw ExitCode(1) }
  }

  /// Whether the output is a terminal.
  static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  /// Whether what is written may have colours.
  static var isColored: Bool { isTerminal && wishes.allowsColours }

  /// How many columns a line of text may take: the terminal's, from 40 to 160; 80 elsewhere.
  static var width: Int {
    var size = winsize()
    guard isTerminal, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return 80
    }
    return min(max(Int(size.ws_col), 40), 160)
  }

  private static let stream = Stream(descriptor: STDOUT_FILENO, name: "standard output")
}

/// Standard error: for messages and progress.
enum StandardError {
  /// Writes a text; what cannot be written is lost, as there is nobody left to tell.
  static func write(_ text: String) {
    try? stream.write(Escaped.lines(text, keepingColours: isTerminal))
  }

  /// Writes a line of progress: a terminal's own commands.
  static func write(progress text: String) { try? stream.write(text) }

  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// Whether a line may be drawn again.
  static var showsProgress: Bool { isTerminal && wishes.allowsRedrawing }

  private static let stream = Stream(descriptor: STDERR_FILENO, name: "standard error")
}

/// The descriptors 0 to 2, of which a caller may have closed some.
enum StandardDescriptors {
  /// Fills the gaps, so that no file that is opened later becomes standard output and takes the report for its content.
  ///
  /// What fills them can neither be read nor written: an error is told as it would be for the gap.
  static func fillGaps() {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where fcntl(descriptor, F_GETFD) == -1 && errno == EBADF {
      // The lowest free number is taken: this one, as those before it are open by now.
      _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }
}

/// A descriptor that text is written to until its reader goes away.
private final class Stream: Sendable {
  private let descriptor: Int32
  private let name: String
  private let hasReader = Mutex(true)

  init(descriptor: Int32, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  func write(_ text: String) throws {
    try hasReader.withLock { hasReader in
      if hasReader { hasReader = try writeAll(Array(text.utf8)) }
    }
  }

  /// Writes all bytes; `false` where nobody reads them any more.
  private func writeAll(_ bytes: [UInt8]) throws -> Bool {
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { rest in
        #if canImport(Darwin)
          Darwin.write(descriptor, rest.baseAddress, rest.count)
        #elseif canImport(Musl)
          Musl.write(descriptor, rest.baseAddress, rest.count)
        #else
          Glibc.write(descriptor, rest.baseAddress, rest.count)
        #endif
      }
      if count > 0 {
        written += count
      } else if count < 0, errno == EINTR {
        continue
      } else if count < 0, errno == EAGAIN {
        var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&wait, 1, -1)
      } else if count < 0, errno == EPIPE {
        return false
      } else {
        let reason = count == 0 ? "nothing more is accepted" : errorText()
        throw InputError(.writeFailed, path: name, "cannot be written: \(reason)")
      }
    }
    return true
  }
}

/// What the environment says of terminals.
private let wishes = TerminalWishes { name in getenv(name).map { String(cString: $0) } }

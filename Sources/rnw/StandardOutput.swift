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
/// `print` to a full device ends with status 0; a report that a script relies on must not.
enum StandardOutput {
  /// Writes all of a text.
  ///
  /// - Throws: `InputError` of kind `writeFailed`; a reader that has gone away ends the program quietly.
  static func write(_ text: String) throws {
    try writeAll(Array(text.utf8), to: STDOUT_FILENO, name: "standard output")
  }

  /// Whether the output is a terminal, where colour and progress make sense.
  static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
}

/// Standard error: for messages and progress.
enum StandardError {
  /// Writes a text; what cannot be written is lost, as there is nobody left to tell.
  static func write(_ text: String) {
    try? writeAll(Array(text.utf8), to: STDERR_FILENO, name: "standard error")
  }

  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}

private func writeAll(_ bytes: [UInt8], to descriptor: Int32, name: String) throws {
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
    } else if count < 0, errno == EPIPE {
      exit(0)
    } else {
      throw InputError(.writeFailed, path: name, "cannot be written: \(errorText())")
    }
  }
}

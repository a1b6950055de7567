#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A temporary file that is in no folder: it goes with its last descriptor.
package struct UnnamedFile: ~Copyable {
  /// The file's descriptor, at its beginning.
  package let descriptor: Int32

  private let path: String

  /// - Parameter path: the file that is worked on, for messages.
  package init(for path: String) throws {
    let file = try makeTemporaryFile(for: path)
    self.path = path
    descriptor = file.descriptor
    unlink(file.name)
  }

  deinit { close(descriptor) }

  /// Writes bytes at the beginning, where whoever reads the descriptor still is.
  package func write(_ bytes: [UInt8]) throws {
    try writeTemporary(bytes, to: descriptor, path: path)
  }

  /// All that was written, mapped, or `nil` where that is more than expected.
  package func mapped(atMost limit: Int, path: String) throws -> MappedFile? {
    try MappedFile(descriptor: descriptor, atMost: limit, path: path)
  }

  /// All that was written, or `nil` where that is more than expected or cannot be read.
  package func contents(atMost limit: Int) -> [UInt8]? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, Int(status.st_size) <= limit else { return nil }
    let size = Int(status.st_size)
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      while let start = buffer.baseAddress, count < size {
        let read = pread(descriptor, start + count, size - count, off_t(count))
        if read < 0, errno == EINTR { continue }
        guard read > 0 else { return }
        count += read
      }
    }
    return bytes.count == size ? bytes : nil
  }
}

/// Writes all bytes at the beginning of a temporary file.
func writeTemporary(_ bytes: [UInt8], to descriptor: Int32, path: String) throws {
  var written = 0
  while written < bytes.count {
    let count = bytes[written...].withUnsafeBytes {
      pwrite(descriptor, $0.baseAddress, $0.count, off_t(written))
    }
    if count < 0, errno == EINTR { continue }
    guard count > 0 else {
      let reason = count == 0 ? "nothing more is accepted" : errorText()
      throw unwritableTemporary(for: path, reason)
    }
    written += count
  }
}

/// Makes an empty temporary file for this user alone.
///
/// - Parameter path: the file that is worked on, for messages.
func makeTemporaryFile(for path: String) throws -> (descriptor: Int32, name: String) {
  var template = Array("\(temporaryFolder())/rnw.XXXXXX".utf8CString)
  let descriptor = mkstemp(&template)
  guard descriptor >= 0 else {
    let reason = errorText()
    throw InputError(
      .cannotCreate, path: path, "a temporary file cannot be made: \(reason)",
      place: "in the folder \(temporaryFolder())", hint: temporaryHint)
  }
  _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  let name = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
  return (descriptor, name)
}

/// Where temporary files are made.
private func temporaryFolder() -> String {
  let folder = getenv("TMPDIR").map { String(cString: $0) } ?? ""
  return folder.isEmpty ? "/tmp" : folder
}

private let temporaryHint =
  "the environment variable TMPDIR names another folder for temporary files"

/// A temporary file cannot be written.
///
/// - Parameters:
///   - path: the file that is worked on.
///   - reason: the system's text, where it is known.
package func unwritableTemporary(for path: String, _ reason: String?) -> InputError {
  InputError(
    .writeFailed, path: path,
    "a temporary file cannot be written" + (reason.map { ": \($0)" } ?? ""),
    place: "in the folder \(temporaryFolder())", hint: temporaryHint)
}

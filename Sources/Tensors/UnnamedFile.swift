#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A temporary file that is in no folder: it goes with its last descriptor.
package struct UnnamedFile: ~Copyable {
  private let descriptor: Int32

  /// - Parameter path: the file that is worked on, for messages.
  package init(for path: String) throws {
    let file = try makeTemporaryFile(for: path)
    descriptor = file.descriptor
    unlink(file.name)
  }

  deinit { close(descriptor) }

  /// Another descriptor of the file, which its user closes.
  package func duplicate() -> Int32 { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }

  /// All that was written, or `nil` where that is more than expected or cannot be read.
  package func contents(atMost limit: Int) -> [UInt8]? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, Int(status.st_size) <= limit else { return nil }
    let size = Int(status.st_size)
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      while let start = buffer.baseAddress, count < size {
        let read = pread(descriptor, start + count, size - count, off_t(count))
        guard read > 0 else { return }
        count += read
      }
    }
    return bytes.count == size ? bytes : nil
  }
}

/// Makes an empty temporary file for this user alone.
///
/// - Parameter path: the file that is worked on, for messages.
func makeTemporaryFile(for path: String) throws -> (descriptor: Int32, name: String) {
  let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
  var template = Array("\(folder)/rnw.XXXXXX".utf8CString)
  let descriptor = mkstemp(&template)
  guard descriptor >= 0 else {
    throw InputError(.cannotCreate, path: path, "a temporary file cannot be made: \(errorText())")
  }
  _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  let name = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
  return (descriptor, name)
}

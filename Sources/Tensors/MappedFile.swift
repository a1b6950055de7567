#if canImport(Glibc)
  package import Glibc
#elseif canImport(Musl)
  package import Musl
#elseif canImport(Darwin)
  package import Darwin
#endif

/// A whole regular file mapped read-only into memory; unmapped when the last user lets go.
///
/// A file that is truncated by someone else while it is mapped ends the program when a lost page is
/// touched: that is the price of not copying, and why outputs are replaced by rename, never in
/// place.
package final class MappedFile: Sendable {
  /// The path by which the file was opened.
  package let path: String

  /// The path by which another process of this user can open the same bytes.
  package let accessPath: String

  /// The number of bytes mapped.
  package let count: Int

  /// Which file it is, whatever it is called: to see that an output is not an input.
  package let identity: FileIdentity

  private let temporary: String?

  // Immutable after `init` and read-only memory, so safe to share.
  nonisolated(unsafe) private let base: UnsafeRawPointer?

  /// Maps a file.
  ///
  /// - Throws: ``InputError`` of kind `unreadable` where there is no such regular file.
  package init(path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw InputError(.unreadable, path: path, errno == ENOENT ? "no such file" : errorText())
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw InputError(.unreadable, path: path, errorText())
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let isDirectory = status.st_mode & S_IFMT == S_IFDIR
      throw InputError(
        .unreadable, path: path, isDirectory ? "is a directory" : "is not a regular file",
        place: "a file was expected")
    }
    self.path = path
    accessPath = path
    count = Int(status.st_size)
    identity = FileIdentity(status)
    temporary = nil
    base = try Self.map(descriptor, count: count, path: path)
  }

  /// Maps bytes that stand in no file of their own, such as an inflated member of an archive.
  ///
  /// They go into a temporary file without a lasting name, so that another process can open them.
  ///
  /// - Parameter path: the file that the bytes come from, for messages.
  package init(temporary bytes: [UInt8], path: String) throws {
    let (descriptor, name) = try makeTemporaryFile(for: path)
    defer { close(descriptor) }
    InterruptedOutput.register(name)
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else {
        unlink(name)
        InterruptedOutput.unregister(name)
        throw InputError(
          .writeFailed, path: path, "a temporary file is not written: \(errorText())")
      }
      written += count
    }
    var status = stat()
    fstat(descriptor, &status)
    self.path = path
    accessPath = name
    temporary = name
    count = bytes.count
    identity = FileIdentity(status)
    base = try Self.map(descriptor, count: count, path: path)
  }

  private static func map(
    _ descriptor: Int32, count: Int, path: String
  ) throws -> UnsafeRawPointer? {
    guard count > 0 else { return nil }
    guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0),
      address != MAP_FAILED
    else {
      throw InputError(.unreadable, path: path, "cannot be mapped: \(errorText())")
    }
    return UnsafeRawPointer(address)
  }

  deinit {
    if let base {
      munmap(UnsafeMutableRawPointer(mutating: base), count)
    }
    if let temporary {
      unlink(temporary)
      InterruptedOutput.unregister(temporary)
    }
  }

  /// Gives the mapped bytes to a closure, which must not let them escape.
  package func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try withExtendedLifetime(self) {
      try body(UnsafeRawBufferPointer(start: base, count: count))
    }
  }

  /// A copy of a range of the file, or `nil` where the range does not lie within it.
  package func bytes(at offset: Int, count: Int) -> [UInt8]? {
    guard offset >= 0, count >= 0, count <= self.count, offset <= self.count - count else {
      return nil
    }
    return withUnsafeBytes { Array($0[offset..<offset + count]) }
  }

  /// Tells the system that the pages of a range are not needed for now; they are read again on
  /// demand.
  package func release(_ range: Range<Int>) {
    guard let base, !range.isEmpty else { return }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let first = (range.lowerBound + page - 1) / page * page
    let last = range.upperBound / page * page
    guard first < last else { return }
    _ = madvise(UnsafeMutableRawPointer(mutating: base + first), last - first, MADV_DONTNEED)
  }
}

/// The device and inode of a file.
package struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let inode: UInt64

  package init(_ status: stat) {
    device = UInt64(truncatingIfNeeded: status.st_dev)
    inode = UInt64(truncatingIfNeeded: status.st_ino)
  }
}

/// The system's text for the current `errno`.
package func errorText(_ code: Int32 = errno) -> String {
  String(cString: strerror(code))
}

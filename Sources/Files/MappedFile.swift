#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A whole regular file as read-only memory: mapped, or copied; let go with the last user.
///
/// A mapped file that someone else cuts short ends the program when a lost page is touched (the command line says so,
/// see ``InterruptedOutput``), and reads as zeros up to the end of its last page: whoever works on mapped bytes asks
/// ``checkUnchanged()`` before the result counts. A copy has neither fault, and its digest is that of the bytes in use;
/// what was released of it is mapped again.
package final class MappedFile: Sendable {
  /// The path by which the file was opened.
  package let path: String

  /// The path by which another process of this user can open the same bytes.
  package let accessPath: String

  /// The number of bytes.
  package let count: Int

  /// What the file was when it was opened.
  private let stamp: FileStamp

  /// The name of a temporary file, which goes with the last user; empty for one that has none any more.
  private let temporary: String?

  // Immutable after `init` and read-only memory, so safe to share.
  nonisolated(unsafe) private let base: UnsafeRawPointer?

  /// The descriptor of a copied file, by which it is mapped where it is released; -1 for a mapped one.
  private let descriptor: Int32

  /// What counts the bytes of a copy.
  private let meter: WorkingMemory.Meter?

  /// Which file it is, whatever it is called: to see that an output is not an input.
  package var identity: FileIdentity { stamp.identity }

  /// Opens a file.
  ///
  /// - Parameter copying: whether the bytes are read into memory of their own rather than mapped; those of a file that
  ///   is not held as a whole (``WorkingMemory``) are mapped all the same.
  /// - Throws: ``InputError`` of kind `unreadable` where there is no such regular file, and `badData` where it changes
  ///   while it is copied.
  package init(path: String, copying: Bool = false) throws(InputError) {
    let (descriptor, status) = try Self.openRegular(path)
    var isKept = false
    defer { if !isKept { close(descriptor) } }
    stamp = FileStamp(status)
    stamp.waitUntilChangesShow()
    self.path = path
    accessPath = path
    count = stamp.count
    temporary = nil
    meter = copying && count <= WorkingMemory.whole ? WorkingMemory.meter : nil
    if copying, count > 0, count <= WorkingMemory.whole {
      base = try Self.copy(descriptor, stamp: stamp, path: path)
      isKept = true
      self.descriptor = descriptor
    } else {
      base = try Self.map(descriptor, count: count, path: path)
      self.descriptor = -1
    }
    meter?.add(count)
    ReadFiles.note(stamp.identity)
    if let base { InterruptedOutput.register(mapping: base, count, of: path) }
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
    do {
      try writeTemporary(bytes, to: descriptor, path: path)
      base = try Self.map(descriptor, count: bytes.count, path: path)
    } catch {
      unlink(name)
      InterruptedOutput.unregister(name)
      throw error
    }
    var status = stat()
    fstat(descriptor, &status)
    self.path = path
    accessPath = name
    temporary = name
    meter = nil
    count = bytes.count
    stamp = FileStamp(status)
    self.descriptor = -1
  }

  /// Maps a temporary file that has no name any more; `nil` where it is larger than expected.
  init?(descriptor: Int32, atMost limit: Int, path: String) throws {
    var status = stat()
    guard fstat(descriptor, &status) == 0, Int(status.st_size) <= limit else { return nil }
    base = try Self.map(descriptor, count: Int(status.st_size), path: path)
    self.path = path
    accessPath = path
    temporary = ""
    meter = nil
    count = Int(status.st_size)
    stamp = FileStamp(status)
    self.descriptor = -1
  }

  deinit {
    meter?.add(-count)
    if descriptor >= 0 { close(descriptor) }
    if let base {
      if temporary == nil { InterruptedOutput.unregister(mapping: base) }
      munmap(UnsafeMutableRawPointer(mutating: base), count)
    }
    if let temporary, !temporary.isEmpty {
      unlink(temporary)
      InterruptedOutput.unregister(temporary)
    }
  }

  // MARK: - Opening

  /// Opens a regular file without ever waiting for somebody who would write it, as a FIFO does.
  private static func openRegular(
    _ path: String
  ) throws(InputError) -> (descriptor: Int32, status: stat) {
    var descriptor: Int32
    repeat {
      descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    } while descriptor < 0 && errno == EINTR
    guard descriptor >= 0 else {
      guard errno == ENOENT else { throw InputError(.unreadable, path: path, errorText()) }
      throw InputError(.unreadable, path: path, "no such file", reason: .missing)
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let reason = errorText()
      close(descriptor)
      throw InputError(.unreadable, path: path, reason)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      let isDirectory = status.st_mode & S_IFMT == S_IFDIR
      throw InputError(
        .unreadable, path: path, isDirectory ? "is a directory" : "is not a regular file",
        place: "a file was expected")
    }
    return (descriptor, status)
  }

  private static func map(
    _ descriptor: Int32, count: Int, path: String
  ) throws(InputError) -> UnsafeRawPointer? {
    guard count > 0 else { return nil }
    guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0),
      address != MAP_FAILED
    else {
      throw InputError(.unreadable, path: path, "cannot be mapped: \(errorText())")
    }
    return UnsafeRawPointer(address)
  }

  private static func copy(
    _ descriptor: Int32, stamp: FileStamp, path: String
  ) throws(InputError) -> UnsafeRawPointer {
    let count = stamp.count
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    guard let start = mmap(nil, count, PROT_READ | PROT_WRITE, flags, -1, 0), start != MAP_FAILED
    else { throw InputError.noMemory(for: count, path: path) }
    #if os(Linux)
      madvise(start, count, MADV_HUGEPAGE)
    #endif
    do throws(InputError) {
      try read(descriptor, count: count, to: start, path: path)
      var after = stat()
      guard fstat(descriptor, &after) == 0, FileStamp(after) == stamp else { throw changed(path) }
    } catch {
      munmap(start, count)
      throw error
    }
    mprotect(start, count, PROT_READ)
    return UnsafeRawPointer(start)
  }

  private static func read(
    _ descriptor: Int32, count: Int, to start: UnsafeMutableRawPointer, path: String
  ) throws(InputError) {
    var done = 0
    while done < count {
      let read = pread(descriptor, start + done, min(count - done, 1 << 30), off_t(done))
      if read < 0, errno == EINTR { continue }
      guard read > 0 else {
        throw read == 0
          ? changed(path) : InputError(.unreadable, path: path, "cannot be read: \(errorText())")
      }
      done += read
    }
  }

  // MARK: - Use

  /// Whether the bytes are a copy in memory.
  package var isCopied: Bool { descriptor >= 0 }

  /// Makes sure that the path still names the file that was opened, as it was then.
  ///
  /// - Throws: ``InputError`` of kind `badData`: what was read may be neither the old file nor the new one.
  package func checkUnchanged() throws(InputError) {
    guard temporary == nil else { return }
    guard FileStamp(path: path) == stamp else { throw Self.changed(path) }
  }

  /// What is wrong with a file that is not what it was any more.
  package static func changed(_ path: String) -> InputError {
    InputError(
      .badData, path: path, "changed while it was read",
      place: "a file that nobody writes was expected", reason: .changed)
  }

  /// Gives the bytes to a closure, which must not let them escape.
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
    let start = UnsafeMutableRawPointer(mutating: base + first)
    if isCopied {
      // The file takes the place of its copy; where that fails the copy stays.
      let flags = MAP_PRIVATE | MAP_FIXED
      _ = mmap(start, last - first, PROT_READ, flags, descriptor, off_t(first))
    } else {
      _ = madvise(start, last - first, MADV_DONTNEED)
    }
  }
}

/// The system's text for the current `errno`.
package func errorText(_ code: Int32 = errno) -> String {
  String(cString: strerror(code))
}

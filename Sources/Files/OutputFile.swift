import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file that appears whole or not at all.
///
/// Everything is written to a temporary file in the target's folder; ``commit()`` makes it durable
/// and renames it into place. If that is never reached, the temporary file is removed and what was
/// there before is untouched.
package final class OutputFile: Sendable {
  /// The path that the file will have.
  package let path: String

  /// The path that it has until it is committed; other processes may write it there.
  package let temporaryPath: String

  let isReplacing: Bool
  let inputs: [FileIdentity]
  let calls: SystemCalls
  private let state: Mutex<State>

  private struct State {
    var descriptor: Int32
    var isCommitted = false
  }

  /// Starts a file.
  ///
  /// - Parameters:
  ///   - replacing: whether a regular file of that name may be replaced.
  ///   - inputs: the files that are read: none of them is ever replaced, nor is any of ``ReadFiles``.
  /// - Throws: ``InputError`` of kind `cannotCreate`.
  package init(
    path: String, replacing: Bool, inputs: [FileIdentity] = [], calls: SystemCalls = .system
  ) throws {
    try Self.checkTarget(path, replacing: replacing, inputs: inputs)
    let (folder, name) = Self.split(path)
    var generator = SystemRandomNumberGenerator()
    let suffix = String(generator.next() as UInt64, radix: 36)
    temporaryPath = "\(folder)/.\(name).\(suffix).tmp"
    let descriptor = calls.open(temporaryPath, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw InputError(.cannotCreate, path: path, "cannot be created: \(errorText())")
    }
    self.path = path
    isReplacing = replacing
    self.inputs = inputs
    self.calls = calls
    state = Mutex(State(descriptor: descriptor))
    InterruptedOutput.register(temporaryPath)
  }

  deinit {
    state.withLock { state in
      if state.descriptor >= 0 { _ = calls.close(state.descriptor) }
      if !state.isCommitted { _ = calls.unlink(temporaryPath) }
    }
    InterruptedOutput.unregister(temporaryPath)
  }

  /// Reserves space, so that a full disk is noticed before anything is written.
  package func reserve(_ count: Int) throws {
    guard count > 0 else { return }
    let code = state.withLock { calls.reserve($0.descriptor, count) }
    // A file system that cannot reserve is no reason not to write.
    if code != 0, code != EOPNOTSUPP, code != EINVAL {
      throw InputError(.writeFailed, path: path, "cannot be written: \(errorText(code))")
    }
  }

  /// Writes all bytes at an offset.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    let descriptor = state.withLock(\.descriptor)
    var written = 0
    while written < bytes.count {
      guard let start = bytes.baseAddress else { return }
      let count = calls.write(descriptor, start + written, bytes.count - written, offset + written)
      if count > 0 {
        written += count
      } else if count == 0 || errno != EINTR {
        let reason = count == 0 ? "nothing more is accepted" : errorText()
        throw InputError(.writeFailed, path: path, "cannot be written: \(reason)")
      }
    }
  }

  /// Writes all bytes at an offset.
  package func write(_ bytes: [UInt8], at offset: Int) throws {
    try bytes.withUnsafeBytes { try write($0, at: offset) }
  }

  /// Waits until the content is on the disk.
  ///
  /// An error here is final: the system may have dropped the data.
  package func synchronize() throws {
    guard state.withLock({ calls.sync($0.descriptor) }) == 0 else {
      throw InputError(.writeFailed, path: path, "cannot be made durable: \(errorText())")
    }
  }

  /// Makes the file durable and puts it into its place.
  ///
  /// - Throws: ``InputError`` of kind `writeFailed`; the old file, if there was one, is then still there.
  package func commit() throws {
    try synchronize()
    try state.withLock { state in
      let descriptor = state.descriptor
      state.descriptor = -1
      guard calls.close(descriptor) == 0 else {
        throw InputError(.writeFailed, path: path, "cannot be closed: \(errorText())")
      }
      guard try takeName() else {
        throw InputError(.writeFailed, path: path, "cannot be put into place: \(errorText())")
      }
      state.isCommitted = true
    }
    try synchronizeFolder()
  }

  /// Gives the file its name; `false` with `errno` where that fails.
  ///
  /// Of several programs that make one new file a single one succeeds.
  private func takeName() throws -> Bool {
    guard !isReplacing else {
      // What stands there may have come after this file was begun.
      try Self.checkTarget(path, replacing: true, inputs: inputs)
      return calls.rename(temporaryPath, path) == 0
    }
    if calls.renameNew(temporaryPath, path) == 0 { return true }
    if [ENOSYS, EINVAL, ENOTSUP, EOPNOTSUPP].contains(errno) {
      if calls.link(temporaryPath, path) == 0 {
        _ = calls.unlink(temporaryPath)
        return true
      }
      if [EPERM, ENOSYS, ENOTSUP, EOPNOTSUPP, EMLINK].contains(errno) { return try claimName() }
    }
    if errno == EEXIST { throw Self.appeared(path) }
    return false
  }

  /// For file systems that can neither: an empty file claims the name, and is replaced.
  private func claimName() throws -> Bool {
    let claim = calls.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard claim >= 0 else {
      if errno == EEXIST { throw Self.appeared(path) }
      return false
    }
    _ = calls.close(claim)
    if calls.rename(temporaryPath, path) == 0 { return true }
    let reason = errno
    _ = calls.unlink(path)
    errno = reason
    return false
  }

  private static func appeared(_ path: String) -> InputError {
    InputError(
      .cannotCreate, path: path, "exists already",
      place: "it appeared while this one was made, and is not replaced")
  }

  /// Whether it has its name.
  var isCommitted: Bool { state.withLock(\.isCommitted) }

  /// Makes the folder's names durable.
  func synchronizeFolder() throws {
    let (folder, _) = Self.split(path)
    let descriptor = calls.open(folder, O_RDONLY | O_CLOEXEC, 0)
    let isDurable = descriptor >= 0 && calls.sync(descriptor) == 0
    let reason = errorText()
    if descriptor >= 0 { _ = calls.close(descriptor) }
    guard isDurable else {
      throw InputError(
        .writeFailed, path: path, "is written, but its folder cannot be made durable: \(reason)")
    }
  }

  /// Makes sure that a path names nothing, or what may be replaced.
  static func checkTarget(_ path: String, replacing: Bool, inputs: [FileIdentity]) throws {
    guard !path.isEmpty else {
      throw InputError(
        .cannotCreate, path: path, "an output has no name", place: "a file name was expected")
    }
    guard path != "-" else {
      throw InputError(
        .cannotCreate, path: path, "is no file: standard output is not written to",
        place: "a file name was expected", hint: "./- is a file of this name")
    }
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { return }
      throw InputError(.cannotCreate, path: path, "cannot be created: \(errorText())")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let isLink = status.st_mode & S_IFMT == S_IFLNK
      throw InputError(
        .cannotCreate, path: path,
        "is \(isLink ? "a symbolic link" : "not a regular file") and is not replaced",
        place: "nothing or a regular file was expected")
    }
    let identity = FileIdentity(status)
    guard !inputs.contains(identity), !ReadFiles.has(identity) else {
      throw InputError(.cannotCreate, path: path, "is an input and is not replaced")
    }
    guard replacing else {
      throw InputError(
        .cannotCreate, path: path, "exists already", hint: "--overwrite replaces it")
    }
  }

  private static func split(_ path: String) -> (folder: String, name: String) {
    let (folder, name) = path.folderAndName
    return (folder.isEmpty ? "." : folder == "/" ? folder : String(folder.dropLast()), name)
  }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension OutputFile {
  /// Starts a file that belongs to this one and stands beside it, by the same rules.
  ///
  /// - Parameter ending: what its name has beyond this one's.
  /// - Throws: ``InputError`` of kind `cannotCreate`.
  package func beside(_ ending: String) throws -> OutputFile {
    try OutputFile(path: path + ending, replacing: isReplacing, inputs: inputs, calls: calls)
  }

  /// Makes two files durable and puts both into their places.
  ///
  /// Two names cannot change in one step. So this one, which names the other, is the last to come and, where an older one is
  /// replaced, the first to go: whoever opens it at any moment finds what it names, or nothing. What is replaced stands
  /// aside until both are there, is brought back where a call fails, and is beside them under a name that begins with a
  /// dot where the process is killed in between.
  ///
  /// - Throws: ``InputError``; the old files, if there were any, are then still there, or both new ones are.
  package func commit(with part: OutputFile) throws {
    try part.synchronize()
    try synchronize()
    var aside: [(path: String, place: String)] = []
    defer {
      if isCommitted { for file in aside { _ = calls.unlink(file.place) } }
    }
    do {
      for file in [self, part] {
        if let place = try file.moveOldAside() { aside.append((file.path, place)) }
      }
      if !aside.isEmpty { try synchronizeFolder() }
      try part.commit()
      try commit()
    } catch {
      if !isCommitted {
        if part.isCommitted { _ = calls.unlink(part.path) }
        for file in aside.reversed() { _ = calls.rename(file.place, file.path) }
      }
      throw error
    }
  }

  /// Takes the name from the file that is replaced; returns the name that it has then, `nil` where there is none.
  private func moveOldAside() throws -> String? {
    var status = stat()
    guard isReplacing, lstat(path, &status) == 0 else { return nil }
    try Self.checkTarget(path, replacing: true, inputs: inputs)
    let place = temporaryPath + ".old"
    guard calls.rename(path, place) == 0 else {
      throw InputError(.writeFailed, path: path, "cannot be replaced: \(errorText())")
    }
    return place
  }
}

import Synchronization

/// The files that this program has opened to read: none of them is ever replaced by an output, whatever it was read for.
///
/// A library knows what it reads from for as long as it is open; a program is asked for outputs once, and an option that
/// names a file to read need not say so anywhere else. So only the command line remembers.
package enum ReadFiles {
  private static let identities = Mutex<Set<FileIdentity>?>(nil)

  /// From now on, every file that is opened is remembered.
  package static func remember() {
    identities.withLock { $0 = $0 ?? [] }
  }

  /// From now on, none is: for whoever writes its own records anew, and reads more files than need be known.
  package static func forget() {
    identities.withLock { $0 = nil }
  }

  /// Notes that a file was opened.
  static func note(_ file: FileIdentity) {
    _ = identities.withLock { $0?.insert(file) }
  }

  /// Whether a file was read.
  static func has(_ file: FileIdentity) -> Bool {
    identities.withLock { $0?.contains(file) ?? false }
  }
}

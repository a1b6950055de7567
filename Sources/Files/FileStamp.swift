#if canImport(Glibc)
  package import Glibc
#elseif canImport(Musl)
  package import Musl
#elseif canImport(Darwin)
  package import Darwin
#endif

/// The device and inode of a file.
package struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let inode: UInt64

  package init(_ status: stat) {
    device = UInt64(truncatingIfNeeded: status.st_dev)
    inode = UInt64(truncatingIfNeeded: status.st_ino)
  }

  fileprivate init(device: UInt64, inode: UInt64) {
    (self.device, self.inode) = (device, inode)
  }

  fileprivate var word: String { "\(device).\(inode)" }
}

/// What shows that a file is still the one that was opened: which it is, its size, and when its content and its record
/// were last changed.
///
/// The time of a change of the record cannot be set back by whoever writes a file.
package struct FileStamp: Hashable, Sendable {
  /// Which file it is.
  package let identity: FileIdentity

  /// The number of bytes.
  package let count: Int

  private let modified: Time
  private let changed: Time

  private struct Time: Hashable, Sendable {
    let seconds: Int
    let nanoseconds: Int

    init(_ time: timespec) {
      (seconds, nanoseconds) = (Int(time.tv_sec), Int(time.tv_nsec))
    }

    init(seconds: Int, nanoseconds: Int) {
      (self.seconds, self.nanoseconds) = (seconds, nanoseconds)
    }
  }

  package init(_ status: stat) {
    identity = FileIdentity(status)
    count = Int(status.st_size)
    #if canImport(Darwin)
      modified = Time(status.st_mtimespec)
      changed = Time(status.st_ctimespec)
    #else
      modified = Time(status.st_mtim)
      changed = Time(status.st_ctim)
    #endif
  }

  /// The stamp as a word, by which another run of the program can tell whether a file is still the same.
  package var word: String {
    let times = [modified.seconds, modified.nanoseconds, changed.seconds, changed.nanoseconds]
    return ([identity.word] + ([count] + times).map(String.init)).joined(separator: ".")
  }

  /// The stamp of a word; `nil` where it is none.
  package init?(word: String) {
    let parts = word.split(separator: ".", omittingEmptySubsequences: false)
    let numbers = parts.dropFirst(2).compactMap { Int($0) }
    guard parts.count == 7, numbers.count == 5, let device = UInt64(parts[0]),
      let inode = UInt64(parts[1])
    else { return nil }
    identity = FileIdentity(device: device, inode: inode)
    count = numbers[0]
    modified = Time(seconds: numbers[1], nanoseconds: numbers[2])
    changed = Time(seconds: numbers[3], nanoseconds: numbers[4])
  }

  /// Whether a later change is sure to have a later time: the clock that files are stamped by may stand still for a
  /// hundredth of a second.
  package var showsChanges: Bool { youth == nil }

  /// How many seconds ago the file was changed; 0 where that is not known.
  package var age: Int {
    var now = timespec()
    guard clock_gettime(CLOCK_REALTIME, &now) == 0 else { return 0 }
    return Int(now.tv_sec).subtractingReportingOverflow(changed.seconds).partialValue
  }

  /// What a path names now; `nil` where that is nothing.
  package init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  /// Whether a path names a folder.
  package static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Whether two paths name one file or folder.
  package static func isSame(_ path: String, _ other: String) -> Bool {
    FileStamp(path: path).map { $0.identity == FileStamp(path: other)?.identity } ?? false
  }

  /// Whether a path names a symbolic link.
  package static func isLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  /// Whether a path names something that is in a folder itself, whatever links lead there.
  package static func isWithin(_ path: String, folder: String) -> Bool {
    guard let file = realpath(path, nil) else { return false }
    defer { free(file) }
    guard let place = realpath(folder, nil) else { return false }
    defer { free(place) }
    let prefix = String(cString: place)
    return String(cString: file).hasPrefix(prefix == "/" ? prefix : prefix + "/")
  }

  /// Waits until a later change is sure to have a later time.
  ///
  /// A file that was written just now could be written again without a trace.
  func waitUntilChangesShow() {
    guard let youth else { return }
    var wait = timespec(tv_sec: 0, tv_nsec: Self.tick - youth)
    while case var rest = timespec(), nanosleep(&wait, &rest) != 0, errno == EINTR { wait = rest }
  }

  private static let tick = 20_000_000

  /// How many nanoseconds ago the file was changed, where that is less than a tick.
  private var youth: Int? {
    var now = timespec()
    guard clock_gettime(CLOCK_REALTIME, &now) == 0 else { return nil }
    let (seconds, overflow) = Int(now.tv_sec).subtractingReportingOverflow(changed.seconds)
    guard !overflow, (0...1).contains(seconds) else { return nil }
    let age = seconds * 1_000_000_000 + Int(now.tv_nsec) - changed.nanoseconds
    return (0..<Self.tick).contains(age) ? age : nil
  }
}

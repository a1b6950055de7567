import Files
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("Files that are read")
struct ReadFileTests {
  @Test("A FIFO that nobody writes is refused at once", .timeLimit(.minutes(30)))
  func fifo() throws {
    let folder = try TemporaryFolder()
    #expect(mkfifo(folder.file("fifo"), 0o600) == 0)
    let error = #expect(throws: InputError.self) { try MappedFile(path: folder.file("fifo")) }
    #expect(error?.kind == .unreadable)
    #expect(error?.problem == "is not a regular file")
  }

  @Test("A copy keeps its bytes whatever becomes of the file", arguments: [0, 1, 70_000])
  func copy(_ count: Int) throws {
    let folder = try TemporaryFolder()
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let path = try folder.write(bytes, to: "x")
    let file = try MappedFile(path: path, copying: true)
    truncate(path, 0)
    #expect(file.withUnsafeBytes { Array($0) } == bytes)
    #expect(file.isCopied == (count > 0))
  }

  @Test(
    "A file that changes after it was opened is noticed",
    arguments: [false, true], Change.allCases)
  func changed(_ copying: Bool, _ change: Change) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([UInt8](repeating: 1, count: 10_000), to: "x")
    let file = try MappedFile(path: path, copying: copying)
    try file.checkUnchanged()
    try change.make(path, in: folder)
    let error = #expect(throws: InputError.self) { try file.checkUnchanged() }
    #expect(error?.kind == .badData)
    #expect(error?.problem == "changed while it was read")
  }

  /// A way in which a file becomes another one.
  enum Change: CaseIterable {
    case shorter
    case longer
    case otherBytes
    case otherBytesAndTheOldTime
    case shorterAndBack
    case replaced
    case gone

    func make(_ path: String, in folder: TemporaryFolder) throws {
      switch self {
      case .shorter: truncate(path, 9_000)
      case .longer: truncate(path, 11_000)
      case .otherBytes: overwrite(path)
      case .otherBytesAndTheOldTime:
        var status = stat()
        stat(path, &status)
        overwrite(path)
        #if canImport(Darwin)
          let times = [status.st_atimespec, status.st_mtimespec]
        #else
          let times = [status.st_atim, status.st_mtim]
        #endif
        utimensat(AT_FDCWD, path, times, 0)
      case .shorterAndBack:
        truncate(path, 0)
        truncate(path, 10_000)
      case .replaced:
        rename(try folder.write([UInt8](repeating: 1, count: 10_000), to: "y"), path)
      case .gone: unlink(path)
      }
    }

    private func overwrite(_ path: String) {
      let descriptor = open(path, O_WRONLY)
      pwrite(descriptor, [2, 2, 2], 3, 5_000)
      close(descriptor)
    }
  }
}

import FoundationEssentials
import Synchronization
import TestSupport
import Testing
import Threads

@testable import Files

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("Output file")
struct OutputFileTests {
  @Test("A committed file has all its bytes and leaves nothing else behind")
  func commits() throws {
    let folder = try TemporaryFolder()
    try Self.write("new", to: folder.file("out"), calls: .system)
    #expect(try Self.content(folder) == ["out": "new"])
  }

  @Test("A file that is not committed was never there")
  func abandons() throws {
    let folder = try TemporaryFolder()
    do {
      let output = try OutputFile(path: folder.file("out"), replacing: false)
      try output.write([1, 2, 3], at: 0)
    }
    #expect(try Self.content(folder).isEmpty)
  }

  @Test("Whichever call fails, the old file or the new one is there, whole", arguments: Failure.all)
  func failures(_ failure: Failure) throws {
    var failed = 0
    for nth in 1...12 {
      let folder = try TemporaryFolder()
      _ = try folder.write(Array("old".utf8), to: "out")
      let calls = failure.calls(failing: nth)
      let error = try? Self.failure { try Self.write("new", to: folder.file("out"), calls: calls) }
      let content = try Self.content(folder)
      if let error {
        failed += 1
        #expect(error.kind == .writeFailed || error.kind == .cannotCreate)
        #expect(content == ["out": "old"] || content == ["out": "new"])
        if failure.isBeforeRename { #expect(content == ["out": "old"]) }
      } else {
        #expect(content == ["out": "new"])
      }
    }
    #expect(failed > 0 || failure.isHarmless)
  }

  @Test("Only nothing or a regular file is replaced, and never an input")
  func refusals() throws {
    let folder = try TemporaryFolder()
    let input = try folder.write([1], to: "input")
    let identity = try MappedFile(path: input).identity
    func problem(_ path: String, replacing: Bool = true) -> String? {
      (try? Self.failure {
        _ = try OutputFile(path: path, replacing: replacing, inputs: [identity])
      })?.problem
    }
    #expect(problem(input) == "is an input and is not replaced")
    #expect(problem("/dev/null") == "is not a regular file and is not replaced")
    #expect(problem(folder.path) == "is not a regular file and is not replaced")
    symlink(input, folder.file("link"))
    #expect(problem(folder.file("link")) == "is a symbolic link and is not replaced")
    _ = try folder.write([2], to: "other")
    #expect(problem(folder.file("other"), replacing: false) == "exists already")
    #expect(problem(folder.file("none/out"))?.hasPrefix("cannot be created") == true)
    #expect(problem(folder.file("other")) == nil)
  }

  @Test(
    "A file that appears meanwhile is not replaced, whatever the file system can do",
    arguments: Naming.allCases)
  func appears(_ naming: Naming) throws {
    let folder = try TemporaryFolder()
    let path = folder.file("out")
    let output = try OutputFile(path: path, replacing: false, calls: naming.calls)
    try output.write(Array("mine".utf8), at: 0)
    _ = try folder.write(Array("theirs".utf8), to: "out")
    let error = try Self.failure { try output.commit() }
    #expect(error?.kind == .cannotCreate && error?.problem == "exists already")
    #expect(try Self.content(folder)["out"] == "theirs")
  }

  @Test("Of many programs that make one new file a single one does", arguments: Naming.allCases)
  func single(_ naming: Naming) throws {
    let folder = try TemporaryFolder()
    let outputs = try (0..<16).map { index in
      let output = try OutputFile(path: folder.file("out"), replacing: false, calls: naming.calls)
      try output.write(Array("\(index)".utf8), at: 0)
      return output
    }
    let results = try concurrentMap(outputs, threads: 8) { output in
      try Self.failure { try output.commit() }?.kind
    }
    #expect(results.count { $0 == nil } == 1)
    #expect(results.allSatisfy { $0 == nil || $0 == .cannotCreate })
    let winner = results.firstIndex { $0 == nil }
    withExtendedLifetime(outputs) {}
    #expect(try Self.content(folder)["out"] == winner.map(String.init))
  }

  /// How a file system gives a file a name that nothing has.
  enum Naming: CaseIterable {
    case rename
    case link
    case claim

    var calls: SystemCalls {
      var calls = SystemCalls.system
      let cannot: @Sendable (String, String) -> Int32 = { _, _ in
        errno = EINVAL
        return -1
      }
      if self != .rename { calls.renameNew = cannot }
      if self == .claim {
        calls.link = { _, _ in
          errno = EPERM
          return -1
        }
      }
      return calls
    }
  }

  @Test("What appears meanwhile is replaced only where it is a regular file and no input")
  func appearsWhileReplacing() throws {
    let folder = try TemporaryFolder()
    let input = try folder.write([1], to: "input")
    let identity = try MappedFile(path: input).identity
    let path = folder.file("out")
    let output = try OutputFile(path: path, replacing: true, inputs: [identity])
    link(input, path)
    #expect(try Self.failure { try output.commit() }?.problem == "is an input and is not replaced")
    #expect(try Self.content(folder)["out"] == "\u{1}")
  }

  /// A way in which the system can fail.
  struct Failure: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let isBeforeRename: Bool
    var isHarmless = false
    let calls: @Sendable (Int) -> SystemCalls

    func calls(failing nth: Int) -> SystemCalls { calls(nth) }

    /// The system's calls, of which the nth to write fails.
    private static func failingWrite(_ nth: Int, _ code: Int32) -> SystemCalls {
      let counter = Counter()
      var calls = SystemCalls.system
      calls.write = { descriptor, bytes, count, offset in
        guard counter.next() == nth else {
          return SystemCalls.system.write(descriptor, bytes, count, offset)
        }
        errno = code
        return -1
      }
      return calls
    }

    static let all: [Failure] = [
      Failure(testDescription: "disk full on write", isBeforeRename: true) { nth in
        failingWrite(nth, ENOSPC)
      },
      Failure(testDescription: "nothing accepted", isBeforeRename: true) { nth in
        let counter = Counter()
        var calls = SystemCalls.system
        calls.write = { descriptor, bytes, count, offset in
          counter.next() == nth ? 0 : SystemCalls.system.write(descriptor, bytes, count, offset)
        }
        return calls
      },
      Failure(testDescription: "interrupted", isBeforeRename: true, isHarmless: true) { nth in
        failingWrite(nth, EINTR)
      },
      Failure(testDescription: "one byte at a time", isBeforeRename: true, isHarmless: true) { _ in
        var calls = SystemCalls.system
        calls.write = { SystemCalls.system.write($0, $1, min($2, 1), $3) }
        return calls
      },
      Failure(testDescription: "no space to reserve", isBeforeRename: true) { nth in
        var calls = SystemCalls.system
        if nth == 1 { calls.reserve = { _, _ in ENOSPC } }
        return calls
      },
      Failure(testDescription: "sync fails", isBeforeRename: false) { nth in
        let counter = Counter()
        var calls = SystemCalls.system
        calls.sync = { descriptor in
          guard counter.next() == nth else { return SystemCalls.system.sync(descriptor) }
          errno = EIO
          return -1
        }
        return calls
      },
      Failure(testDescription: "rename fails", isBeforeRename: true) { nth in
        var calls = SystemCalls.system
        if nth == 1 {
          calls.rename = { _, _ in
            errno = EIO
            return -1
          }
        }
        return calls
      },
    ]
  }

  private static func write(_ text: String, to path: String, calls: SystemCalls) throws {
    let output = try OutputFile(path: path, replacing: true, calls: calls)
    try output.reserve(text.utf8.count)
    for (offset, byte) in text.utf8.enumerated() { try output.write([byte], at: offset) }
    try output.commit()
  }

  private static func failure(_ body: () throws -> Void) throws -> InputError? {
    do {
      try body()
      return nil
    } catch let error as InputError {
      return error
    }
  }

  private static func content(_ folder: TemporaryFolder) throws -> [String: String] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    return try Dictionary(
      uniqueKeysWithValues: names.map { name in
        let data = try Data(contentsOf: URL(filePath: folder.file(name)))
        return (name, String(decoding: data, as: UTF8.self))
      })
  }
}

/// Counts calls.
private final class Counter: Sendable {
  private let value = Mutex(0)

  func next() -> Int {
    value.withLock { value in
      value += 1
      return value
    }
  }
}

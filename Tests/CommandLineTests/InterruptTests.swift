import FoundationEssentials
import Subprocess
import TestSupport
import Testing

#if canImport(System)
  import System
#else
  import SystemPackage
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("Interruption and progress")
struct InterruptTests {
  static let narrow = Fixture.path("keras/narrow.h5")

  /// Becomes the program, which then takes no time from other tests.
  private static let nice = Executable.path("/usr/bin/nice")

  /// A conversion that would take minutes, however long the test has to wait for its turn.
  private func longConversion(to path: String) -> Arguments {
    ["-n", "19", Program.path, "convert", Self.narrow, "-o", path, "--input", "probe:1:4096"]
  }

  @Test(
    "An interrupted conversion ends at once, leaves no file, and says so by its status",
    arguments: [SIGINT, SIGTERM, SIGHUP])
  func leavesNothing(_ number: Int32) async throws {
    let folder = try TemporaryFolder()
    let result = try await Subprocess.run(
      Self.nice, arguments: longConversion(to: folder.file("x.rnw")),
      input: .none, output: .string(limit: 1 << 16), error: .string(limit: 1 << 16)
    ) { execution in
      // The temporary file shows that the conversion is under way.
      while try folder.names().isEmpty { try await Task.sleep(for: .milliseconds(5)) }
      try execution.send(signal: Signal(rawValue: number))
    }
    #expect(result.terminationStatus == .exited(128 + number))
    #expect(try folder.names().isEmpty)
    #expect(result.standardOutput == "" && result.standardError == "")
  }

  #if os(Linux)
    /// A container may have no terminals to give.
    static let hasTerminals = access("/dev/ptmx", R_OK | W_OK) == 0 && access("/dev/pts", X_OK) == 0

    @Test(
      "On a terminal long work shows how far it is and what is left, and takes its line away",
      .enabled(if: hasTerminals))
    func showsProgress() async throws {
      let folder = try TemporaryFolder()
      let terminal = try Terminal()
      let result = try await Subprocess.run(
        Self.nice, arguments: longConversion(to: folder.file("x.rnw")),
        input: .none, output: .discarded,
        error: .fileDescriptor(terminal.program, closeAfterSpawningProcess: true)
      ) { execution in
        while !terminal.text.contains(" left") { try await Task.sleep(for: .milliseconds(20)) }
        try execution.send(signal: .interrupt)
      }
      #expect(result.terminationStatus == .exited(130))
      let text = terminal.text
      #expect(text.contains("\rcomparing ─"))
      #expect(text.contains(#/ \d+/\d+, \d+ (s|min|h) left/#))
      #expect(text.hasSuffix("\r\u{1B}[K"))
    }
  #endif
}

extension TemporaryFolder {
  fileprivate func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path)
  }
}

#if os(Linux)
  /// A terminal for a program to write to.
  private final class Terminal: Sendable {
    /// The end that the program writes to.
    let program: FileDescriptor
    private let own: Int32
    private let collected = Collected()

    /// What was read so far.
    private final class Collected: @unchecked Sendable {
      // Only ever touched by the test's one task at a time.
      var bytes: [UInt8] = []
    }

    init() throws {
      own = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
      var isLocked: Int32 = 0
      var number: Int32 = 0
      guard own >= 0, ioctl(own, UInt(0x4004_5431), &isLocked) == 0,
        ioctl(own, UInt(0x8004_5430), &number) == 0
      else { throw NoTerminal() }
      program = try FileDescriptor.open(FilePath("/dev/pts/\(number)"), .readWrite)
      _ = fcntl(own, F_SETFL, O_NONBLOCK)
    }

    deinit { close(own) }

    /// All that the program has written.
    var text: String {
      var buffer = [UInt8](repeating: 0, count: 4096)
      while case let count = read(own, &buffer, buffer.count), count > 0 {
        collected.bytes += buffer[..<count]
      }
      return String(decoding: collected.bytes, as: UTF8.self)
    }

    private struct NoTerminal: Error {}
  }
#endif

import FoundationEssentials
import Subprocess
import TestSupport
import Testing

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// The status is what was found, whoever reads.
@Suite("Outputs that nobody reads, and outputs that are full", .serialized)
struct OutputTests {
  /// A call and its status; `MODEL` and `OUT` stand for a small network and a file to make.
  struct Call: Sendable, CustomTestStringConvertible {
    let status: Int32
    let arguments: [String]

    init(_ status: Int32, _ arguments: String...) {
      self.status = status
      self.arguments = arguments
    }

    var testDescription: String { arguments.joined(separator: " ") }

    func arguments(in folder: borrowing TemporaryFolder) -> [String] {
      let (model, output) = (folder.file("model.rnw"), folder.file("out"))
      return arguments.map {
        $0.replacing("MODEL", with: model).replacing("OUT", with: output)
      }
    }
  }

  static let narrow = Fixture.path("keras/narrow.h5")
  static let swapped = Fixture.path("keras/broken/swapped.h5")

  /// Every command, where it is right and where it is not, in text and JSON.
  static let calls = [
    Call(1, "verify", swapped, "--against", narrow),
    Call(1, "verify", swapped, "--against", narrow, "--json"),
    Call(0, "verify", narrow, "--against", narrow, "--json"),
    Call(0, "verify", "MODEL"), Call(0, "verify", "MODEL", "--json"),
    Call(1, "convert", narrow, "-o", "OUT.rnw", "--limit", "1e-9"),
    Call(1, "convert", narrow, "-o", "OUT.rnw", "--limit", "1e-9", "--json"),
    Call(0, "convert", narrow, "-o", "OUT.rnw"), Call(0, "convert", narrow, "--dry-run"),
    Call(1, "diff", swapped, narrow), Call(1, "diff", swapped, narrow, "--json"),
    Call(0, "diff", narrow, narrow), Call(0, "inspect", narrow),
    Call(0, "inspect", narrow, "--json"), Call(0, "summary", "resnet50_v2"),
    Call(0, "summary", "resnet50_v2", "--format", "svg"), Call(0, "run", "MODEL"),
    Call(0, "run", "MODEL", "--json"), Call(0, "bench", "MODEL", "--load"),
    Call(0, "bench", "MODEL", "--size", "32", "--check"), Call(0, "--help"), Call(0, "--version"),
    Call(0, "convert", "--help"),
  ]

  /// Outputs that take nothing; each is tried with a third of the calls.
  static let redirections = [">/dev/full", ">&-", ">&- <&-"]

  /// What says nothing on standard output.
  static let silentCalls = [
    Call(0, "init", "--blocks", "1,1", "--classes", "3", "-o", "OUT.npz"),
    Call(0, "export", "MODEL", "-o", "OUT.safetensors"), Call(64, "bogus"),
    Call(64, "verify", narrow, "--limit", "1"), Call(65, "verify", narrow),
    Call(66, "inspect", "/nowhere.h5"), Call(73, "convert", narrow, "-o", "/dev/null"),
  ]

  @Test(
    "A reader that goes away ends the printing, not the truth", .timeLimit(.minutes(30)),
    arguments: calls + silentCalls)
  func closedPipe(_ call: Call) async throws {
    let folder = try await Self.folder()
    let (output, error) = (try Self.pipeWithoutReader(), try Self.pipeWithoutReader())
    let result = try await Subprocess.run(
      .path(FilePath(Program.path)), arguments: Arguments(call.arguments(in: folder)),
      output: .fileDescriptor(output, closeAfterSpawningProcess: true),
      error: .fileDescriptor(error, closeAfterSpawningProcess: true))
    #expect(result.terminationStatus == .exited(call.status))
  }

  @Test(
    "What cannot be printed is an error, where there is no worse one to tell",
    .timeLimit(.minutes(30)), arguments: zip(calls, (0..<calls.count).map { redirections[$0 % 3] }))
  func fullDevice(_ call: Call, _ redirection: String) async throws {
    #if os(Linux)
      let folder = try await Self.folder()
      let result = try await Subprocess.run(
        .path("/bin/sh"),
        arguments: Arguments(
          ["-c", "exec \"$0\" \"$@\" \(redirection)", Program.path] + call.arguments(in: folder)),
        output: .discarded, error: .string(limit: 1 << 16))
      #expect(result.terminationStatus == .exited(call.status == 0 ? 74 : call.status))
      #expect(result.standardError.contains("rnw: standard output: cannot be written: "))
      // No file became standard output.
      let model = folder.file("out.rnw")
      if call.status == 0, FileManager.default.fileExists(atPath: model) {
        #expect(try await Program.run(["verify", model]).status == 0)
      }
    #endif
  }

  /// A folder with a small network.
  private static func folder() async throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try await model.value.write(to: URL(filePath: folder.file("model.rnw")))
    return folder
  }

  /// The small network's file, made once.
  private static let model = Task {
    let folder = try TemporaryFolder()
    let path = folder.file("model.rnw")
    let made = try await Program.run(["init", "--blocks", "1,1", "--classes", "3", "-o", path])
    #expect(made.status == 0)
    return try Data(contentsOf: URL(filePath: path))
  }

  private static func pipeWithoutReader() throws -> FileDescriptor {
    let pipe = try FileDescriptor.pipe()
    try pipe.readEnd.close()
    return pipe.writeEnd
  }
}

import FoundationEssentials
import Subprocess
import TestSupport
import Testing

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

@Suite("Commands on the pages")
struct PageCommandTests {
  @Test(
    "What a page shows of a command is what it prints, line by line",
    .timeLimit(.minutes(30)),
    arguments: [
      "README.md", "docs/families.md", "docs/transfer-learning.md", "docs/verification.md",
      "docs/your-runtime.md",
    ])
  func showsWhatIsPrinted(page: String) async throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("Fixtures"), withDestinationPath: Fixture.path(""))
    var tried = 0
    for call in Self.calls(on: try Fixture.text(page))
    where call.command.contains(" Fixtures/") || tried > 0 {
      guard !call.command.contains(" resnet50v2.h5") else { continue }
      let printed = try await Self.run(call.command, in: folder.file(""))
      var rest = printed.split(separator: "\n", omittingEmptySubsequences: false).map(Self.plain)[
        ...]
      for line in call.shown {
        let found = rest.firstIndex { Self.matches($0, line) }
        let index = try #require(found, "\(call.command): \(line)\n\(printed)")
        rest = rest[(index + 1)...]
      }
      tried += 1
    }
    #expect(tried > 0)
  }

  /// A command of a page, and the lines that the page shows of its output.
  private struct Call {
    let command: String
    var shown: [String] = []
  }

  private static func calls(on page: String) -> [Call] {
    var calls: [Call] = []
    var isShown = false
    for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("$ rnw ") {
        calls.append(Call(command: String(line.dropFirst(2))))
        isShown = true
      } else if line.hasPrefix("```") {
        isShown = false
      } else if isShown, plain(line) != "…", !plain(line).isEmpty {
        calls[calls.count - 1].shown.append(plain(line))
      }
    }
    return calls
  }

  /// A page may end a line with `…` for the rest of it.
  private static func matches(_ printed: String, _ shown: String) -> Bool {
    shown.hasSuffix("…") ? printed.hasPrefix(shown.dropLast()) : printed == shown
  }

  private static func plain(_ line: Substring) -> String {
    String(line.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }

  private static func run(_ command: String, in folder: String) async throws -> String {
    let result = try await Subprocess.run(
      .path(FilePath(Program.path)),
      arguments: Arguments(command.split(separator: " ").dropFirst().map(String.init)),
      workingDirectory: FilePath(folder), output: .string(limit: 4 << 20),
      error: .string(limit: 1 << 20))
    return result.standardOutput + result.standardError
  }
}

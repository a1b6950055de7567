import Subprocess

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// The program under test, which is built beside the tests.
enum Program {
  /// Its path.
  static let path =
    CommandLine.arguments[0].split(separator: "/", omittingEmptySubsequences: false)
    .dropLast().joined(separator: "/") + "/rnw"

  /// Runs it to its end.
  static func run(
    _ arguments: [String]
  ) async throws -> (status: Int32, output: String, error: String) {
    let result = try await Subprocess.run(
      .path(FilePath(path)), arguments: Arguments(arguments),
      output: .string(limit: 4 << 20), error: .string(limit: 1 << 20))
    guard case .exited(let status) = result.terminationStatus else {
      throw Crash(arguments: arguments)
    }
    return (status, result.standardOutput, result.standardError)
  }

  /// The program ended by a signal.
  private struct Crash: Error {
    let arguments: [String]
  }
}

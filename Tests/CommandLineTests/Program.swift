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

  /// The exit status, and what was written.
  typealias Result = (status: Int32, output: String, error: String)

  /// Runs it to its end.
  ///
  /// - Parameter environment: variables beside those of the tests.
  static func run(
    _ arguments: [String], environment: [String: String] = [:]
  ) async throws -> Result {
    let result = try await Subprocess.run(
      .path(FilePath(path)), arguments: Arguments(arguments),
      environment: .inherit.updating(variables(environment)),
      output: .string(limit: 4 << 20), error: .string(limit: 1 << 20))
    guard case .exited(let status) = result.terminationStatus else {
      throw Crash(arguments: arguments)
    }
    return (status, result.standardOutput, result.standardError)
  }

  private static func variables(
    _ environment: [String: String]
  ) -> [Environment.Key: String?] {
    Dictionary(
      uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0), $1) })
  }

  /// The program ended by a signal.
  private struct Crash: Error {
    let arguments: [String]
  }
}

import ArgumentParser
import Plain

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What people mean who give no command: a file is inspected, a word that is nearly a command is asked for, and where there
/// is nothing, the first steps are shown.
enum Guide {
  /// The arguments with the command that is meant.
  ///
  /// - Throws: `UsageError` for a word that is neither a command nor a file.
  static func completed(_ arguments: [String]) throws(UsageError) -> [String] {
    guard let first = arguments.first else { throw UsageError(firstSteps) }
    guard !first.hasPrefix("-"), first != "help", !commands.contains(first) else {
      return arguments
    }
    if access(first, F_OK) == 0 { return ["inspect"] + arguments }
    // A path is no word that was mistyped.
    guard !first.contains("/"), !first.contains(".") else {
      throw UsageError(
        "\(first): no such file, and no command", hint: "rnw --help lists the commands")
    }
    let meant = nearestName(to: first, among: commands)
    throw UsageError(
      "there is no command '\(first)'",
      hint: meant.map { "did you mean 'rnw \($0)'?" } ?? "rnw --help lists the commands")
  }

  private static var commands: [String] {
    RNWCommand.configuration.subcommands.compactMap { $0.configuration.commandName }
  }

  private static let firstSteps = """
    what should be done?

      rnw FILE                           what a file is, and what is in it
      rnw convert FILE -o OUT.rnw        convert it, and prove it layer by layer
      rnw verify MODEL --against OTHER   compare two models; the first wrong layer is named
      rnw --help                         all commands
    """
}

/// The command line does not say what is to be done.
struct UsageError: Error {
  let problem: String
  var hint: String?

  init(_ problem: String, hint: String? = nil) {
    (self.problem, self.hint) = (problem, hint)
  }
}

import ArgumentParser
import Conversion
import Plain

/// The options of convert that items of a batch may have.
enum ItemOptions {
  /// Those that a batch gives by itself, or that print what it does not show.
  static let own: Set<String> = [
    "output", "overwrite", "threads", "json", "report", "dry-run", "all", "quiet", "help",
    "version",
  ]

  /// Those that name files; of inputs there are some that are no file.
  static let files: Set<String> = ["reference", "rules", "input"]

  /// Makes sure that arguments are options of convert, and gives the files that they name.
  ///
  /// - Throws: `FormatFault` that says what is wrong with them.
  @Sendable static func check(_ arguments: [String]) throws(FormatFault) -> [String] {
    func fault(_ text: String) -> FormatFault {
      FormatFault(problem: "has options that convert does not take", place: text)
    }
    for argument in arguments {
      let name = argument.drop { $0 == "-" }.prefix { $0 != "=" }
      if argument.hasPrefix("--"), own.contains(String(name)) {
        throw fault("--\(name) is the batch's own")
      }
    }
    do {
      let command = try ConvertCommand.parse(arguments + ["--", "source"])
      guard command.output == nil else { throw fault("-o is the batch's own") }
      let input = try command.input.argument
      return [command.reference, command.told.rules, input?.path].compactMap { $0 }
    } catch let error as FormatFault {
      throw error
    } catch {
      let text = ConvertCommand.message(for: error)
      throw fault(text.split(separator: "\n").first.map(String.init) ?? text)
    }
  }
}

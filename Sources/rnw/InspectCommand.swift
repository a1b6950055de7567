import ArgumentParser
import Conversion
import Families
import Files
import Plain
import Tensors
import WeightSources

/// `rnw inspect`.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "List the tensors and metadata of any weight file, and the family found.",
    discussion: """
      EXAMPLES
        rnw inspect resnet50v2.h5
        rnw inspect model.rnw --stats
        rnw inspect model.rnw --sort size --filter '*.weight'
        rnw inspect model.rnw --key rnw.certificate
        rnw inspect model.keras --json
      """)

  @Argument(help: "The file; its content decides what it is.")
  var file: String

  @OptionGroup var dictionary: DictionaryOption

  @Flag(help: "Also read the tensors: smallest, mean, largest value, and how many are not finite.")
  var stats = false

  @Option(help: "The order of the tensors: file, name or size; that of the file if left out.")
  var sort: Inspection.Order?

  @Option(help: ArgumentHelp("List only the tensors whose names match.", valueName: "GLOB"))
  var filter: String?

  @Option(
    help: ArgumentHelp(
      "Print one text of the metadata, whole, and nothing else.", valueName: "NAME"))
  var key: String?

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    try requireUnused(
      [
        "--sort": sort != nil && json, "--filter": filter != nil && json,
        "--key": key != nil && json,
      ],
      because: "with --json, which has everything")
    try requireUnused(
      [
        "--sort": sort != nil && key != nil, "--filter": filter != nil && key != nil,
        "--stats": stats && key != nil,
      ], because: "with --key NAME, which prints one text")
  }

  func run() throws {
    let inspection = try inspect(
      file, dictionary: dictionary.name, readsValues: stats)
    if let key {
      guard let text = inspection.metadata[key] else {
        let keys = inspection.metadata.keys.sorted().joined(separator: ", ")
        throw InputError(
          .badData, path: file, "has no metadata of this name", place: key,
          hint: keys.isEmpty ? "it has none at all" : "it has \(keys)")
      }
      return try StandardOutput.write(text + "\n")
    }
    try StandardOutput.write(
      inspection, asJSON: json,
      text: inspection.text(order: sort ?? .file, names: filter.map { Glob($0) }))
  }
}

extension Inspection.Order: ExpressibleByArgument {}

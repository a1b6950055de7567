import ArgumentParser
import Conversion
import Families
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
        rnw inspect model.keras --json
      """)

  @Argument(help: "The file; its content decides what it is.")
  var file: String

  @OptionGroup var dictionary: DictionaryOption

  @Flag(help: "Also read the tensors: smallest, mean, largest value, and how many are not finite.")
  var stats = false

  @Flag(help: "Print one JSON document.")
  var json = false

  func run() throws {
    let inspection = try inspect(
      file, dictionary: dictionary.name, readsValues: stats)
    try StandardOutput.write(inspection, asJSON: json, text: inspection.text())
  }
}

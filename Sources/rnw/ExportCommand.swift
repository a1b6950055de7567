import ArgumentParser
import Conversion

/// `rnw export`.
struct ExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a model back into a framework's container, in a family's names.",
    discussion: """
      Lossless from float32: what is loaded there is bit for bit what was converted here.

      EXAMPLES
        rnw export model.rnw -o model.safetensors
        rnw export model.rnw -o model.h5 --family keras
      """)

  @Argument(help: "The model: a .rnw or a weight file.")
  var model: String

  @Option(
    name: [.short, .customLong("output")],
    help: "The file to make: .safetensors, .npz, .h5 or .rnw.")
  var output: String

  @OptionGroup var family: FamilyOption
  @OptionGroup var dictionary: DictionaryOption
  @OptionGroup var told: ToldOptions

  @OptionGroup var overwrite: OverwriteOption

  @OptionGroup var threads: ThreadsOption

  func run() async throws {
    var request = ExportRequest(model: model, output: output)
    request.family = try family.family
    request.dictionary = dictionary.name
    request.told = try told.told
    request.replaces = overwrite.isGiven
    request.threads = threads.count
    try await export(request)
  }
}

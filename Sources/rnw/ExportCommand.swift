import ArgumentParser
import Conversion

/// `rnw export`.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a model back into a framework's container, in a family's names.",
    discussion: """
      Lossless from float32: what is loaded there is bit for bit what was converted here. An .onnx of more than 2 GB \
      has the values of its tensors in a file beside it, model.onnx.data.

      EXAMPLES
        rnw export model.rnw -o model.safetensors
        rnw export model.rnw -o model.h5 --family keras
        rnw export model.rnw -o model.onnx    # the whole network, images as NCHW
        rnw export model.rnw -o model.keras   # the whole network, as Keras loads it
      """)

  @Argument(help: "The model: a .rnw or a weight file.")
  var model: String

  @Option(
    name: [.short, .customLong("output")],
    help: "The file to make: .safetensors, .npz, .h5, .keras, .onnx or .rnw.",
    transform: ArgumentText.output)
  var output: String

  @Option(help: "How many images an .onnx takes at once; any number if left out.")
  var batch: Int?

  @OptionGroup var family: WrittenFamilyOption
  @OptionGroup var dictionary: DictionaryOption
  @OptionGroup var told: ToldOptions

  @OptionGroup var overwrite: OverwriteOption

  @OptionGroup var threads: ThreadsOption

  func validate() throws {
    guard (1...1 << 20).contains(batch ?? 1) else {
      throw ValidationError("--batch needs a number from 1 on.")
    }
  }

  func run() throws {
    var request = ExportRequest(model: model, output: output)
    request.family = family.family
    request.dictionary = dictionary.name
    request.told = try told.told
    request.batch = batch
    request.replaces = overwrite.isGiven
    request.threads = threads.count
    for path in try export(request) {
      try StandardOutput.write(WrittenFile(path: path).text + "\n")
    }
  }
}

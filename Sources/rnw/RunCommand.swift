import ArgumentParser
import Comparison
import Conversion
import Families
import Inference
import Plain
import ResNetV2
import Tensors

/// `rnw run`.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run a model, print the best classes, and write the activations of its layers.",
    discussion: """
      Images are resized and scaled as the family's own functions do it. Activations are written under the family's \
      own layer names and in its own layout, as its framework would.

      EXAMPLES
        rnw run model.rnw --input cat.jpg --top 5 --labels imagenet_class_index.json
        rnw run model.rnw --input photos/ --top 1 --json
        rnw run model.rnw --input probe:1 -o activations.npz --layers 'conv5_*'
        rnw run model.keras --own-graph --input images.npy -o activations.npz
      """)

  @Argument(help: "The model: a .rnw or a weight file.")
  var model: String

  @OptionGroup var input: InputOption
  @OptionGroup var family: FamilyOption
  @OptionGroup var dictionary: DictionaryOption
  @OptionGroup var told: ToldOptions

  @Option(
    name: [.short, .customLong("output")],
    help: "The archive (.npz) that activations are written to.", transform: ArgumentText.output)
  var output: String?

  @Option(help: ArgumentHelp("Write only the layers whose names match.", valueName: "GLOB"))
  var layers: String?

  @Flag(
    help: "Run the graph that a whole Keras file itself describes, rather than that of its family.")
  var ownGraph = false

  @Option(help: "How many of the best classes are printed for each image.")
  var top = 5

  @Option(
    help: ArgumentHelp(
      "The names of the classes: one on each line, or JSON as in imagenet_class_index.json.",
      valueName: "FILE"))
  var labels: String?

  @OptionGroup var overwrite: OverwriteOption

  @OptionGroup var threads: ThreadsOption

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard (1...1000).contains(top) else {
      throw ValidationError("--top takes a number from 1 to 1000.")
    }
    if output == nil {
      try requireUnused(
        ["--layers": layers != nil, "--overwrite": overwrite.isGiven],
        because: "without --output FILE: nothing is written")
    }
  }

  func run() throws {
    var request = RunRequest(model: model, input: try input.argument ?? .standardProbe)
    request.family = family.family
    request.dictionary = dictionary.name
    request.told = try told.told
    request.output = output
    request.layers = layers.map { Glob($0) }
    request.usesOwnGraph = ownGraph
    request.replaces = overwrite.isGiven
    request.pool = threads.pool
    request.labels = labels
    let bar = ProgressBar("running")
    let outcome = try Conversion.run(request, progress: bar.update)
    bar.finish()
    let report = try RunReport(
      outcome, top: top, output: output,
      remarks: input.isGiven
        ? []
        : [
          "there is no --input: the network ran on random values, probe:1, and its classes mean nothing"
        ])
    try StandardOutput.write(report, asJSON: json, text: report.text)
  }
}

import ArgumentParser
import Conversion
import Families
import Inference
import ResNetV2
import Tensors
import Verification

/// `rnw run`.
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run a model, print the best classes, and write the activations of its layers.",
    discussion: """
      Activations are written under the family's own layer names and in its own layout, as its framework would.

      EXAMPLES
        rnw run model.rnw --input images.npy --top 5
        rnw run model.rnw --input probe:1 -o activations.npz --layers 'conv5_*'
      """)

  @Argument(help: "The model: a .rnw or a weight file.")
  var model: String

  @OptionGroup var input: InputOption
  @OptionGroup var family: FamilyOption

  @Option(
    name: [.short, .customLong("output")],
    help: "The archive (.npz) that activations are written to.")
  var output: String?

  @Option(help: ArgumentHelp("Write only the layers whose names match.", valueName: "GLOB"))
  var layers: String?

  @Option(help: "How many of the best classes are printed for each image.")
  var top = 5

  @Flag(help: "Replace an existing archive.")
  var force = false

  @OptionGroup var threads: ThreadsOption

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard (1...1000).contains(top) else {
      throw ValidationError("--top takes a number from 1 to 1000.")
    }
  }

  func run() async throws {
    var request = RunRequest(model: model, input: try input.argument ?? .standardProbe)
    request.family = try family.family
    request.output = output
    request.layers = layers.map { Glob($0) }
    request.isForced = force
    request.threads = threads.count
    let outcome = try await Conversion.run(request)
    let report = RunReport(outcome, top: top)
    try StandardOutput.write(
      json ? try RecordCoding.json(report, pretty: true) + "\n" : report.text)
  }
}

/// The best classes of each image.
private struct RunReport: Encodable {
  private let schema = "rnw.run/1"
  private let architecture: String
  private let outputShape: [Int]
  private let arraysWritten: Int
  private let images: [[Class]]

  private struct Class: Encodable {
    let index: Int
    let value: Float
  }

  init(_ outcome: RunOutcome, top: Int) {
    architecture = outcome.model.architectureName
    outputShape = outcome.output.shape.dimensions
    arraysWritten = outcome.arraysWritten
    let values = outcome.output.values
    let perImage = values.count / outcome.output.shape[0]
    images = stride(from: 0, to: values.count, by: perImage).map { start in
      let image = values[start..<start + perImage].enumerated()
      return image.sorted { ($0.element, -$0.offset) > ($1.element, -$1.offset) }.prefix(top)
        .map { Class(index: $0.offset, value: $0.element) }
    }
  }

  var text: String {
    var lines = ["\(architecture), output \(outputShape.map(String.init).joined(separator: "×"))"]
    for (number, image) in images.enumerated() {
      let classes = image.map { "\($0.index): \($0.value)" }.joined(separator: "  ")
      lines.append("image \(number + 1)  \(classes)")
    }
    if arraysWritten > 0 { lines.append("wrote \(arraysWritten) arrays") }
    return lines.joined(separator: "\n") + "\n"
  }
}

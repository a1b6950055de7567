import ArgumentParser
import Conversion
import Families
import Files
import Reports
import ResNetV2
import Tensors

/// `rnw summary`.
struct SummaryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "summary",
    abstract: "Print what a network is made of: layers, shapes, parameters, work and memory.",
    discussion: """
      For a file, or for the name of a network; a name that several families have is taken as Keras', as everywhere. \
      PyTorch networks are printed as torchinfo prints them, Keras networks as Keras lists them.

      EXAMPLES
        rnw summary resnet50_v2
        rnw summary resnet50_v2 --input-size 1,3,224,224 --depth 2
        rnw summary model.h5 --columns output,params --input-size 1,224,224,3
        rnw summary resnet50_v1 --format svg > block.svg
        rnw summary model.h5 --format html > model.html
      """)

  enum Format: String, ExpressibleByArgument {
    case text
    case svg
    case html
  }

  @Argument(help: "A model file, or the name of a network.")
  var network: String

  @OptionGroup var family: FamilyOption

  @Option(
    help: ArgumentHelp(
      "The input in the family's layout; shapes and work need it.", valueName: "N,C,H,W"))
  var inputSize: String?

  @Option(help: "How many levels of the tree are printed; 3 if left out.")
  var depth: Int?

  @Option(
    help: ArgumentHelp(
      "What is printed: input, output, params, params%, kernel, mult-adds, trainable.",
      valueName: "NAME,…"))
  var columns: String?

  @Option(help: "A table (text), a drawing (svg), or a page with both (html).")
  var format = Format.text

  @Flag(help: "Print one JSON document.")
  var json = false

  func run() throws {
    do {
      let network: NamedNetwork
      do {
        network = try NamedNetwork(
          self.network, family: family.family)
      } catch let error as InputError
        where format != .svg && error.reason == .unknownNetwork
      {
        let summary = try summarizeOwnGraph(self.network, instead: error, sizes: try sizes())
        guard format == .html else { return try write(summary) }
        return try writePage(
          summary, title: fileName(of: self.network),
          facts: [("family", "none that is known: described by the graph that the file carries")])
      }
      try write(network)
    } catch let error as SummaryError {
      throw ValidationError(error.description)
    }
  }

  private func write(_ network: NamedNetwork) throws {
    let style = network.family.summaryStyle(for: network.graph, names: network.layerNames)
    let input = try sizes().map {
      try Summary.input($0, for: network.graph, layout: style.layout)
    }
    guard format != .text else {
      return try write(try Summary(of: network.graph, style: style, input: input))
    }
    let size = network.family.defaultInputSize
    let channels = network.graph.configuration.input.channels
    let shown = input ?? network.graph.usualInput(side: size) ?? [1, size, size, channels]
    let drawing = try NetworkDrawing(network.graph, title: network.name, input: shown)
    guard format == .html else { return try StandardOutput.write(raw: drawing.text) }
    try writePage(
      try Summary(of: network.graph, style: style, input: shown), title: network.name,
      facts: [
        ("family", network.family.title),
        ("input", shown.dimensions.dropFirst().map(String.init).joined(separator: " × ")),
      ], drawing: drawing.text)
  }

  private func writePage(
    _ summary: Summary, title: String, facts: [(label: String, text: String)],
    drawing: String? = nil
  ) throws {
    let page = SummaryPage(summary, title: title, facts: facts, drawing: drawing)
    try StandardOutput.write(raw: page.text)
  }

  private func write(_ summary: Summary) throws {
    try StandardOutput.write(
      SummaryRecord(summary, depth: depth ?? 3), asJSON: json,
      text: SummaryTable(summary, columns: chosenColumns(), options: .init(depth: depth ?? 3)).text)
  }

  private func sizes() throws -> [Int]? {
    guard let inputSize else { return nil }
    let sizes = inputSize.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard sizes.allSatisfy({ ($0 ?? 0) > 0 }) else {
      throw ValidationError("--input-size takes numbers, such as 1,3,224,224.")
    }
    return sizes.compactMap { $0 }
  }

  private func chosenColumns() throws -> [SummaryColumn]? {
    try columns.map { columns in
      try columns.split(separator: ",").map { name in
        guard let column = SummaryColumn(name: String(name)) else {
          throw ValidationError("There is no column '\(name)'.")
        }
        return column
      }
    }
  }

  func validate() throws {
    guard depth ?? 0 >= 0 else { throw ValidationError("--depth takes 0 or more.") }
    if format != .text {
      try requireUnused(
        ["--json": json, "--depth": depth != nil, "--columns": columns != nil],
        because: "with --format \(format), which has a form of its own")
    }
    try requireUnused(
      ["--columns": json && columns != nil], because: "with --json, which has every column")
  }
}

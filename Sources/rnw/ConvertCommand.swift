import ArgumentParser
import Comparison
import Conversion
import Families
import Files
import Plain
import Precision
import RNW
import Reports
import ResNetV2
import Tensors
import WeightSources

/// `rnw convert`.
struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Convert a weight file to .rnw, and prove it layer by layer.",
    discussion: """
      The source is read, mapped and written to a temporary file. That file is opened again and run; every layer \
      is compared with the source, run by a reference in double precision. Only when all agree does the file get \
      its name. Where a Keras file carries its configuration, every layer is also compared with the graph that this \
      describes, run without any knowledge of the family: the conversion is proven without Python.

      EXAMPLES
        rnw convert resnet50v2.h5 -o resnet50v2.rnw
        rnw convert model.keras -o model.rnw --reference activations.npz
        rnw convert resnet50v2.h5 -o small.rnw --precision float16
        rnw convert model.h5 -o small.rnw --precision auto --max-error 1e-2
        rnw convert model.keras --dry-run
      """)

  @Argument(help: "The weight file: .h5, .keras, .npz, .safetensors, .pth or .rnw, by its content.")
  var source: String

  @Option(
    name: [.short, .customLong("output")],
    help: "The file to make; the source's name with .rnw if left out.",
    transform: ArgumentText.output)
  var output: String?

  @OptionGroup var family: FamilyOption
  @OptionGroup var dictionary: DictionaryOption
  @OptionGroup var told: ToldOptions

  @Option(
    help:
      "How tensors are stored: planes (lossless compression) or none (mapped by readers); planes if left out."
  )
  var codec: RNWCodec?

  @Option(
    help: """
      In which type kernels and matrices are kept: float32, float16, bfloat16, int8 (a scale per \
      output channel), or auto (each in the one that makes the file smallest within --max-error). \
      Norms and biases stay float32; so does everything if left out.
      """)
  var precision: Precision?

  @Flag(
    help: """
      Keep kernels that the network standardises (BiT) as it uses them: the written network standardises nothing, \
      and its record says so.
      """)
  var bake = false

  @Option(
    help: ArgumentHelp(
      "The largest scaled error of the output against the source that rounding may cause.",
      valueName: "E"))
  var maxError: Double?

  @Option(
    help: ArgumentHelp(
      "The largest scaled error of any layer against the reference with the same weights; 2e-5 if left out, 5e-5 with standardised weights.",
      valueName: "E"))
  var limit: Double?

  @Option(help: "Activations that the framework computed (.npz): compared as well.")
  var reference: String?

  @OptionGroup var part: PartOption
  @OptionGroup var ownGraph: OwnGraphOption
  @OptionGroup var diagnosis: DiagnosisOption
  @OptionGroup var input: InputOption

  @Option(
    help: ArgumentHelp(
      "Also write the comparison as a .html, .json, .md or .xml page.", valueName: "FILE"),
    transform: ArgumentText.output)
  var report: String?

  @Flag(help: "Print which tensor becomes which parameter, and do nothing else.")
  var dryRun = false

  @Flag(help: "Print the tables and figures of every comparison, not only of one that fails.")
  var all = false

  @Flag(help: "Print nothing where all is well and the file tells all that the network needs.")
  var quiet = false

  @OptionGroup var overwrite: OverwriteOption

  @Flag(help: "Accept values that no trained network has: NaN, infinity, negative variances.")
  var acceptInvalid = false

  @OptionGroup var threads: ThreadsOption

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard limit.map({ $0 > 0 && $0.isFinite }) ?? true else {
      throw ValidationError("--limit takes a positive number.")
    }
    guard maxError.map({ $0 > 0 && $0.isFinite }) ?? true else {
      throw ValidationError("--max-error takes a positive number.")
    }
    try requireUnused(
      ["--all": all && json, "--quiet": quiet && json], because: "with --json, which has everything"
    )
    guard !quiet || !all else {
      throw ValidationError("--quiet and --all ask for opposite things.")
    }
    guard report == nil || report != outputPath else {
      throw ValidationError("--report and --output name the same file.")
    }
    guard precision != .auto || maxError != nil else {
      throw ValidationError("--precision auto needs --max-error E.")
    }
    try requireUnused(
      ["--max-error": maxError != nil && precision ?? .float32 == .float32],
      because: "without a --precision that rounds: float16, bfloat16, int8 or auto")
    guard precision != .auto || !bake else {
      throw ValidationError("--bake goes with every --precision but auto.")
    }
    if dryRun {
      try requireUnused(
        [
          "--bake": bake,
          "--output": output != nil, "--codec": codec != nil, "--precision": precision != nil,
          "--limit": limit != nil, "--reference": reference != nil,
          "--own-graph": ownGraph.isGiven, "--input": input.isGiven, "--report": report != nil,
          "--overwrite": overwrite.isGiven, "--accept-invalid": acceptInvalid,
          "--threads": threads.isGiven, "--all": all, "--quiet": quiet,
        ], because: "with --dry-run, which reads names and shapes only")
    }
  }

  func run() throws {
    if dryRun {
      return try printMapping()
    }
    var request = ConversionRequest(source: source, output: outputPath)
    request.family = family.family
    request.part = part.part
    request.dictionary = dictionary.name
    request.told = try told.told
    request.codec = codec ?? .planes
    request.precision = precision ?? .float32
    request.bakes = bake
    request.maximumError = maxError
    request.limit = limit
    request.reference = reference
    request.input = try input.argument ?? .standardProbe
    request.usesOwnGraph = ownGraph.isUsed
    request.requiresOwnGraph = ownGraph.isRequired
    request.replaces = overwrite.isGiven
    request.acceptsInvalid = acceptInvalid
    request.pool = threads.pool
    let file = try report.map {
      try ReportFile(
        path: $0, replacing: overwrite.isGiven,
        inputs: [source, reference, request.input.path], beside: outputPath)
    }
    request.collectsDetail = file?.form == .html
    let bar = ProgressBar("comparing")
    let searchBar = ProgressBar("looking for the cause")
    request.search = diagnosis.search(after: bar, searchBar)
    let outcome = try convert(request, progress: bar.update)
    bar.finish()
    searchBar.finish()
    try file?.write(outcome.worse, title: title(of: outcome), command: commandLine)
    let report = ConversionReport(outcome, path: outputPath, command: commandLine)
    try StandardOutput.conclude(passes: outcome.passes) {
      guard !quiet || !outcome.passes || !outcome.assumptions.isEmpty else { return }
      try StandardOutput.write(
        report, asJSON: json,
        text: ConversionText(outcome, path: outputPath, reference: reference, showsAll: all).text)
      if !json { try file?.tell() }
    }
  }

  private func title(of outcome: ConversionOutcome) -> String {
    let isOwn = outcome.reference == nil || !outcome.comparison.verdict.passes
    let truth = isOwn ? source : reference ?? source
    return "\(fileName(of: source)) as \(fileName(of: outputPath)) against \(fileName(of: truth))"
  }

  private var outputPath: String {
    if let output { return output }
    // The file stands beside a folder, not in it.
    let path = source.reversed().drop { $0 == "/" }.reversed()
    let (folder, name) = String(path).folderAndName
    return folder + WeightFile.stem(of: name) + ".rnw"
  }

  private func printMapping() throws {
    let source = try WeightFile.open(source, dictionary: dictionary.name)
    let report = try MappingReport(of: source, family: family.family, told: told.told)
    try StandardOutput.conclude(passes: true) {
      try StandardOutput.write(report, asJSON: json, text: report.text)
    }
    if let error = report.error { throw error }
  }
}

extension ConversionOutcome {
  /// The comparison that a reader wants to see first: the one that fails, else the framework's.
  fileprivate var worse: Comparison.Outcome {
    comparisons.first { !$0.verdict.passes } ?? reference ?? accuracy ?? comparison
  }
}

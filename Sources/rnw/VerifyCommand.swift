import ArgumentParser
import Comparison
import Conversion
import Families
import Files
import Inference
import Plain
import RNW
import Reports
import Tensors

/// `rnw verify`.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compare a model layer by layer, and name the first layer that is wrong.",
    discussion: """
      Against another model or a weight file, both are run on the same input. Against an archive of activations \
      (.npz with `input` and arrays under the framework's layer names), the model is run on the archive's input. \
      A whole Keras model (.keras, or .h5 with its configuration) is run as its configuration says, layer by layer, \
      without any knowledge of its family. Without --against, a .rnw is checked by its own records: structure, \
      checksums, certificate.

      With --candidate the model is right, and what an engine of your own computed is judged by it: an archive of any \
      of its layers, with the `input` that they were computed from. Each layer is compared as it is, and as the model \
      computes it from your values of what it reads, so that the first mistake is found where it is made. With \
      --runtime the layers are those of a program, which is asked for them by a small protocol (docs/your-runtime.md); \
      a program that gives one {layer} each time it is run is run as few times as possible.

      EXAMPLES
        rnw verify model.rnw
        rnw verify model.rnw --against resnet50v2.h5
        rnw verify model.rnw --against model.keras
        rnw verify model.rnw --against activations.npz --report report.html
        rnw verify model.rnw --against resnet50v2.h5 --input photos/ --isolated
        rnw verify model.rnw --against resnet50v2.h5 --per-layer-limit limits.json
        rnw verify model.rnw --against activations.npz --ulp
        rnw verify model.rnw --candidate my-engine.npz
        rnw verify model.rnw --candidate my-engine.npz --layer-names names.json
        rnw verify model.rnw --runtime 'python engine.py'
        rnw verify model.rnw --runtime './engine model.rnw {layer}'
      """)

  @Argument(help: "The model that is judged: a .rnw or a weight file.")
  var model: String

  @Option(help: "A model, a weight file, or an archive of activations.")
  var against: String?

  @OptionGroup var engine: EngineOptions
  @OptionGroup var family: FamilyOption
  @OptionGroup var dictionary: DictionaryOption
  @OptionGroup var told: ToldOptions
  @OptionGroup var input: InputOption

  @Option(
    help: ArgumentHelp(
      "The largest scaled error of any layer; 2e-5 if left out, more for standardised or rounded weights.",
      valueName: "E"))
  var limit: Double?

  @Option(
    help: ArgumentHelp(
      "Limits of single layers, by name or pattern: {\"conv5_*\": 1e-4, \"probs\": 1e-3}. "
        + "The last one that matches counts.",
      valueName: "FILE.json"))
  var perLayerLimit: String?

  @Flag(help: "Also give each layer alone the reference's inputs, so that errors do not add up.")
  var isolated = false

  @Option(help: ArgumentHelp("Compare only the layers whose names match.", valueName: "GLOB"))
  var layers: String?

  @Option(
    help: ArgumentHelp(
      "Also write the comparison as a .html, .json, .md or .xml page.", valueName: "FILE"),
    transform: ArgumentText.output)
  var report: String?

  @OptionGroup var ownGraph: OwnGraphOption
  @OptionGroup var diagnosis: DiagnosisOption

  @Flag(help: "List every layer, in the order of the network.")
  var all = false

  @OptionGroup var ulp: ULPOption

  @OptionGroup var overwrite: OverwriteOption

  @OptionGroup var threads: ThreadsOption

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard limit.map({ $0 > 0 && $0.isFinite }) ?? true else {
      throw ValidationError("--limit takes a positive number.")
    }
    try engine.validate()
    if let name = engine.name {
      try requireUnused(
        ["--isolated": isolated, "--own-graph": ownGraph.isGiven],
        because: "with \(name): every layer is judged alone too, by the model's network")
    }
    if against == nil, !engine.isGiven {
      try requireUnused(
        [
          "--report": report != nil, "--limit": limit != nil,
          "--per-layer-limit": perLayerLimit != nil, "--isolated": isolated,
          "--layers": layers != nil, "--all": all, "--ulp": ulp.isGiven,
          "--input or --filter": input.isGiven,
          "--family": family.isGiven, "--activation, --pooling, …": told.isGiven,
          "--own-graph": ownGraph.isGiven, "--dictionary": dictionary.name != nil,
        ], because: "without --against, --candidate or --runtime: nothing is compared")
    }
    try requireUnused(["--all": all && json], because: "with --json, which has every layer")
    try requireUnused(
      ["--overwrite": overwrite.isGiven && report == nil],
      because: "without --report FILE: nothing is written")
  }

  func run() throws {
    var request = VerificationRequest(model: model)
    request.against = against
    request.family = family.family
    request.dictionary = dictionary.name
    request.told = try told.told
    request.input = try input.argument
    request.limits = limit.map { Limits(standard: $0) }
    request.limitsFile = perLayerLimit
    request.mode = isolated ? .both : .propagated
    request.layers = layers.map { Glob($0) }
    request.pool = threads.pool
    request.measuresULP = ulp.isGiven
    request.usesOwnGraph = ownGraph.isUsed
    request.requiresOwnGraph = ownGraph.isRequired
    if let engine = engine.request { return try judge(engine, by: request) }
    guard let against else { return try checkAlone(request) }
    let file = try report.map {
      try ReportFile(
        path: $0, replacing: overwrite.isGiven,
        inputs: [model, against, request.input?.path, perLayerLimit])
    }
    request.collectsDetail = file?.form == .html
    let bar = ProgressBar("comparing")
    let searchBar = ProgressBar("looking for the cause")
    request.search = diagnosis.search(after: bar, searchBar)
    let result: Comparison.Outcome
    do {
      result = try verify(request, against: against, progress: bar.update)
    } catch let error as InputError where error.reason == .unknownNetwork {
      let own = try verifyOwnGraph(
        request, against: against, instead: error, progress: bar.update
      ) { try requireUsed(byOwnGraphOf: error, in: file) }
      return try conclude(
        own, title: "\(fileName(of: model)) against \(fileName(of: against))", in: file, after: bar)
    }
    bar.finish()
    searchBar.finish()
    try conclude(
      result, title: "\(fileName(of: model)) against \(fileName(of: against))", in: file)
  }

  /// Judges what an engine of the user's own computed.
  private func judge(_ engine: EngineRequest, by request: VerificationRequest) throws {
    var request = request
    let file = try report.map {
      try ReportFile(
        path: $0, replacing: overwrite.isGiven,
        inputs: [model, against, request.input?.path, perLayerLimit] + engine.paths)
    }
    request.collectsDetail = file?.form == .html
    let bar = ProgressBar("judging")
    let searchBar = ProgressBar("looking for the cause")
    request.search = diagnosis.search(after: bar, searchBar)
    let result: Comparison.Outcome
    do {
      result = try verify(request, engine: engine, progress: bar.update)
    } catch let error as InputError where error.reason == .unknownNetwork {
      let own = try verifyOwnGraph(
        request, engine: engine, instead: error, progress: bar.update
      ) { try requireUsed(byOwnGraphOf: error, in: file) }
      return try conclude(
        own, title: "\(engine.title) against \(fileName(of: model))", in: file, after: bar)
    }
    bar.finish()
    searchBar.finish()
    try conclude(result, title: "\(engine.title) against \(fileName(of: model))", in: file)
  }

  private func conclude(
    _ result: Comparison.Outcome, title: String, in file: ReportFile?
  ) throws {
    try file?.write(result, title: title, command: commandLine)
    try StandardOutput.conclude(passes: result.verdict.passes) {
      if json {
        try StandardOutput.write(
          json: JSONReport(result, command: commandLine, title: title).text())
      } else {
        try StandardOutput.write(text(of: result))
        try file?.tell()
      }
    }
  }

  private func conclude(
    _ own: OwnComparison, title: String, in file: ReportFile?, after bar: ProgressBar
  ) throws {
    bar.finish()
    try file?.write(own, title: title, command: commandLine)
    try StandardOutput.conclude(passes: own.passes) {
      try StandardOutput.write(own, asJSON: json, text: own.text(showsAll: all))
      if !json { try file?.tell() }
    }
  }

  /// Refuses what does nothing where no family knows the network.
  private func requireUsed(byOwnGraphOf error: InputError, in file: ReportFile?) throws {
    let reason = "for a model that is only known by its own graph (\(error.problem))"
    if let form = file?.form, !form.isOfOwnGraphs {
      try requireUnused(["--report of .\(form)": true], because: "\(reason); .xml does")
    }
    try requireUnused(
      [
        "--isolated": isolated, "--ulp": ulp.isGiven,
        "--per-layer-limit": perLayerLimit != nil, "--family": family.isGiven,
        "--activation, --pooling, …": told.isGiven, "--no-own-graph": !ownGraph.isUsed,
      ], because: reason)
  }

  private func text(of result: Comparison.Outcome) -> String {
    TextReport(
      order: all ? .graph : .worst, maximumRows: all ? nil : 10,
      isColored: StandardOutput.isColored, width: StandardOutput.width
    ).text(for: result)
  }

  private func checkAlone(_ request: VerificationRequest) throws {
    let check = try verifyAlone(request)
    let report = SelfCheckReport(check)
    try StandardOutput.conclude(passes: check.passes) {
      try StandardOutput.write(report, asJSON: json, text: report.text)
    }
  }
}

/// The result of checking a file by its own records.
private struct SelfCheckReport: Encodable {
  private let schema = "rnw.check/1"
  private let verdict: String
  private let architecture: String
  private let tensors: Int
  private let tensorBytes: Int
  private let certificate: CertificateReport?
  private let assumptions: [Assumption]

  private struct CertificateReport: Encodable {
    let scaledError: Double
    let limit: Double
    let pass: Bool
    let firstWrong: String?
  }

  init(_ check: SelfCheck) {
    verdict = check.passes ? "pass" : "fail"
    architecture = check.architecture
    tensors = check.tensors
    tensorBytes = check.tensorBytes
    assumptions = check.assumptions
    certificate = check.certificate.map {
      CertificateReport(
        scaledError: $0.scaledError, limit: $0.limit, pass: $0.passes,
        firstWrong: $0.firstWrong?.name)
    }
  }

  var text: String {
    var lines = ["\(architecture)"]
    lines.append(
      "structure    ok, \(tensors) tensors, \(grouped(tensorBytes)) bytes of parameters")
    lines.append("checksums    ok, all \(tensors)")
    if let certificate {
      lines.append(
        "certificate  \(certificate.pass ? "ok" : "FAILED"), this machine differs by "
          + "\(readable(certificate.scaledError)) from the conversion (limit \(certificate.limit))"
          + (certificate.firstWrong.map { "; the first wrong layer is \($0)" } ?? ""))
    } else {
      lines.append("certificate  none: the file was made, not converted")
    }
    if verdict == "pass", !assumptions.isEmpty {
      lines.append("PASS, with \(assumptions.count) things the source did not tell")
      lines.append("assumed: " + assumptions.map(\.words).joined(separator: ", "))
    } else {
      lines.append(verdict == "pass" ? "PASS" : "FAIL")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

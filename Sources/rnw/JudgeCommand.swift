import ArgumentParser
import Comparison
import Conversion
import Files
import Plain
import Reports
import Tensors

/// `rnw judge`.
struct JudgeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "judge",
    abstract:
      "Judge a comparison that was made before under other limits, without running anything.",
    discussion: """
      The report is a JSON document of verify (--json or --report x.json) or of convert (--report x.json). It keeps \
      what was measured: which errors pass, the first wrong layer and all that follows is found anew. What was only \
      measured for the old limits is said, not made up. Without a limit, the report is judged under its own, and \
      written in another form.

      EXAMPLES
        rnw judge report.json --limit 1e-4
        rnw judge report.json --per-layer-limit limits.json --all
        rnw judge report.json --report page.html
        rnw judge report.json --limit 1e-3 --json
      """)

  @Argument(help: "The JSON report of a comparison.")
  var comparison: String

  @Option(
    help: ArgumentHelp(
      "The largest scaled error of any layer, in place of all limits of the report.",
      valueName: "E"))
  var limit: Double?

  @Option(
    help: ArgumentHelp(
      "Limits of single layers, by name or pattern: {\"conv5_*\": 1e-4, \"probs\": 1e-3}. "
        + "They count after the others; the last one that matches counts.",
      valueName: "FILE.json"))
  var perLayerLimit: String?

  @Option(
    help: ArgumentHelp(
      "Also write the comparison as a .html, .json, .md or .xml page.", valueName: "FILE"),
    transform: ArgumentText.output)
  var report: String?

  @Flag(help: "List every layer, in the order of the network.")
  var all = false

  @OptionGroup var overwrite: OverwriteOption

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard limit.map({ $0 > 0 && $0.isFinite }) ?? true else {
      throw ValidationError("--limit takes a positive number.")
    }
    try requireUnused(["--all": all && json], because: "with --json, which has every layer")
    try requireUnused(
      ["--overwrite": overwrite.isGiven && report == nil],
      because: "without --report FILE: nothing is written")
  }

  func run() throws {
    var request = JudgeRequest(report: comparison)
    request.limit = limit
    request.limitsFile = perLayerLimit
    let file = try report.map {
      try ReportFile(
        path: $0, replacing: overwrite.isGiven, inputs: [comparison, perLayerLimit])
    }
    let judged = try judge(request)
    try file?.write(judged, command: commandLine)
    try StandardOutput.conclude(passes: judged.outcome.verdict.passes) {
      if json {
        try StandardOutput.write(json: JSONReport(judged, command: commandLine).text())
      } else {
        try StandardOutput.write(
          TextReport(
            order: all ? .graph : .worst, maximumRows: all ? nil : 10,
            isColored: StandardOutput.isColored, width: StandardOutput.width
          ).text(for: judged.outcome))
        try file?.tell()
      }
    }
  }
}

import ArgumentParser
import Batch
import Files
import FoundationEssentials
import Plain

/// `rnw merge`.
struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Make one verdict of the records of a batch, or of verdicts.",
    discussion: """
      Records are documents of `rnw batch`, files of several in lines, verdicts that were merged before, and folders \
      of those. In whatever order and parts they are merged, the verdict is the same to the byte; what differs from run \
      to run, such as times, is left out unless --times asks for it.

      Exit status 1 where something does not pass.

      EXAMPLES
        rnw merge converted -o verdict.json --report fleet.html
        rnw merge monday.json tuesday.json extra/records -o verdict.json
        rnw merge verdict.json --limit 1e-4 --report strict.html
      """)

  @Argument(
    help: ArgumentHelp("Records, verdicts, or folders of them.", valueName: "RECORDS"),
    completion: .file())
  var records: [String]

  @Option(
    name: [.short, .customLong("output")],
    help: ArgumentHelp("Write the verdict.", valueName: "VERDICT.json"),
    transform: ArgumentText.output)
  var output: String?

  @Option(
    help: ArgumentHelp("Write a page of all items.", valueName: "PAGE.html"),
    transform: ArgumentText.output)
  var report: String?

  @Option(
    help: ArgumentHelp(
      "Judge all layers by this limit, without running anything; by each conversion's own if left out. What rounding "
        + "did keeps its limits.", valueName: "E"))
  var limit: Double?

  @Flag(help: "Keep how long each item took and how much memory: then two runs differ.")
  var times = false

  @OptionGroup var overwrite: OverwriteOption

  @Flag(help: "Print the verdict.")
  var json = false

  func validate() throws {
    guard limit.map({ $0 > 0 && $0.isFinite }) ?? true else {
      throw ValidationError("--limit takes a positive number.")
    }
    guard report == nil || report != output else {
      throw ValidationError("--report and --output name the same file.")
    }
    try requireUnused(
      ["--overwrite": overwrite.isGiven && report == nil && output == nil],
      because: "without --output or --report: nothing is written")
  }

  func run() throws {
    let files = try records.flatMap(Self.files)
    let inputs = files.compactMap { FileStamp(path: $0)?.identity }
    // Begun first, so that a place that cannot be written is known at once.
    let targets = try [output, report].map { path in
      try path.map { try OutputFile(path: $0, replacing: overwrite.isGiven, inputs: inputs) }
    }
    var all: [Record] = []
    for file in files { all += try FleetVerdict.records(path: file) }
    guard !all.isEmpty else {
      throw InputError(
        .badData, path: records.first ?? "", "holds no records",
        place: "FOLDER/records of a batch was expected")
    }
    let verdict = FleetVerdict(all, limit: limit, keepsTimes: times)
    let summary = FleetSummary(verdict)
    let document = verdict.json(summary: summary)
    try targets[0].map { try Self.write(document, to: $0) }
    try targets[1].map {
      try Self.write(FleetPage(verdict, summary, command: commandLine).text, to: $0)
    }
    try StandardOutput.conclude(passes: verdict.passes) {
      if json {
        try StandardOutput.write(json: document)
      } else {
        try StandardOutput.write(summary.text(of: verdict))
        for path in [output, report].compactMap({ $0 }) {
          try StandardOutput.write(WrittenFile(path: path).text + "\n")
        }
      }
    }
  }

  private static func write(_ text: String, to file: OutputFile) throws {
    try file.write(Array(text.utf8), at: 0)
    try file.commit()
  }

  private static let deepest = 64

  /// The documents that a path means; of the folder of a batch its records.
  private static func files(_ path: String) throws(InputError) -> [String] {
    guard FileStamp.isFolder(path) else { return [path] }
    let folder = path.hasSuffix("/") ? path : path + "/"
    if FileStamp.isFolder(folder + "records"), FileStamp.isFolder(folder + "models") {
      return try files(in: folder + "records/", depth: 0)
    }
    return try files(in: folder, depth: 0)
  }

  private static func files(in folder: String, depth: Int) throws(InputError) -> [String] {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw InputError(.unreadable, path: folder, "cannot be read as a folder")
    }
    var files: [String] = []
    for name in names.sorted() where !name.hasPrefix(".") {
      let path = folder + name
      if [".json", ".jsonl"].contains(where: name.hasSuffix) {
        files.append(path)
      } else if FileStamp.isFolder(path), depth < deepest {
        files += try Self.files(in: path + "/", depth: depth + 1)
      }
    }
    return files
  }
}

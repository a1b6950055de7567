import ArgumentParser
import Batch
import Files
import Inference
import Plain
import Processes
import RNW

/// `rnw batch`.
struct BatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "batch",
    abstract: "Convert many models, each in a process of its own, and record how each ended.",
    discussion: """
      Items are the lines of a manifest, the models in a folder and those in it, or what a pattern \
      matches. A line of a manifest is {"source": PATH}, with the options of convert by their long names beside it \
      ("reference": "a.npz", "precision": "float16"); paths are relative to its folder. Options behind -- are for \
      every item.

      FOLDER/models has the files, FOLDER/records a document for each item that is finished. A second run does only \
      what is missing or has changed: source, options and version of rnw make the key of a record. What a source \
      holds that is wrong, and what takes too long or too much memory, is quarantined by name; what may pass is \
      tried again. Shards of one batch may run anywhere at once, into one folder.

      Exit status: 0 every item passed; 1 some did not; 70 or 74 some could not be converted for a reason that may \
      pass: run it again.

      EXAMPLES
        rnw batch models/ -o converted
        rnw batch manifest.jsonl -o converted --shard 3/16 --jobs 4
        rnw batch 'runs/*/final.h5' -o converted --verify -- --precision float16
        rnw merge converted -o verdict.json --report fleet.html
      """)

  @Argument(
    help: ArgumentHelp(
      "A manifest (lines of JSON), a folder, or a pattern in quotes.",
      valueName: "MANIFEST|FOLDER|GLOB"), completion: .file())
  var source: String

  @Option(
    name: [.short, .customLong("output")],
    help: ArgumentHelp("Where files and records go.", valueName: "FOLDER"),
    transform: ArgumentText.output)
  var output: String

  @Flag(
    help: "Also check each written file by itself, as `rnw verify FILE` does for whoever gets it.")
  var verify = false

  @Option(
    help: ArgumentHelp(
      "Do one of several equal parts, such as 3/16; all of it if left out.", valueName: "i/n"))
  var shard: Shard?

  @Option(
    help: ArgumentHelp(
      "How many items are converted at once, each by one thread; two more than there are cores if left out, as some "
        + "wait for the disk.", valueName: "N"))
  var jobs: Int?

  @Option(
    help: ArgumentHelp(
      "How long an item may take; 600 s if left out.", valueName: "SECONDS"))
  var timeout: Int?

  @Option(
    help: ArgumentHelp(
      "How much memory of its own an item may have, 0 for no limit; 4096 MB if left out. On Linux.",
      valueName: "MB"))
  var memory: Int?

  @Option(
    help: ArgumentHelp(
      "How often an item is tried again after a fault or where its file cannot be written; twice if left out.",
      valueName: "N"))
  var retries: Int?

  @Flag(help: "Also do again what is quarantined.")
  var again = false

  @Flag(
    help: "Take the records of items away that the batch does not have any more, and their files.")
  var prune = false

  @Flag(help: "Print the items, and which files each needs, and convert nothing.")
  var dryRun = false

  @Argument(
    parsing: .postTerminator,
    help: ArgumentHelp("Options of convert for every item.", valueName: "OPTIONS"))
  var options: [String] = []

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    if dryRun {
      try requireUnused(
        [
          "--verify": verify, "--jobs": jobs != nil, "--again": again, "--timeout": timeout != nil,
          "--memory": memory != nil, "--retries": retries != nil, "--prune": prune,
        ],
        because: "with --dry-run, which converts nothing")
    }
    guard (1...RunningGroups.most).contains(jobs ?? 1) else {
      throw ValidationError("--jobs takes a number from 1 to \(RunningGroups.most).")
    }
    guard (1...604_800).contains(timeout ?? 600) else {
      throw ValidationError("--timeout takes 1 to 604800 seconds.")
    }
    guard (0...1 << 24).contains(memory ?? 4096) else {
      throw ValidationError("--memory takes 0 to 16777216 MB.")
    }
    guard (0...100).contains(retries ?? 2) else {
      throw ValidationError("--retries takes a number from 0 to 100.")
    }
    do throws(FormatFault) {
      _ = try ItemOptions.check(options)
    } catch {
      throw ValidationError(error.place)
    }
  }

  func run() throws {
    // Models are read by other processes; what is read here are records of its own, any number, which are written anew.
    ReadFiles.forget()
    let list = try ItemList(source, output: output, options: options)
    guard !dryRun else {
      let plan = BatchPlan(list, shard: shard ?? .whole)
      return try StandardOutput.write(plan, asJSON: json, text: plan.text)
    }
    guard let program = RunningProgram.path else {
      throw InputError(
        .unreadable, path: "rnw", "cannot be found: the system does not say where it is")
    }
    var request = BatchRequest(
      items: list.items, folder: RecordFolder(output), jobs: jobs ?? WorkerPool.processorCount + 2,
      program: (program, PackageVersion.text),
      limits: LimitedRun.Limits(seconds: timeout ?? 600, memory: (memory ?? 4096) << 20))
    request.shard = shard ?? .whole
    request.retries = retries ?? 2
    request.repeatsQuarantined = again
    request.prunes = prune
    request.verifies = verify
    request.companions = ItemList.companions
    let progress = BatchProgress()
    let outcome = try Batch.run(request, progress: progress.update)
    progress.finish()
    let report = BatchReport(outcome, list, shard: request.shard, folder: output)
    try StandardOutput.write(report, asJSON: json, text: report.text)
    if let problem = outcome.unrecorded.first { throw problem }
    if report.status != 0 { throw ExitCode(report.status) }
  }
}

extension Shard: ExpressibleByArgument {
  /// Reads an argument.
  package init?(argument: String) { self.init(argument) }
}

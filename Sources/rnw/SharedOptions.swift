import ArgumentParser
import Comparison
import Conversion
package import Families
import Inference

/// Options that several commands share.
struct FamilyOption: ParsableArguments {
  @Option(
    name: .customLong("family"),
    help: ArgumentHelp(
      "The family of the file, one of \(FamilyChoice.names); recognised if left out.",
      valueName: "F"))
  private var choice: FamilyChoice?

  /// Whether a family was asked for.
  var isGiven: Bool { choice != nil }

  /// The family that was asked for.
  var family: Family? { choice?.family }
}

/// In whose names something is written.
struct WrittenFamilyOption: ParsableArguments {
  @Option(
    name: .customLong("family"),
    help: ArgumentHelp(
      "The family whose names are written, one of \(FamilyChoice.names).", valueName: "F"))
  private var choice: FamilyChoice?

  /// The family that was asked for.
  var family: Family? { choice?.family }
}

/// A family by its short name.
struct FamilyChoice: ExpressibleByArgument {
  let family: Family

  /// All short names.
  static let names = Family.all.map(\.id).joined(separator: ", ")

  static var allValueStrings: [String] { Family.all.map(\.id) }

  init?(argument: String) {
    guard let family = Family.named(argument) else { return nil }
    self.family = family
  }
}

/// Which part of a bigger model is taken.
struct PartOption: ParsableArguments {
  @Flag(help: "Take the ResNet that begins at the input out of a bigger model, such as a detector.")
  private var backbone = false

  @Option(
    help: ArgumentHelp(
      "Take the layers whose names begin so out of a bigger model, such as left/.",
      valueName: "NAME"))
  private var prefix: String?

  func validate() throws {
    guard !backbone || prefix == nil else {
      throw ValidationError("--backbone and --prefix ask for two different parts.")
    }
  }

  /// The part that was asked for.
  var part: ModelPart? { prefix.map { .prefix($0) } ?? (backbone ? .backbone : nil) }
}

/// Whether files that are there may be replaced.
struct OverwriteOption: ParsableArguments {
  @Flag(
    name: .customLong("overwrite"), help: "Replace files that are there; those that are read never."
  )
  var isGiven = false

  @Flag(name: .customLong("force"), help: .private)
  private var meantTwoThings = false

  func validate() throws {
    guard !meantTwoThings else {
      throw ValidationError(
        "--force meant two things: --overwrite replaces the output, and --accept-invalid, of convert, takes values "
          + "that no trained network has.")
    }
  }
}

struct OwnGraphOption: ParsableArguments {
  @Flag(
    name: .customLong("own-graph"), inversion: .prefixedNo,
    help: ArgumentHelp(
      "Whether a Keras file that carries its configuration is also run as that says, layer by layer; where it does if left out."
    ))
  private var choice: Bool?

  /// Whether it is run where a file carries it.
  var isUsed: Bool { choice ?? true }

  /// Whether anything was said.
  var isGiven: Bool { choice != nil }

  /// Whether the file must carry it.
  var isRequired: Bool { choice == true }
}

struct DiagnosisOption: ParsableArguments {
  @Flag(
    name: .customLong("diagnosis"), inversion: .prefixedNo,
    help: ArgumentHelp(
      "Whether the cause of a failure is looked for, for at most \(Int(CauseSearch().seconds)) s."))
  private var isWanted = true

  /// How the cause of a failure is looked for: the verdict is said before that, as it may take a while.
  func search(after comparing: ProgressBar, _ bar: ProgressBar) -> CauseSearch? {
    guard isWanted else { return nil }
    var search = CauseSearch()
    search.progress = bar.update
    search.begins = { [seconds = Int(search.seconds)] outcome in
      let verdict = outcome.verdict
      comparing.finish()
      StandardError.write(
        "FAIL: \(verdict.failed) of \(verdict.compared) layers out of limits; the cause is looked for, for at "
          + "most \(seconds) s (not with --no-diagnosis)\n")
    }
    return search
  }
}

struct ThreadsOption: ParsableArguments {
  @Option(name: .customLong("threads"), help: "How many threads to use; all cores if left out.")
  private var requested: Int?

  /// Whether anything was said.
  var isGiven: Bool { requested != nil }

  /// The number of threads to use.
  var count: Int { requested ?? WorkerPool.processorCount }

  /// The threads that networks are computed on.
  var pool: WorkerPool { requested.map { WorkerPool(threads: $0) } ?? .shared }

  func validate() throws {
    if let requested, !(1...256).contains(requested) {
      throw ValidationError("--threads takes a number from 1 to 256.")
    }
  }
}

struct InputOption: ParsableArguments {
  @Option(
    name: .customLong("input"),
    help: ArgumentHelp(
      "A .npy or .npz file, a PNG or JPEG, a folder of them, or probe:SEED[:COUNT], random values "
        + "that everyone can make; probe:1 if left out.",
      valueName: "INPUT"))
  private var text: String?

  @Option(
    name: .customLong("filter"),
    help: "How images are resized: nearest, bilinear or bicubic; as the family does if left out.")
  private var filter: Preprocessing.Resize.Filter?

  /// Whether anything was said.
  var isGiven: Bool { text != nil || filter != nil }

  func validate() throws {
    if filter != nil, text?.hasPrefix("probe:") ?? true {
      throw ValidationError("--filter says how images are resized: it needs --input with images.")
    }
  }

  /// What to run on.
  var argument: InputArgument? {
    get throws {
      guard let text else { return nil }
      guard let argument = InputArgument(text, filter: filter) else {
        throw ValidationError("'\(text)' is not an input: probe:SEED[:COUNT] has numbers only.")
      }
      return argument
    }
  }
}

/// Refuses options that would do nothing.
///
/// - Throws: `ValidationError` that names the first one that was given.
func requireUnused(_ options: KeyValuePairs<String, Bool>, because reason: String) throws {
  for (name, isGiven) in options where isGiven {
    throw ValidationError("\(name) does nothing \(reason).")
  }
}

extension Preprocessing.Resize.Filter: ExpressibleByArgument {}

import ArgumentParser
import Conversion
package import Families

/// Options that several commands share.
struct FamilyOption: ParsableArguments {
  @Option(
    name: .customLong("family"),
    help: ArgumentHelp(
      "The family of the file; recognised from its names if left out.", valueName: "F"))
  private var id: String?

  /// The family that was asked for.
  var family: Family? {
    get throws {
      guard let id else { return nil }
      guard let family = Family.named(id) else {
        let known = Family.all.map(\.id).joined(separator: ", ")
        throw ValidationError("There is no family '\(id)'. Known families: \(known).")
      }
      return family
    }
  }
}

struct OwnGraphOption: ParsableArguments {
  @Flag(
    name: .customLong("own-graph"), inversion: .prefixedNo,
    help: ArgumentHelp(
      "Whether a Keras file that carries its configuration is also run as that says, layer by layer."
    ))
  var isUsed = true
}

struct ThreadsOption: ParsableArguments {
  @Option(name: .customLong("threads"), help: "How many threads to use; all cores if left out.")
  private var requested: Int?

  /// The number of threads to use.
  var count: Int { requested ?? Tool.coreCount }

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
        + "that everyone can make.",
      valueName: "INPUT"))
  private var text: String?

  @Option(
    name: .customLong("filter"),
    help: "How images are resized: nearest, bilinear or bicubic; as the family does if left out.")
  private var filter: Preprocessing.Resize.Filter?

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

extension Preprocessing.Resize.Filter: ExpressibleByArgument {}

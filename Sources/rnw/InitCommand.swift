import ArgumentParser
import Conversion
import Families
import RNW
import ResNetV2

/// `rnw init`.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Make a network of random weights in any family's names.",
    discussion: """
      The same seed gives the same weights on every machine. Norms are far from the identity, so that mistakes in \
      them show. A name that several families have is taken as Keras'. The extension of the output decides the container: \
      .h5, .keras, .npz, .safetensors, .onnx or .rnw.

      EXAMPLES
        rnw init resnet50_v2 -o random.h5
        rnw init resnet34_v2 --family torch --seed 7 -o random.safetensors
        rnw init --blocks 2,3,2 --classes 10 -o small.h5
      """)

  @Argument(help: "The network, such as resnet50_v2; with --blocks it is left out.")
  var architecture: String?

  @OptionGroup var family: WrittenFamilyOption

  @Option(help: "The seed of the weights.")
  var seed: UInt64 = 1

  @Option(help: "The number of classes; 0 for a network without head.")
  var classes = 1000

  @Option(help: ArgumentHelp("Blocks per stage instead of a named network.", valueName: "N,N,…"))
  var blocks: String?

  @Option(
    name: [.short, .customLong("output")], help: "The file to make.", transform: ArgumentText.output
  )
  var output: String

  @Option(help: "How a .rnw stores its tensors: planes or none; planes if left out.")
  var codec: RNWCodec?

  @OptionGroup var overwrite: OverwriteOption

  @OptionGroup var threads: ThreadsOption

  func validate() throws {
    if blocks != nil, let architecture {
      throw ValidationError(
        "'\(architecture)' and --blocks both say what the network is: one of them was expected.")
    }
    try requireUnused(
      ["--codec": codec != nil && !output.lowercased().hasSuffix(".rnw")],
      because: "where the output is no .rnw")
  }

  func run() throws {
    let (family, configuration) = try network()
    var request = InitializationRequest(
      family: family, configuration: configuration, seed: seed, output: output)
    request.codec = codec ?? .planes
    request.replaces = overwrite.isGiven
    request.threads = threads.count
    let written = try initialize(request).map { try WrittenFile(path: $0).text + "\n" }
    try StandardOutput.write(
      "\(family.architectureName(of: configuration)) of \(family.title), random weights of seed \(seed)\n"
        + written.joined())
  }

  private func network() throws -> (Family, Configuration) {
    guard (0...1 << 20).contains(classes) else {
      throw ValidationError("--classes takes a number from 0 to 1048576.")
    }
    if let blocks {
      let counts = blocks.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
      guard counts.allSatisfy({ $0.map { (1...64).contains($0) } ?? false }), counts.count <= 8
      else {
        throw ValidationError("--blocks takes up to 8 numbers from 1 to 64, such as 3,4,6,3.")
      }
      let family = family.family ?? .keras
      return (
        family,
        family.configuration(
          kind: .bottleneck, blocks: counts.compactMap { $0 }, classes: classes)
      )
    }
    let families = family.family.map { [$0] } ?? Family.all
    for family in families {
      if let architecture,
        let configuration = family.configuration(architecture: architecture, classes: classes)
      {
        return (family, configuration)
      }
    }
    let known = Set(families.flatMap(\.architectureNames)).sorted().joined(separator: ", ")
    throw ValidationError(
      "\(architecture.map { "There is no network '\($0)'." } ?? "A network is missing.") Known: \(known)."
    )
  }
}

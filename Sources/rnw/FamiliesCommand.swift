import ArgumentParser
import Conversion
import Families
import Plain
import Tensors

/// `rnw families`.
struct FamiliesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "families",
    abstract: "List the families of weights that are recognised, by what, and their networks.",
    discussion: """
      EXAMPLES
        rnw families
        rnw families --json
      """)

  @Flag(help: "Print one JSON document.")
  var json = false

  func run() throws {
    let report = FamiliesReport()
    try StandardOutput.write(report, asJSON: json, text: report.text)
  }
}

/// What is recognised, from the families' own values.
private struct FamiliesReport: Encodable {
  private let schema = "rnw.families/1"
  private let families: [Entry]

  private struct Entry: Encodable {
    let id: String
    let title: String
    let networks: [String]
    let recognizedBy: [String]
    let examples: [String]
    let containers: [String]
    let preprocessing: Preprocessing
    let inputSize: Int
    let published: [Published]
    let assumptions: [Assumption]
  }

  private struct Published: Encodable {
    let file: String
    let title: String
    let algorithm: String
    let digest: String
  }

  init() {
    families = Family.all.map { family in
      Entry(
        id: family.id, title: family.title, networks: family.architectureNames,
        recognizedBy: family.fingerprintNames, examples: family.exampleNames,
        containers: family.containers, preprocessing: family.preprocessing,
        inputSize: family.defaultInputSize,
        published: family.published.map {
          Published(
            file: $0.name, title: $0.title, algorithm: $0.digest.algorithm.rawValue,
            digest: $0.digest.digits)
        },
        assumptions: family.usualAssumptions)
    }
  }

  var text: String {
    families.map { family in
      """
      \(family.id.padded(to: 12)) \(family.title)
        networks      \(family.networks.joined(separator: ", ")); any depth and width in the same names
        recognised by \(family.recognizedBy.joined(separator: ", "))
        names         \(family.examples.joined(separator: ", "))
        usually in    \(family.containers.joined(separator: ", "))
        input         \(family.preprocessing.words), \(family.inputSize)×\(family.inputSize)
        assumed       \(family.assumptions.map(\.words).joined(separator: ", "))
      \(family.published.map { "  published     \($0.file), \($0.algorithm) \($0.digest)\n" }.joined())
      """
    }.joined(separator: "\n")
      + "export writes a network in the names of every family that has it: .safetensors, .npz, .h5; .onnx and .keras for any network\n"
  }
}

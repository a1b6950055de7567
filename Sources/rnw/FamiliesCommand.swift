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
    let assumptions: [Assumption]
  }

  init() {
    families = Family.all.map { family in
      Entry(
        id: family.id, title: family.title, networks: family.architectureNames,
        recognizedBy: family.fingerprintNames, examples: family.exampleNames,
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
        assumed       \(family.assumptions.map(\.words).joined(separator: ", "))

      """
    }.joined(separator: "\n")
  }
}

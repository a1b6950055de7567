import ArgumentParser
import Comparison
import Conversion
import Diagnosis
import Reports

/// `rnw diff`.
struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compare the weights of two files, tensor by tensor, across containers and families.",
    discussion: """
      Tensors are paired by what they are in the network, whatever their files call them and however they lie \
      there. Nothing is run. For each tensor that differs: the largest difference, the same in units of the second \
      file's largest value, the cosine, how many values are the same to the bit, and what was done to it, if that \
      is one thing: exchanged with another tensor, channels in another order, transposed, scaled, rounded to \
      float16, bfloat16 or int8. Then the options of the two networks are compared, such as the norms' epsilon: with \
      the same weights they still compute something else where one differs. --by-name looks at tensors alone.

      Exit status: 0 all weights are equal to the bit, and so are the networks' options; 1 they are not; 65, 66 a \
      file cannot be read.

      EXAMPLES
        rnw diff resnet50v2.h5 resnet50v2.keras
        rnw diff half.rnw resnet50v2.h5 --json
        rnw diff before.safetensors after.safetensors --by-name
      """)

  @Argument(help: "The first file, of any kind.")
  var first: String

  @Argument(help: "The second file, in whose units differences are given.")
  var second: String

  @OptionGroup var family: FamilyOption
  @OptionGroup var dictionary: DictionaryOption
  @OptionGroup var told: ToldOptions

  @Flag(help: "Pair tensors by the files' own names; the files may hold anything.")
  var byName = false

  @Flag(help: "List every tensor, in the order of the first file.")
  var all = false

  @OptionGroup var threads: ThreadsOption

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    try requireUnused(
      [
        "--family": byName && family.isGiven,
        "--activation, --pooling, …": byName && told.isGiven,
      ], because: "with --by-name, which knows no families")
    try requireUnused(["--all": all && json], because: "with --json, which has every tensor")
  }

  func run() throws {
    var request = DiffRequest(first: first, second: second)
    request.family = family.family
    request.dictionary = dictionary.name
    request.told = try told.told
    request.goesByName = byName
    request.threads = threads.count
    let comparison = try diff(request)
    try StandardOutput.conclude(passes: comparison.areEqual) {
      try StandardOutput.write(
        WeightRecord(comparison, files: [first, second]), asJSON: json,
        text: WeightReport(maximumRows: all ? nil : 20).text(for: comparison))
    }
  }
}

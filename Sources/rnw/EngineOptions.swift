import ArgumentParser
import Conversion
import Files

/// What an engine of the user's own gives, which is judged.
struct EngineOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Judge what your own engine computed, by the model: an archive of its layers.",
      valueName: "ACTS.npz"))
  var candidate: String?

  @Option(
    help: ArgumentHelp(
      "Which layer each array of the candidate is: {\"my_pool\": \"pool1_pool\"}.",
      valueName: "NAMES.json"))
  var layerNames: String?

  /// Whether an engine is judged.
  var isGiven: Bool { candidate != nil }

  /// The option by which one was given.
  var name: String? { candidate == nil ? nil : "--candidate" }

  func validate() throws {
    try requireUnused(
      ["--layer-names": layerNames != nil && !isGiven],
      because: "without --candidate FILE: no other layers have names to be told")
  }

  /// What is judged; `nil` where no engine is.
  var request: EngineRequest? {
    guard let candidate else { return nil }
    var request = EngineRequest(archive: candidate)
    request.layerNames = layerNames
    return request
  }
}

extension EngineRequest {
  /// The files that are read.
  var paths: [String?] { [archive, layerNames] }

  /// What a report calls the engine.
  var title: String { fileName(of: archive) }
}

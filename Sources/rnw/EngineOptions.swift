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

  @Option(
    help: ArgumentHelp(
      "Judge a program that is asked for its layers, or run once for each {layer}.",
      valueName: "CMD"))
  var runtime: String?

  @Option(
    help: ArgumentHelp(
      "How long the program may take for one answer; 60 s if left out.", valueName: "SECONDS"))
  var runtimeTimeout: Int?

  @Flag(help: "Ask the program twice, and name the first layer that is not the same.")
  var twice = false

  /// Whether an engine is judged.
  var isGiven: Bool { candidate != nil || runtime != nil }

  /// The option by which one was given.
  var name: String? {
    candidate != nil ? "--candidate" : runtime != nil ? "--runtime" : nil
  }

  func validate() throws {
    guard candidate == nil || runtime == nil else {
      throw ValidationError("--candidate and --runtime are two engines: one is judged.")
    }
    guard runtimeTimeout.map({ (1...86_400).contains($0) }) ?? true else {
      throw ValidationError("--runtime-timeout takes 1 to 86400 seconds.")
    }
    try requireUnused(
      ["--layer-names": layerNames != nil && candidate == nil],
      because: "without --candidate FILE: no other layers have names to be told")
    try requireUnused(
      [
        "--runtime-timeout": runtimeTimeout != nil && runtime == nil,
        "--twice": twice && runtime == nil,
      ],
      because: "without --runtime CMD: no program is asked")
    try requireUnused(
      ["--twice": twice && runtime.map(EngineRequest.takesLayers) == true],
      because: "with {layer}: few layers are asked, each in a run of its own")
  }

  /// What is judged; `nil` where no engine is.
  var request: EngineRequest? {
    guard let values = candidate.map(EngineRequest.Values.archive) ?? runtime.map({ .program($0) })
    else { return nil }
    var request = EngineRequest(values)
    request.layerNames = layerNames
    request.seconds = runtimeTimeout ?? request.seconds
    request.isTwice = twice
    return request
  }
}

extension EngineRequest {
  /// The files that are read.
  var paths: [String?] { [archive, layerNames] }

  /// What a report calls the engine.
  var title: String { archive.map(fileName(of:)) ?? name }
}

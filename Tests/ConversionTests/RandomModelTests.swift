import Families
import Files
import Foundation
import Inference
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Conversion
@testable import WeightSources

/// The small share of the random models that real frameworks made: `Fixtures/random_models`.
@Suite("Random models of Keras and PyTorch")
struct RandomModelTests {
  static let limit = 2e-5

  /// One model: a file, what the framework computes, and what the file does not tell.
  struct RandomModel: Decodable, Sendable, CustomTestStringConvertible {
    let framework: String
    let seed: Int
    let file: String
    let expected: String
    let facts: [String: Fact]

    struct Fact: Decodable, Sendable {
      let value: String
      let tell: [String]?
    }

    var testDescription: String { "\(framework) \(seed), \(file)" }
    var folder: String {
      let ending = file.split(separator: ".").last ?? ""
      return "\(framework)-\(seed)-\(ending)"
    }
  }

  static let models: [RandomModel] = (try? load()) ?? []

  private static func load() throws -> [RandomModel] {
    let archive = try ZipArchive(MappedFile(path: Fixture.path("random_models/share.zip")))
    return try archive.members.filter { $0.name.hasSuffix("story.json") }.map {
      try JSONDecoder().decode(
        RandomModel.self, from: Data(try archive.bytes(of: $0, limit: 1 << 20)))
    }
  }

  @Test("All are there, of every framework and every verdict")
  func share() {
    #expect(Self.models.count == 14)
    #expect(Set(Self.models.map(\.framework)) == ["keras", "tf_keras", "torch"])
    #expect(Set(Self.models.map(\.expected)) == ["right", "told", "named"])
  }

  @Test(
    "The written file gives the framework's output on unseen images, or what differs is assumed and can be told",
    arguments: models)
  func judge(_ model: RandomModel) throws {
    let folder = try TemporaryFolder()
    let archive = try ZipArchive(MappedFile(path: Fixture.path("random_models/share.zip")))
    for name in [model.file, "truth.npz"] {
      let member = try #require(archive.member(named: "\(model.folder)/\(name)"))
      try Data(archive.bytes(of: member, limit: 1 << 22)).write(
        to: URL(filePath: folder.file(name)))
    }
    let plain = try error(of: model, in: folder, telling: [])
    guard model.expected != "right" else {
      #expect(plain.error <= Self.limit)
      return
    }
    #expect(plain.error > Self.limit)
    // Every choice of the model that was assumed otherwise.
    let differing = plain.assumptions.compactMap { assumption in
      model.facts[assumption.option].flatMap { Self.isSame(assumption.value, $0.value) ? nil : $0 }
    }
    #expect(!differing.isEmpty)
    guard model.expected == "told" else {
      #expect(differing.contains { $0.tell == nil })
      return
    }
    let told = try error(
      of: model, in: folder, telling: differing.flatMap { $0.tell ?? [] })
    #expect(told.error <= Self.limit)
  }

  /// How far the written file's output is from the framework's, and what was assumed of the source.
  private func error(
    of model: RandomModel, in folder: TemporaryFolder, telling arguments: [String]
  ) throws -> (error: Double, assumptions: [Assumption]) {
    var request = ConversionRequest(source: folder.file(model.file), output: folder.file("x.rnw"))
    request.replaces = true
    for index in stride(from: 0, to: arguments.count, by: 2) {
      try Self.tell(arguments[index], arguments[index + 1], &request)
    }
    let outcome = try convert(request) { _, _ in }
    #expect(outcome.passes)
    let output = try run(
      RunRequest(model: request.output, input: .path(folder.file("truth.npz")))
    ).output
    let truth = try WeightFile.open(folder.file("truth.npz"), dictionary: nil)
      .tensor(named: "output").floats()
    // Without a pooling that the model has, there are more values.
    guard output.values.count == truth.count else { return (.infinity, outcome.assumptions) }
    return (ScaledError(of: output.values, from: truth).value, outcome.assumptions)
  }

  /// An argument of the command line.
  private static func tell(
    _ name: String, _ value: String, _ request: inout ConversionRequest
  ) throws {
    func numbers() -> [Double] { value.split(separator: ",").compactMap { Double($0) } }
    switch name {
    case "--activation":
      request.told.activation =
        value == "none"
        ? Told.LastActivation.none
        : .function(try #require(ActivationFunction(text: value)))
    case "--pooling": request.told.pooling = Told.PoolingKind(rawValue: value)
    case "--epsilon": request.told.epsilon = Double(value)
    case "--input-scale": request.told.inputScale = numbers()
    case "--input-offset": request.told.inputOffset = numbers()
    case "--dictionary": request.dictionary = value
    case "--option":
      let parts = value.split(separator: "=", maxSplits: 1).map(String.init)
      request.told.settings.append(.init(path: parts[0], value: try #require(parts.last)))
    default: Issue.record("\(name) is no argument that tells something")
    }
  }

  /// Whether a value is the one that was assumed; what follows ` at ` is where it stands.
  private static func isSame(_ assumed: String, _ value: String) -> Bool {
    let words = assumed.replacing(#/ (at|rather than) .*/#, with: "")
    if let first = Double(words), let second = Double(value) { return first == second }
    func plain(_ text: String) -> String { text.lowercased().filter { $0.isLetter || $0.isNumber } }
    return plain(words) == plain(value)
  }
}

import Families
import Files
import FoundationEssentials
import Inference
import RNW
import ResNetV2
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

/// Files of weights as people have them, made by real Keras: `Fixtures/kinds`.
@Suite("Kinds of files without a graph")
struct KindsOfFilesTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let file: String
    let truth: String
    let family: String
    /// What must be said of the head or the pool.
    let assumed: [Assumption]

    var testDescription: String { file }

    init(_ file: String, _ truth: String, _ family: String, _ assumed: [(String, String)]) {
      (self.file, self.truth, self.family) = (file, truth, family)
      self.assumed = assumed.map { Assumption(option: $0.0, value: $0.1) }
    }
  }

  static let cases = [
    Case("heads.weights.h5", "heads", "keras", [("head.layers[1].activation", "ReLU at second")]),
    Case(
      "heads.legacy.h5", "heads", "keras",
      [("head.layers[1].activation", "ReLU at second"), ("head.layers", "second before first")]),
    Case(
      "class.weights.h5", "class", "keras", [("parts", "backbone, head and no other arithmetic")]),
    Case("cifar_v1.weights.h5", "cifar_v1", "keras-cifar", [("norm.epsilon", "0.001")]),
    Case("cifar_v1.counted.weights.h5", "cifar_v1", "keras-cifar", [("stem.pool", "none")]),
    Case("cifar_v2.weights.h5", "cifar_v2", "keras-cifar-v2", [("shortcut.input", "raw")]),
    Case("old.legacy.h5", "old", "keras-old", [("norm.epsilon", "0.001")]),
    Case("old.counted.weights.h5", "old", "keras-old", [("norm.epsilon", "0.001")]),
    Case(
      "old_valid.legacy.h5", "old_valid", "keras-old",
      [("stem.pool", "3×3 with stride 2 and no border")]),
    Case(
      "old_valid.counted.weights.h5", "old_valid", "keras-old",
      [("stem.pool", "3×3 with stride 2 and no border")]),
  ]

  @Test(
    "What is written computes what Keras computed, and what was taken is said", arguments: cases)
  func agrees(_ expected: Case) throws {
    let folder = try TemporaryFolder()
    let request = ConversionRequest(
      source: Fixture.path("kinds/\(expected.file)"), output: folder.file("x.rnw"))
    let outcome = try convert(request) { _, _ in }
    #expect(outcome.passes)
    #expect(outcome.model.family.id == expected.family)
    for assumption in expected.assumed {
      #expect(outcome.assumptions.contains(assumption), "\(outcome.assumptions)")
    }
    try expectTruth(expected.truth, of: request.output)
  }

  @Test("Weights of a class with blocks of its own are refused for what its code is")
  func code() throws {
    let folder = try TemporaryFolder()
    let request = ConversionRequest(
      source: Fixture.path("kinds/coded.weights.h5"), output: folder.file("x.rnw"))
    let error = #expect(throws: InputError.self) { try convert(request) { _, _ in } }
    #expect(error?.problem.contains("a model that is written as a class") == true)
    #expect(error?.place == "blocks/block/conv/vars/0")
  }

  @Test("Of counted layers of one shape none is guessed; whoever names the family has its order")
  func ambiguousOrder() throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(
      source: Fixture.path("kinds/cifar_v2.counted.weights.h5"), output: folder.file("x.rnw"))
    let error = #expect(throws: InputError.self) { try convert(request) { _, _ in } }
    #expect(error?.problem == "does not tell which of its counted layers is which")
    request.family = .kerasCIFARV2
    #expect(try convert(request) { _, _ in }.passes)
    try expectTruth("cifar_v2", of: request.output)
  }

  @Test("A listed pooling is known, and cannot be told otherwise")
  func listedPooling() throws {
    let source = Fixture.path("kinds/heads.weights.h5")
    var told = Told()
    told.pooling = .max
    let model = try Model(path: source, told: told)
    #expect(model.graph.configuration.head.pooling == .max)
    #expect(!model.assumptions.contains { $0.option == "head.pooling" })
    told.pooling = .average
    let error = #expect(throws: InputError.self) {
      try Model(path: source, told: told)
    }
    #expect(error?.problem == "lists a layer of another pooling than average")
  }

  @Test("Rules give the names of nobody to a family, and stand in the file's record")
  func rules() throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(
      source: Fixture.path("kinds/rules.npz"), output: folder.file("x.rnw"))
    #expect(throws: InputError.self) { try convert(request) { _, _ in } }
    request.told.rules = try Rules(path: Fixture.path("kinds/rules.json"))
    request.told.pooling = .max
    let outcome = try convert(request) { _, _ in }
    #expect(outcome.passes && outcome.model.family.id == "keras")
    try expectTruth("heads", of: request.output)
    let file = try #require(try WeightFile.open(request.output) as? RNWFile)
    let record: SourceRecord = try file.source()
    #expect(record.waived == ["ema_decay": "by a rule: a number of training"])
    #expect(record.used["stem.conv.weight"] == "enc.c1_c.kernel")
    #expect(
      record.rules?[#"enc\.c1_c\.kernel"#] == "2: conv1_conv/kernel, axes [2, 3, 1, 0]")
    let exported = folder.file("y.npz")
    try export(ExportRequest(model: request.output, output: exported))
    #expect(
      try WeightFile.open(exported).tensors.count == outcome.model.graph.parameters.count)
  }

  @Test(
    "Rules that are none are refused by name",
    arguments: [
      ("{", "it is not JSON"),
      (#"{"schema":"rnw.rules/2","rules":[]}"#, "the schema is not rnw.rules/1"),
      (#"{"schema":"rnw.rules/1","rules":[]}"#, "there is no rule"),
      (#"{"schema":"rnw.rules/1","rules":[{"match":"("}]}"#, "( is no regular expression"),
      (#"{"schema":"rnw.rules/1","rules":[{"match":"a"}]}"#, "name is missing"),
      (#"{"schema":"rnw.rules/1","rules":[{"match":"a","name":"$x"}]}"#, "$x is no name"),
      (#"{"schema":"rnw.rules/1","rules":[{"match":"a","nam":"b"}]}"#, "nam is not known"),
      (
        #"{"schema":"rnw.rules/1","rules":[{"match":"a","name":"b","transpose":[1,1]}]}"#,
        "no order"
      ),
      (#"{"schema":"rnw.rules/1","family":"x","rules":[{"match":"a","name":"b"}]}"#, "no family x"),
    ])
  func brokenRules(_ text: String, _ expected: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([UInt8](text.utf8), to: "rules.json")
    let error = #expect(throws: InputError.self) { try Rules(path: path) }
    #expect(error?.place?.contains(expected) == true, "\(error?.description ?? "")")
  }

  private func expectTruth(_ name: String, of path: String) throws {
    let truth = Fixture.path("kinds/\(name).truth.npz")
    var request = RunRequest(model: path, input: .path(truth))
    request.pool = WorkerPool(threads: 2)
    let outcome = try Conversion.run(request) { _, _ in }
    let expected = try WeightFile.open(truth).tensor(named: "output").floats()
    let error = zip(outcome.output.values, expected).map { abs($0 - $1) }.max() ?? .infinity
    #expect(error < 2e-6, "\(error)")
  }
}

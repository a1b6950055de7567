import Families
import Files
import FoundationEssentials
import Inference
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

@Suite("SavedModels of TF-Keras", .timeLimit(.minutes(30)))
struct SavedModelTests {
  private static let metadata = "keras_metadata.pb"

  /// The fixture with other metadata, or without any.
  private func model(_ metadata: [UInt8]?, in folder: TemporaryFolder) throws -> String {
    try folder.makeFolder("model/variables")
    for name in ["variables.index", "variables.data-00000-of-00001"] {
      _ = try folder.write(
        Fixture.bytes("tensorflow/whole/variables/\(name)"), to: "model/variables/\(name)")
    }
    if let metadata { _ = try folder.write(metadata, to: "model/\(Self.metadata)") }
    return folder.file("model")
  }

  @Test("A whole one computes what TF-Keras computed, and nothing of it is assumed")
  func whole() throws {
    let folder = try TemporaryFolder()
    let truth = Fixture.path("tensorflow/whole.truth.npz")
    var request = ConversionRequest(
      source: Fixture.path("tensorflow/whole"), output: folder.file("x.rnw"))
    request.reference = truth
    let outcome = try convert(request) { _, _ in }
    #expect(outcome.passes)
    #expect(outcome.assumptions.isEmpty)
    var run = RunRequest(model: request.output, input: .path(truth))
    run.pool = WorkerPool(threads: 2)
    let expected = try WeightFile.open(truth).tensor(named: "labels").floats()
    let found = try Conversion.run(run) { _, _ in }.output.values
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 2e-6 })
  }

  @Test("Its tensors are named by its layers, and its metadata is one of its files")
  func names() throws {
    let source = try WeightFile.open(Fixture.path("tensorflow/whole"))
    let names = Set(source.tensors.map(\.name))
    #expect(names.isSuperset(of: ["narrow/conv1_conv/kernel", "labels/bias"]))
    #expect(source.files.map(\.path.lastName).contains(Self.metadata))
    let index = try WeightFile.open(
      Fixture.path("tensorflow/whole/variables/variables.index"))
    #expect(Set(index.tensors.map(\.name)) == names)
  }

  @Test("Without its metadata it is weights alone, of which much is assumed")
  func weights() throws {
    let folder = try TemporaryFolder()
    let source = try model(nil, in: folder)
    let outcome = try convert(ConversionRequest(source: source, output: folder.file("x.rnw"))) {
      _, _ in
    }
    #expect(outcome.assumptions.contains { $0.option == "preprocessing" || $0.option == "input" })
  }

  @Test("Metadata that is cut off or no text of JSON is refused by its name")
  func damaged() throws {
    let folder = try TemporaryFolder()
    let bytes = try Fixture.bytes("tensorflow/whole/\(Self.metadata)")
    let text = try #require(bytes.firstRange(of: Array("class_name".utf8)))
    var changed = bytes
    changed[text.lowerBound - 1] = 0x7B
    for metadata in [Array(bytes[..<1000]), Array(bytes.dropLast()), changed, [0xFF]] {
      let source = try model(metadata, in: folder)
      let error = #expect(throws: InputError.self) { try WeightFile.open(source) }
      #expect(error?.path.hasSuffix(Self.metadata) ?? false, "\(String(describing: error))")
      #expect(error?.kind == .badData)
    }
  }

  @Test("A layer that another layer's place is given for is not taken for it")
  func exchanged() throws {
    let folder = try TemporaryFolder()
    // The places of two layers are exchanged: the bytes of both have the same length.
    let bytes = try Fixture.bytes("tensorflow/whole/\(Self.metadata)")
    let first = Array("root.layer_with_weights-0.layer_with_weights-2".utf8)
    let second = Array("root.layer_with_weights-0.layer_with_weights-5".utf8)
    let one = try #require(bytes.firstRange(of: first))
    let other = try #require(bytes.firstRange(of: second))
    var changed = bytes
    changed.replaceSubrange(one, with: second)
    changed.replaceSubrange(other, with: first)
    let source = try model(changed, in: folder)
    #expect(throws: InputError.self) {
      try convert(ConversionRequest(source: source, output: folder.file("x.rnw"))) { _, _ in }
    }
  }
}

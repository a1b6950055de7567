import Comparison
import Files
import TestSupport
import Testing

@testable import Conversion

@Suite("Layers that were renamed after they were built", .timeLimit(.minutes(30)))
struct RenamedLayerTests {
  private func converted(_ name: String, reference: String? = nil) throws -> ConversionOutcome {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(source: Fixture.path(name), output: folder.file("x.rnw"))
    request.reference = reference.map { Fixture.path($0) }
    return try convert(request) { _, _ in }
  }

  @Test(
    "In a whole .h5 a layer has the weights of its group, whatever they were called",
    arguments: ["renamed", "tf_renamed"])
  func alone(_ name: String) throws {
    let outcome = try converted(
      "keras/changed/\(name).h5", reference: "keras/changed/\(name).activations.npz")
    #expect(outcome.passes)
    #expect(outcome.reference?.layers.count == 1)
  }

  @Test(
    "Within a model, where Keras goes by the order, a name that stands elsewhere is refused",
    arguments: ["renamed_within", "tf_renamed_within"])
  func within(_ name: String) throws {
    let error = #expect(throws: InputError.self) { try converted("keras/changed/\(name).h5") }
    #expect(error?.problem.contains("was renamed after it was built") ?? false)
  }

  @Test(
    "A model within a model whose layers have kept their names is no such file",
    arguments: ["keras/narrow.nested.full.h5", "kinds/fine_tuned.full.h5"])
  func kept(_ name: String) throws {
    #expect(try converted(name).passes)
  }
}

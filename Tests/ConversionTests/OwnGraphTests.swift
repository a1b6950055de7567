import Comparison
import Files
import FoundationEssentials
import RNW
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Conversion

@Suite("The source's own graph as a truth")
struct OwnGraphTests {
  static let small = Fixture.path("keras/changed/plain.keras")

  /// A change that the tensors do not show: the layer, and what is said of it.
  struct Change: Sendable, CustomTestStringConvertible {
    let name: String
    let layer: String
    let explanation: String
    /// Whether the family takes the file for one of its networks.
    var isMapped = true

    var testDescription: String { name }
    var path: String { Fixture.path("keras/changed/\(name).keras") }
  }

  static let changes: [Change] = [
    Change(
      name: "epsilon", layer: "conv2_block2_1_bn",
      explanation: "ε is 1.001e-05, the reference's is 0.001", isMapped: false),
    Change(
      name: "same_pool", layer: "pool1_pool",
      explanation: "it is max-pool 3×3, stride 2, the reference's is MaxPooling2D, window 3×3, "
        + "stride 2, same, after zero padding"),
    Change(
      name: "linear_relu", layer: "conv3_block1_2_relu",
      explanation: "it is ReLU, the reference's is Activation, which changes nothing"),
    Change(
      name: "padding", layer: "conv1_conv",
      explanation: "it is convolution 7×7, stride 2, the reference's is Conv2D, kernel 7×7, "
        + "stride 2, valid, after zero padding"),
    Change(
      name: "stride", layer: "conv2_block2_1_conv",
      explanation: "the stride is 1, the reference's is 2"),
    Change(
      name: "relu_removed", layer: "conv2_block2_2_conv",
      explanation: "it reads conv2_block2_1_relu, the reference's reads conv2_block2_1_bn"),
  ]

  @Test("A change that only the configuration tells is found at its layer", arguments: changes)
  func findsChanges(_ change: Change) throws {
    for isIsolated in [false, true] {
      var request = VerificationRequest(model: Self.small)
      request.input = .probe(seed: 1, count: 2)
      request.mode = isIsolated ? .both : .propagated
      let result = try verify(request, against: change.path) { _, _ in }
      #expect(!result.verdict.passes)
      #expect(result.verdict.culprit?.familyName == change.layer)
      #expect(result.verdict.culprit?.suspicion?.explanation == change.explanation)
    }
  }

  @Test("Without its own graph a changed file passes for what it is not", arguments: changes)
  func needsTheGraph(_ change: Change) throws {
    var request = VerificationRequest(model: Self.small)
    request.usesOwnGraph = false
    guard change.isMapped else {
      #expect(throws: InputError.self) {
        try verify(request, against: change.path) { _, _ in }
      }
      return
    }
    let result = try verify(request, against: change.path) { _, _ in }
    #expect(result.verdict.passes)
  }

  @Test("A changed network is not converted as another one", arguments: changes)
  func convertsNone(_ change: Change) throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(source: change.path, output: folder.file("x.rnw"))
    guard change.name != "stride" else {
      // Another network that there is: its own graph says which.
      let outcome = try convert(request) { _, _ in }
      #expect(outcome.passes)
      #expect(outcome.model.graph.configuration.block.stridedConvolution == .first)
      return
    }
    #expect(throws: InputError.self) { try convert(request) { _, _ in } }
    // By names alone it would be, or it is none of the family.
    request.usesOwnGraph = false
    request.output = folder.file("y.rnw")
    #expect((try? convert(request) { _, _ in })?.passes ?? false == change.isMapped)
  }

  @Test(
    "Every container that carries a configuration is proven by it",
    arguments: [
      "narrow.keras", "narrow.deflated.keras", "narrow.tfkeras.keras", "narrow.keras3.full.h5",
      "narrow.tfkeras.full.h5", "narrow.compiled.full.h5", "narrow.bare.full.h5",
      "narrow.nested.full.h5", "notop.keras", "v1.full.h5", "changed/plain.keras",
    ])
  func proves(_ file: String) throws {
    let folder = try TemporaryFolder()
    let request = ConversionRequest(
      source: Fixture.path("keras/\(file)"), output: folder.file("x.rnw"))
    let outcome = try convert(request) { _, _ in }
    let ownGraph = try #require(outcome.ownGraph)
    #expect(outcome.passes && ownGraph.verdict.isWithinNoise)
    #expect(ownGraph.coverage.missing.isEmpty && ownGraph.coverage.unknown.isEmpty)
    // What is before the last softmax is compared as well: a saturated one would hide differences.
    #expect(ownGraph.layers.map(\.name) == outcome.comparison.layers.map(\.name))
    // What was proven stands in the file.
    let model = try Model(path: folder.file("x.rnw"))
    let certificate: CertificateRecord? = try model.converted?.certificate()
    #expect(certificate?.ownGraph?.layers == ownGraph.verdict.compared)
  }

  @Test("Weights alone are compared by the family's graph")
  func weightsAlone() throws {
    let folder = try TemporaryFolder()
    let request = ConversionRequest(
      source: Fixture.path("keras/narrow.weights.h5"), output: folder.file("x.rnw"))
    let outcome = try convert(request) { _, _ in }
    #expect(outcome.passes && outcome.ownGraph == nil)
  }
}

import Families
import Files
import Plain
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Comparison

@Suite("Files of limits")
struct LimitsFileTests {
  private func read(_ text: String) throws -> [Limits.Override] {
    let family = Family.keras
    let graph = try Graph(family.configuration(kind: .bottleneck, blocks: [1, 1], classes: 5))
    let folder = try TemporaryFolder()
    let path = try folder.write(Array(text.utf8), to: "limits.json")
    return try Limits.Override.read(
      path: path, graph: graph, layerNames: family.layerNames(for: graph))
  }

  @Test("Patterns keep their order, and match either name of a layer")
  func reads() throws {
    let overrides = try read(
      """
      { "*": 1e-5, "conv2_block1_1_bn" : 0.25,
        "stage2.*,probs" : 1E-3 }
      """)
    #expect(overrides.map(\.layers.text) == ["*", "conv2_block1_1_bn", "stage2.*,probs"])
    #expect(overrides.map(\.limit) == [1e-5, 0.25, 1e-3])
    let limits = Limits(standard: 2e-5, overrides: overrides)
    for (name, familyName, limit) in [
      ("stem.conv", "conv1_conv", 1e-5), ("stage1.block1.norm2", "conv2_block1_1_bn", 0.25),
      ("stage2.block1.conv1", "conv3_block1_1_conv", 1e-3),
    ] {
      #expect(limits.limit(name: name, familyName: familyName, isolated: true) == limit)
    }
    #expect(try read("{}").isEmpty)
  }

  static let broken: [(text: String, problem: String)] = [
    ("", "lacks a {"), ("[]", "lacks a {"),
    (#"{"*": 1e-5"#, "lacks a }"),
    (#"{"*": 1e-5,}"#, #"lacks a ""#),
    (#"{"*": 1e-5} 1"#, "goes on after its closing brace"),
    (#"{"*": 0}"#, "has a limit that is no positive number"),
    (#"{"*": -1}"#, "has a limit that is no positive number"),
    (#"{"*": 1e999}"#, "has a limit that is no positive number"),
    (#"{"*": "1"}"#, "has no value where one belongs, or none of JSON"),
    (#"{"*": nan}"#, "has no value where one belongs, or none of JSON"),
    (#"{"*": 1, "*": 2}"#, "has two entries named *"),
    (#"{"": 1}"#, "has a pattern without a character"),
    (#"{"a\u0062": 1}"#, "has a pattern that no layer matches"),
    (#"{"conv9_*": 1}"#, "has a pattern that no layer matches"),
    (#"{"input": 1}"#, "has a pattern that no layer matches"),
  ]

  @Test("What is no such file, or names no layer, is an error that says where", arguments: broken)
  func refuses(_ text: String, _ problem: String) throws {
    let error = #expect(throws: InputError.self) { try read(text) }
    #expect(error?.problem == problem && error?.kind == .badData && error?.place != nil)
  }
}

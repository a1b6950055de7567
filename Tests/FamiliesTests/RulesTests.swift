import Files
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Families

@Suite("A user's own rules for names")
struct RulesTests {
  private static func rename(
    _ match: String, _ name: String, squeezes: Bool = false, order: [Int] = []
  ) throws -> Rules.Rule {
    let template = try #require(NameTemplate(name))
    return .init(
      match: match, action: .rename(template, .init(squeezes: squeezes, order: order)))
  }

  @Test(
    "A template is filled with what was found, and counts",
    arguments: [
      ("a", "a"), ("$1.x", "7.x"), ("${1+1}_$2", "8_b"), ("${1-1}", "6"), ("${2+1}", nil),
      ("$3", nil),
    ])
  func filling(_ template: String, _ expected: String?) throws {
    let name = try #require(NameTemplate(template))
    #expect(name.filled(with: ["whole", "7", "b"]) == expected)
  }

  @Test("What is no template is none", arguments: ["$", "$x", "${1", "${x}", "${1*2}", "a$"])
  func noTemplates(_ text: String) {
    #expect(NameTemplate(text) == nil)
  }

  @Test("Axes are squeezed and put in order as numpy does it")
  func rearranging() throws {
    // numpy.arange(6).reshape(1, 2, 3).squeeze().transpose(1, 0)
    let tensor = TensorData(shape: [1, 2, 3], values: [0, 1, 2, 3, 4, 5])
    let made = Rearrangement(squeezes: true, order: [1, 0]).applied(to: tensor)
    #expect(made.shape == [3, 2] && made.floats() == [0, 3, 1, 4, 2, 5])
    // numpy.arange(6).reshape(1, 2, 3).transpose(2, 0, 1)
    let moved = Rearrangement(order: [2, 0, 1]).applied(to: tensor)
    #expect(moved.shape == [3, 1, 2] && moved.floats() == [0, 3, 1, 4, 2, 5])
    #expect(Rearrangement(order: [1, 0]).shape(of: [1, 2, 3]) == nil)
  }

  private static func source() throws -> KerasNamed {
    try KerasNamed(KerasTests.graph("resnet50_v2", classes: 3)).renaming { "net:" + $0 }
  }

  @Test("Names of nobody become a family's; nothing is lost and nothing twice")
  func renaming() throws {
    let source = try Self.source()
    var told = Told()
    told.rules = Rules(rules: [try Self.rename("net:(.*)", "$1")])
    let mapping = try Mapping(source, told: told)
    #expect(mapping.entries.map(\.parameter) == mapping.graph.parameters)
    #expect(mapping.entries[0].tensor.name.hasPrefix("net:"))
    told.rules = Rules(rules: [try Self.rename("net:(.*)/(.*)", "x/$2")])
    var error = #expect(throws: InputError.self) { try Mapping(source, told: told) }
    #expect(error?.problem == "two tensors for one name")
    told.rules = Rules(
      rules: [
        .init(match: "net:post_bn/gamma", action: .waive("for a test")),
        try Self.rename("net:(.*)", "$1"),
      ], family: "keras")
    error = #expect(throws: InputError.self) { try Mapping(source, told: told) }
    #expect(error?.place?.contains("post_bn/gamma") == true)
    told.rules = Rules(rules: [
      try Self.rename("net:(.*)", "$1"), try Self.rename("never", "x"),
    ])
    error = #expect(throws: InputError.self) { try Mapping(source, told: told) }
    #expect(error?.place?.hasPrefix("rule 2, never") == true)
    told.rules = Rules(rules: [try Self.rename("net:(.*)", "$1", order: [1, 0])])
    error = #expect(throws: InputError.self) { try Mapping(source, told: told) }
    #expect(error?.problem == "has a tensor with other axes than a rule puts in order")
  }

  @Test("A file that no family knows is laid beside the nearest network")
  func nearest() throws {
    let nearest = try #require(NearestNetwork(to: try Self.source(), family: nil))
    #expect(nearest.family.id == "keras")
    #expect(nearest.family.architectureName(of: nearest.graph.configuration) == "resnet50_v2")
    #expect(
      nearest.findings.contains(
        "missing conv1_conv/kernel (64×3×7×7), nearest is net:conv1_conv/kernel"))
  }
}

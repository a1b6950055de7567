import TestSupport
import Testing

@Suite("Networks that differ in options")
struct DifferingOptionTests {
  @Test("verify and diff say which before any table", arguments: ["verify", "diff"])
  func saysFirst(command: String) async throws {
    let folder = try TemporaryFolder()
    let own = try await Self.convert("own.rnw", ["--epsilon", "1e-3"], in: folder)
    let other = try await Self.convert("other.rnw", [], in: folder)
    let sides = command == "diff" ? [own, other] : [own, "--against", other, "--no-diagnosis"]
    let result = try await Program.run([command] + sides)
    #expect(result.status == 1)
    let lines = result.output.split(separator: "\n")
    let said = lines.firstIndex { $0.contains("norm.batch.epsilon is 0.001") }
    let table = lines.firstIndex { $0.hasPrefix("layer ") || $0.hasPrefix("tensor ") }
    #expect(try #require(said) < table ?? lines.endIndex)
  }

  @Test(
    "A layer that does something else of some input fails, whether the probe shows it or not",
    arguments: [
      // No value of the probe is above 6.
      (["--option", "head.layers[1].activation=relu6"], "it is ReLU6, the reference's is ReLU"),
      (["--activation", "sigmoid"], "it is sigmoid, the reference's is softmax"),
    ])
  func fails(options: [String], explanation: String) async throws {
    let folder = try TemporaryFolder()
    let own = try await Self.convert("own.rnw", options, in: folder)
    let other = try await Self.convert("other.rnw", [], in: folder)
    let result = try await Program.run(["verify", own, "--against", other])
    #expect(result.status == 1, "\(result.output)\(result.error)")
    let text = result.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(text.contains(explanation), "\(result.output)")
  }

  @Test("Networks of other layers are refused with what sets them apart")
  func otherLayers() async throws {
    let folder = try TemporaryFolder()
    let scaled = try await Self.convert("scaled.rnw", ["--input-scale", "2"], in: folder)
    let other = try await Self.convert("other.rnw", [], in: folder)
    let result = try await Program.run(["verify", scaled, "--against", other])
    #expect(result.status == 65)
    #expect(result.error.contains("is another network than \(other)"))
    #expect(result.error.contains("inputScale[0] is 2, absent in the reference"))
  }

  private static func convert(
    _ name: String, _ options: [String], in folder: TemporaryFolder
  ) async throws -> String {
    let output = folder.file(name)
    let source = Fixture.path("kinds/heads.weights.h5")
    let result = try await Program.run(["convert", source, "-o", output] + options)
    #expect(result.status == 0, "\(result.error)")
    return output
  }
}

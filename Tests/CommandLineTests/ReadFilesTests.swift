import FoundationEssentials
import TestSupport
import Testing

@Suite("Files that are read and written", .timeLimit(.minutes(30)))
struct ReadFilesTests {
  /// A call that names a file to read as an output; the file is the last argument.
  struct Call: Sendable, CustomTestStringConvertible {
    /// The arguments in words, of which those with a place in them name files of the folder.
    let text: String
    /// What the file is a copy of, where it is none of the folder's.
    var fixture: String?

    var testDescription: String { text }
  }

  /// A model in a folder.
  private static let parts = [
    "config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
  ]

  private static let acts = "keras/narrow.activations.npz"
  private static let picture = "images/rgb.png"
  private static let limits = "keras/limits.json"
  private static let rules = "kinds/rules.json"

  /// Every kind of file that is read, as every kind of output.
  static let calls = [
    Call(text: "run ./s.keras --input ./in.npz -o ./in.npz", fixture: acts),
    Call(text: "run ./s.keras --own-graph --input ./in.npz -o ./in.npz", fixture: acts),
    Call(text: "run ./s.keras --input ./photos -o ./photos/b.npz", fixture: acts),
    Call(text: "run ./s.keras --labels ./labels.npz -o ./labels.npz"),
    Call(text: "run ./s.keras --own-graph --labels ./labels.npz -o ./labels.npz"),
    Call(text: "convert ./s.keras --input ./in.rnw -o ./in.rnw", fixture: acts),
    Call(text: "convert ./s.keras --reference ./ref.rnw -o ./ref.rnw", fixture: acts),
    Call(text: "convert ./r.npz --rules ./rules.rnw -o ./rules.rnw", fixture: rules),
    Call(text: "convert ./r.npz --rules ./r.json -o ./x.rnw --report ./r.json", fixture: rules),
    Call(text: "convert ./hf -o ./x.rnw --report ./hf/config.json"),
    Call(text: "convert ./s.keras --input ./photos --report ./photos/a.md", fixture: picture),
    Call(text: "export ./r.npz --rules ./rules.npz -o ./rules.npz", fixture: rules),
    Call(
      text: "verify ./s.keras --against ./in.npz --per-layer-limit ./l.json --report ./l.json",
      fixture: limits),
    Call(
      text: "verify ./s.keras --candidate ./in.npz --per-layer-limit ./l.xml --report ./l.xml",
      fixture: limits),
    Call(
      text: "verify ./s.keras --against ./s.keras --input ./photos --report ./photos/a.json",
      fixture: picture),
    Call(text: "verify ./s.keras --against ./in.json --report ./in.json", fixture: acts),
    Call(text: "judge ./report.json --per-layer-limit ./l.json --report ./l.json", fixture: limits),
  ]

  @Test("No file that is read is ever replaced, whatever it is read for", arguments: calls)
  func keeps(_ call: Call) async throws {
    let folder = try TemporaryFolder()
    let words = call.text.split(separator: " ").map {
      $0.hasPrefix("./") ? folder.file(String($0.dropFirst(2))) : String($0)
    }
    try folder.makeFolder("photos")
    try folder.makeFolder("hf")
    for name in Self.parts {
      _ = try folder.write(Fixture.bytes("huggingface/bit.parts/\(name)"), to: "hf/\(name)")
    }
    _ = try folder.write(Fixture.bytes("keras/narrow.keras"), to: "s.keras")
    _ = try folder.write(Fixture.bytes("kinds/rules.npz"), to: "r.npz")
    _ = try folder.write(Fixture.bytes(Self.acts), to: "in.npz")
    let labels = (0..<10).map { "thing \($0)" }.joined(separator: "\n")
    _ = try folder.write(Array(labels.utf8), to: "labels.npz")
    if call.text.hasPrefix("judge") {
      let made = try await Program.run([
        "verify", folder.file("s.keras"), "--against", folder.file("in.npz"), "--report",
        folder.file("report.json"),
      ])
      #expect(made.status == 0, "\(made.error)")
    }
    let target = try #require(words.last)
    let name = String(target.dropFirst(folder.path.count + 1))
    if let fixture = call.fixture { _ = try folder.write(Fixture.bytes(fixture), to: name) }
    let before = try folder.read(name)
    let files = try Self.files(in: folder)

    let result = try await Program.run(words + ["--overwrite"])
    #expect(result.status == 73, "\(result)")
    #expect(result.error == "rnw: \(target): is an input and is not replaced\n")
    #expect(try folder.read(name) == before)
    // Nor is anything else made before that is said.
    #expect(try Self.files(in: folder) == files)
  }

  @Test("What stands in a folder of a model, and is no part of it, is replaced")
  func replacesStrangers() async throws {
    let folder = try TemporaryFolder()
    for name in Self.parts {
      _ = try folder.write(Fixture.bytes("huggingface/bit.parts/\(name)"), to: name)
    }
    let call = [
      "convert", folder.path, "-o", folder.file("x.rnw"), "--report", folder.file("x.json"),
    ]
    for extra in [[], ["--overwrite"]] {
      let result = try await Program.run(call + extra)
      #expect(result.status == 0, "\(result.error)")
    }
  }

  private static func files(in folder: borrowing TemporaryFolder) throws -> Set<String> {
    Set(try FileManager.default.subpathsOfDirectory(atPath: folder.path))
  }
}

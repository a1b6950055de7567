import FoundationEssentials
import TestSupport
import Testing

@Suite("Command line")
struct CommandLineTests {
  /// A call, the status it ends with, and what it says on standard error.
  struct Call: Sendable, CustomTestStringConvertible {
    let arguments: [String]
    let status: Int32
    var message = ""

    var testDescription: String { arguments.joined(separator: " ") }
  }

  static let narrow = Fixture.path("keras/narrow.h5")

  static let plain = Fixture.path("keras/changed/plain.keras")
  static let leaky = Fixture.path("keras/changed/leaky.keras")

  static let calls: [Call] = [
    Call(arguments: ["--help"], status: 0), Call(arguments: ["convert", "--help"], status: 0),
    Call(arguments: ["--version"], status: 0), Call(arguments: ["inspect", narrow], status: 0),
    Call(arguments: ["summary", "resnet50_v2", "--depth", "1"], status: 0),
    Call(arguments: ["convert", narrow, "--dry-run"], status: 0),
    Call(
      arguments: [
        "verify", narrow, "--against", Fixture.path("keras/narrow.weights.h5"), "--json",
      ], status: 0),
    Call(
      arguments: ["verify", Fixture.path("keras/broken/swapped.h5"), "--against", narrow], status: 1
    ),
    Call(
      arguments: [
        "verify", narrow, "--against", Fixture.path("keras/narrow.npz"), "--isolated", "--input",
        "probe:1:2", "--per-layer-limit", Fixture.path("keras/limits.json"),
      ], status: 1),
    Call(
      arguments: [
        "verify", narrow, "--against", narrow, "--per-layer-limit",
        Fixture.path("images/broken/text.jpg"),
      ], status: 65, message: "lacks a { (byte 0; one object"),
    Call(
      arguments: ["run", narrow, "--input", Fixture.path("images"), "--top", "1"], status: 65,
      message: "images/decoded.npz: holds 19 arrays and none named input"),
    Call(
      arguments: ["run", narrow, "--input", "probe:1", "--labels", narrow], status: 65,
      message: "is no text"),
    Call(
      arguments: ["run", narrow, "--filter", "sharp"], status: 64, message: "nearest, bilinear"),
    Call(arguments: ["diff", narrow, Fixture.path("keras/narrow.keras")], status: 0),
    Call(arguments: ["diff", narrow, Fixture.path("keras/broken/scaled.h5"), "--json"], status: 1),
    Call(
      arguments: ["diff", narrow, Fixture.path("keras/narrow.activations.npz")], status: 65,
      message: "hint: --by-name compares"),
    Call(arguments: ["diff", narrow, "/nowhere.h5"], status: 66, message: "no such file"),
    Call(
      arguments: ["verify", plain, "--against", Fixture.path("keras/changed/stride.keras")],
      status: 1),
    Call(
      arguments: ["convert", leaky, "-o", "/nowhere/x.rnw"], status: 65,
      message: "(conv3_block1_1_relu, a LeakyReLU, is no part of the network)\nhint: --backbone"),
    Call(arguments: ["verify", plain, "--against", leaky, "--no-own-graph"], status: 0),
    Call(
      arguments: ["run", narrow, "--own-graph"], status: 65,
      message: "describes no graph of its own"),
    Call(arguments: ["run", plain, "--own-graph"], status: 0),
    Call(arguments: ["bogus"], status: 64, message: "there is no command 'bogus'"),
    Call(arguments: ["convert"], status: 64, message: "Missing expected argument"),
    Call(arguments: ["convert", narrow, "--limit", "-1"], status: 64),
    Call(arguments: ["convert", narrow, "--family", "x"], status: 64, message: "'x' is invalid"),
    Call(arguments: ["run", narrow, "--input", "probe:x"], status: 64, message: "is not an input"),
    Call(arguments: ["summary", "resnet50_v2", "--input-size", "1,2"], status: 64),
    Call(
      arguments: ["inspect", Fixture.path("keras/broken/truncated.h5")], status: 65,
      message: "rnw: \(Fixture.path("keras/broken/truncated.h5")): is cut off"),
    Call(arguments: ["verify", narrow], status: 65, message: "has no certificate"),
    Call(
      arguments: ["convert", "/nowhere.h5"], status: 66, message: "rnw: /nowhere.h5: no such file\n"
    ),
    Call(arguments: ["convert", "/"], status: 66, message: "is a directory"),
    Call(
      arguments: ["convert", narrow, "-o", "/dev/null"], status: 73, message: "is not replaced"),
    Call(
      arguments: ["convert", narrow, "-o", narrow, "--overwrite"], status: 73,
      message: "is an input"),
    Call(arguments: ["init", "resnet50_v2", "-o", "/nowhere/x.rnw"], status: 73),
    Call(
      arguments: ["verify", narrow, "--against", narrow, "--report", "-"], status: 73,
      message: "rnw: -: is no file to write a report to (a name that ends in .html, .json, .md or "
        + ".xml was expected)\nhint: --json prints"),
    Call(
      arguments: ["verify", narrow, "--against", narrow, "--report", "a.b/report"], status: 73,
      message: "rnw: a.b/report: has an unknown extension for a report (.html, .json, .md or .xml"),
    Call(
      arguments: ["verify", "/nowhere.h5", "--against", narrow, "--report", "/nowhere/x.html"],
      status: 73, message: "rnw: /nowhere/x.html: cannot be created"),
    Call(
      arguments: ["verify", narrow, "--report", "x.html"], status: 64,
      message: "--report does nothing without --against"),
    Call(
      arguments: ["convert", narrow, "-o", "x.html", "--report", "x.html"], status: 64,
      message: "name the same file"),
    Call(
      arguments: ["init", "resnet50_v2", "-o", "x.tflite"], status: 73,
      message: "has an unknown extension"),
  ]

  @Test("A call ends with its status and says why in one line", arguments: calls)
  func statuses(_ call: Call) async throws {
    let result = try await Program.run(call.arguments)
    #expect(result.status == call.status, "\(result.error)")
    #expect(result.error.contains(call.message), "\(result.error)")
    if [65, 66, 73].contains(call.status) {
      let lines = result.error.split(separator: "\n")
      #expect(lines.first?.hasPrefix("rnw: ") == true)
      #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("hint: ") })
    }
    if call.status == 0 { #expect(!result.output.isEmpty) }
  }

  @Test("JSON documents have a schema and a verdict that scripts can rely on")
  func json() async throws {
    struct Document: Decodable {
      let schema: String
      let verdict: String
      let layers: [Layer]
      let culprit: Culprit?

      struct Layer: Decodable {
        let name: String
        let familyName: String?
        let shape: [Int]
        let maxAbs: Double
        let scaledError: Double
        let limit: Double
        let pass: Bool
      }

      struct Culprit: Decodable {
        let name: String
        let familyName: String?
        let suspicion: String?
      }
    }
    let result = try await Program.run([
      "verify", Fixture.path("keras/broken/swapped.h5"), "--against", Self.narrow, "--json",
    ])
    let document = try JSONDecoder().decode(Document.self, from: Data(result.output.utf8))
    #expect(document.verdict == "fail")
    #expect(document.culprit?.familyName == "conv3_block2_1_bn")
    #expect(document.culprit?.suspicion == "gamma and beta are swapped")
    #expect(document.layers.count == 60)
    #expect(document.layers.contains { !$0.pass && $0.scaledError > $0.limit })
  }

  @Test("Reports are written in every form", arguments: ["html", "json", "md", "xml"])
  func reports(_ ending: String) async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("report.\(ending)")
    let result = try await Program.run([
      "verify", Fixture.path("keras/broken/scaled.h5"), "--against", Self.narrow, "--report", path,
    ])
    #expect(result.status == 1)
    let text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    #expect(text.contains("conv3_block2_1_bn"))
  }

  @Test("A report is judged again: status, every form, and no report replaced by itself")
  func judge() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("report.json")
    let verified = try await Program.run([
      "verify", Self.narrow, "--against", Fixture.path("keras/narrow.activations.npz"), "--report",
      path,
    ])
    let same = try await Program.run(["judge", path])
    #expect(same.status == 0 && verified.output.hasPrefix(same.output))
    let narrower = try await Program.run([
      "judge", path, "--limit", "1e-9", "--report", folder.file("page.html"), "--json",
    ])
    #expect(narrower.status == 1 && narrower.output.contains("\"verdict\" : \"fail\""))
    let page = try String(contentsOf: URL(filePath: folder.file("page.html")), encoding: .utf8)
    #expect(page.contains("✗ FAIL") && page.contains("narrow.h5 against narrow.activations.npz"))
    let replacing = try await Program.run(["judge", path, "--report", path, "--overwrite"])
    #expect(replacing.status == 73)
    #expect(try await Program.run(["judge", folder.file("none.json")]).status == 66)
    #expect(try await Program.run(["judge", Self.narrow]).status == 65)
    #expect(try await Program.run(["judge", path, "--limit", "nan"]).status == 64)
  }

  @Test("A folder is converted to a file beside it that has its name", arguments: ["", "/", "//"])
  func besideFolder(_ slashes: String) async throws {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(
      atPath: Fixture.path("huggingface/bit"), toPath: folder.file("bit"))
    let result = try await Program.run(["convert", folder.file("bit" + slashes)])
    #expect(result.status == 0, "\(result.error)")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(names.sorted() == ["bit", "bit.rnw"])
  }

  @Test("A report replaces no file that is read, and a failed call leaves nothing behind")
  func reportOverInput() async throws {
    let folder = try TemporaryFolder()
    let bytes = try Fixture.bytes("keras/narrow.h5")
    let model = try folder.write(bytes, to: "model.json")
    let report = folder.file("report.html")
    let over = try await Program.run(["verify", model, "--against", Self.narrow, "--report", model])
    #expect(over.status == 73)
    #expect(over.error == "rnw: \(model): is an input and is not replaced\n")
    let missing = try await Program.run([
      "verify", model, "--against", "/no.h5", "--report", report,
    ])
    #expect(missing.status == 66)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model.json"])
    #expect(try Data(contentsOf: URL(filePath: model)) == Data(bytes))
  }
}

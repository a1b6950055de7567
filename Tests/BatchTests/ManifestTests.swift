import Files
import Plain
import TestSupport
import Testing

@testable import Batch

@Suite("Manifests and parts of them")
struct ManifestTests {
  private static let rules = Manifest.Rules(
    own: ["output"], files: ["reference", "rules", "input"], common: ["--codec=none"]
  ) { arguments in
    if let bad = arguments.first(where: { $0.hasPrefix("--bad") }) {
      throw FormatFault(problem: "has options that convert does not take", place: bad)
    }
    return arguments.filter { $0.hasPrefix("--reference=") }.map { String($0.dropFirst(12)) }
  }

  private func items(_ text: String) throws -> [BatchItem] {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array(text.utf8), to: "list.jsonl")
    return try Manifest.items(path: path, rules: Self.rules).map {
      BatchItem(
        name: $0.name, source: $0.source.replacing(folder.path, with: "DIR"),
        options: $0.options.map { $0.replacing(folder.path, with: "DIR") },
        files: $0.files.map { $0.replacing(folder.path, with: "DIR") }, place: $0.place)
    }
  }

  @Test("A line has a source, options by their long names, and paths relative to the manifest")
  func line() throws {
    let second =
      "{\"source\": \"/x/c.h5\", \"name\": \"third\", \"precision\": \"float16\", \"limit\": 1e-4, "
      + "\"bake\": true, \"own-graph\": false, \"ignore\": [\"a*\", \"b\"], \"reference\": \"r.npz\", "
      + "\"input\": \"probe:1:2\"}"
    let items = try items("{\"source\": \"a/b.h5\"}\n\n\(second)\r\n")
    #expect(items.map(\.name) == ["a/b.h5", "third"])
    #expect(items.map(\.source) == ["DIR/a/b.h5", "/x/c.h5"])
    #expect(items[0].options == ["--codec=none"])
    #expect(
      items[1].options == [
        "--codec=none", "--bake", "--ignore=a*", "--ignore=b", "--input=probe:1:2",
        "--limit=0.0001",
        "--no-own-graph", "--precision=float16", "--reference=DIR/r.npz",
      ])
    #expect(items[1].files == ["DIR/r.npz"])
  }

  @Test(
    "A line that is wrong is named by file and number",
    arguments: [
      ("[]", "is no object"), ("{\"source\": 3}", "no text for a source"),
      ("{}", "names no source"),
      ("{\"source\": \"a\", \"source\": \"b\"}", "two entries"),
      ("{\"source\": \"a\"", "lacks a }"),
      ("{\"source\": \"a\", \"output\": \"b\"}", "no option of an item"),
      ("{\"source\": \"a\", \"--x\": \"b\"}", "no option of an item"),
      ("{\"source\": \"a\", \"x\": null}", "no value for an option"),
      ("{\"source\": \"a\", \"x\": [[1]]}", "no value for an option"),
      ("{\"source\": \"a\", \"x\": {}}", "no value for an option"),
      ("{\"source\": \"a\", \"bad\": 1}", "--bad=1"),
      ("{\"source\": \"\"}", "no text for a source"),
      ("{\"source\": \"a\\u0000b\"}", "no text for a source"), ("nonsense", "this line"),
    ])
  func badLine(_ line: String, _ expected: String) throws {
    let error = #expect(throws: InputError.self) { try items("{\"source\": \"good\"}\n\(line)\n") }
    #expect(error?.path.hasSuffix("list.jsonl:2") == true)
    #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    #expect(error?.description.contains("\n") == false)
  }

  @Test(
    "A name of an item never leads out of the folder",
    arguments: [
      ("/a/b.h5", "a/b.h5"), ("../../a.h5", "a.h5"), ("./a//b/../c", "a/b/c"), ("..", "model"),
    ])
  func names(_ path: String, _ name: String) {
    #expect(BatchItem.name(of: path) == name)
  }

  @Test("Two items of one name are refused, and both are named")
  func twice() throws {
    let items = ["b", "a", "b"].enumerated().map {
      BatchItem(name: $1, source: $1, options: [], files: [], place: "list:\($0 + 1)")
    }
    let error = #expect(throws: InputError.self) { _ = try BatchItem.sorted(items) }
    #expect(error?.path == "list:3")
    #expect(error?.place == "b is that of list:1")
    #expect(try BatchItem.sorted(Array(items.prefix(2))).map(\.name) == ["a", "b"])
  }

  @Test("Parts are all of it, and nothing twice", arguments: [1, 2, 3, 7, 11])
  func parts(_ count: Int) throws {
    let elements = Array(0..<10)
    let parts = try (1...count).map { try #require(Shard("\($0)/\(count)")).part(of: elements) }
    #expect(parts.flatMap { $0 }.sorted() == elements)
    let sizes = parts.map(\.count)
    #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
  }

  @Test(
    "What is no part is none",
    arguments: ["0/3", "4/3", "1", "1/0", "a/b", "1/2/3", "-1/2", "1/", "1/999999999"])
  func noPart(_ text: String) { #expect(Shard(text) == nil) }
}

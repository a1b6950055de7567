import FoundationEssentials
import TestSupport
import Testing

/// A Keras model that is no residual network, by the graph that its file carries.
@Suite("Models without a family", .serialized)
struct OwnNetworkTests {
  static let model = Fixture.path("kinds/other.keras")
  static let changed = Fixture.path("kinds/other.changed.keras")
  static let activations = Fixture.path("kinds/other.activations.npz")

  @Test("It runs, in every container, as Keras ran it")
  func runs() async throws {
    let results = try await [Self.model, Fixture.path("kinds/other.full.h5")].asyncMap {
      try await Program.run(["run", $0, "--input", Self.activations, "--top", "5"])
    }
    #expect(results.allSatisfy { $0.status == 0 && $0.output.contains("its own graph") })
    #expect(results[0].output == results[1].output)
  }

  @Test("It is verified against what Keras computed, and a change is found at its layer")
  func verifies() async throws {
    let right = try await Program.run(["verify", Self.model, "--against", Self.activations])
    #expect(right.status == 0, "\(right.error)")
    #expect(right.output.contains("PASS: 9 layers of the model's own graph compared"))
    let wrong = try await Program.run(["verify", Self.changed, "--against", Self.activations])
    #expect(wrong.status == 1)
    #expect(wrong.output.contains("culprit   norm, a BatchNormalization"))
    let other = try await Program.run(["verify", Self.changed, "--against", Self.model, "--json"])
    #expect(other.status == 1)
    let document = try JSONDecoder().decode(Document.self, from: Data(other.output.utf8))
    #expect(document.verdict == "fail" && document.culprit?.name == "norm")
    #expect(document.layers.filter { !$0.pass }.map(\.name) == ["norm", "mean", "classes"])
    let same = try await Program.run(
      ["verify", Self.model, "--against", Fixture.path("kinds/other.full.h5")])
    #expect(same.status == 0)
    let none = try await Program.run(
      ["verify", Self.model, "--against", Fixture.path("kinds/rules.npz")])
    #expect(
      none.status == 65 && none.error.contains("nothing that this model can be compared with"))
  }

  @Test("Weights and options that no value shows do not pass, and are named")
  func comparesWeights() async throws {
    let near = Fixture.path("kinds/other.near.keras")
    let result = try await Program.run(["verify", near, "--against", Self.model, "--json"])
    #expect(result.status == 1, "\(result.error)")
    let document = try JSONDecoder().decode(Document.self, from: Data(result.output.utf8))
    #expect(document.verdict == "fail" && document.layers.allSatisfy(\.pass))
    #expect(document.agreement?.different == ["classes/kernel"])
    #expect(document.agreement?.options.isEmpty == true)
    let text = try await Program.run(["verify", near, "--against", Self.model])
    #expect(text.output.contains("FAIL, by the model's own graph: 1 of 12 tensors differ"))
    // A limit that someone asks for holds for weights as well.
    let allowed = try await Program.run(
      ["verify", near, "--against", Self.model, "--limit", "1e-4"])
    #expect(allowed.status == 0, "\(allowed.output)")
    let other = try await Program.run(["verify", Self.changed, "--against", Self.model])
    #expect(other.output.contains("option    norm is BatchNormalization"))
    let values = try await Program.run([
      "verify", Self.model, "--against", Self.activations, "--json",
    ])
    let alone = try JSONDecoder().decode(Document.self, from: Data(values.output.utf8))
    #expect(alone.verdict == "pass" && alone.agreement == nil)
  }

  @Test(
    "What does nothing for such a model is refused by name",
    arguments: [
      ["--report", "x.html"], ["--report", "x.md"], ["--report", "x.JSON"], ["--isolated"],
      ["--per-layer-limit", "x.json"],
      ["--family", "keras"], ["--activation", "softmax"], ["--no-own-graph"],
    ])
  func refuses(_ option: [String]) async throws {
    let folder = try TemporaryFolder()
    let limits = try folder.write(Array("{\"*\": 1e-4}".utf8), to: "x.json")
    let arguments = option.map {
      $0 == "x.json" ? limits : $0.hasPrefix("x.") ? folder.file($0) : $0
    }
    for other in [Self.activations, Fixture.path("kinds/other.full.h5")] {
      let result = try await Program.run(["verify", Self.model, "--against", other] + arguments)
      #expect(result.status == 64, "\(result.output)\(result.error)")
      #expect(result.error.contains("\(option[0])"))
      #expect(result.error.contains("does nothing for a model that is only known by its own graph"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["x.json"])
    }
  }

  @Test("Its comparison is written as JUnit for build servers, as that of a network of a family is")
  func writesJUnit() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("x.xml")
    func report(_ arguments: [String], status: Int32) async throws -> String {
      let result = try await Program.run(
        ["verify"] + arguments + ["--report", path, "--overwrite"])
      #expect(result.status == status, "\(result.output)\(result.error)")
      #expect(result.output.contains("wrote \(path)"))
      return String(decoding: try folder.read("x.xml"), as: UTF8.self)
    }
    let right = try await report([Self.model, "--against", Self.activations], status: 0)
    #expect(right.contains("<testsuite name=\"other.keras against other.activations.npz\""))
    #expect(right.contains("tests=\"9\" failures=\"0\" errors=\"0\" time="))
    #expect(right.contains("PASS: 9 layers of the model&#39;s own graph compared"))
    // Both sides have weights and layers: a case for each of these.
    let wrong = try await report([Self.changed, "--against", Self.model], status: 1)
    #expect(wrong.contains("tests=\"11\" failures=\"4\""))
    #expect(wrong.components(separatedBy: "<failure ").count - 1 == 4)
    #expect(wrong.contains("name=\"norm\">\n      <failure type=\"limit\" message=\"error "))
    #expect(wrong.components(separatedBy: "; the first wrong layer").count - 1 == 1)
    #expect(wrong.contains("name=\"(functions)\">") && wrong.contains("name=\"(weights)\"/>"))
    let near = Fixture.path("kinds/other.near.keras")
    let weights = try await report([near, "--against", Self.model], status: 1)
    #expect(weights.contains("message=\"1 of 12 tensors differ\">classes/kernel</failure>"))
    let engine = try await report([Self.changed, "--candidate", Self.activations], status: 1)
    #expect(
      engine.contains("<testsuite name=\"other.activations.npz against other.changed.keras\""))
    #expect(engine.contains("the first wrong layer: your norm adds ε = 0.001"))
    // A file that is there is not replaced without being told so.
    let again = try await Program.run([
      "verify", Self.model, "--against", Self.activations, "--report", path,
    ])
    #expect(again.status == 73)
  }

  private struct Document: Decodable {
    let verdict: String
    let layers: [Layer]
    let culprit: Culprit?
    let agreement: Agreement?
    let suspicion: String?

    struct Agreement: Decodable {
      let different: [String]
      let options: [String]
    }

    struct Layer: Decodable {
      let name: String
      let pass: Bool
      let isolatedError: Double?
    }

    struct Culprit: Decodable { let name: String }
  }

  @Test("An engine is judged by it: what it does instead is named at its layer")
  func judges() async throws {
    let right = try await Program.run(["verify", Self.model, "--candidate", Self.activations])
    #expect(right.status == 0, "\(right.error)")
    #expect(right.output.contains("PASS: 9 layers of the model's own graph compared"))
    // The engine is right; the model that it is judged by adds another ε.
    let wrong = try await Program.run(["verify", Self.changed, "--candidate", Self.activations])
    #expect(wrong.status == 1)
    #expect(wrong.output.contains("culprit   norm, a BatchNormalization"))
    #expect(wrong.output.contains("your norm adds ε = 0.001; this network adds 0.1 (put right"))
    let json = try await Program.run([
      "verify", Self.changed, "--candidate", Self.activations, "--json",
    ])
    let document = try JSONDecoder().decode(Document.self, from: Data(json.output.utf8))
    #expect(document.culprit?.name == "norm" && document.suspicion?.contains("adds ε") == true)
    // The layers after the wrong one are right by themselves.
    #expect(document.layers.filter { $0.isolatedError ?? 1 > 2e-5 }.map(\.name) == ["norm"])
  }

  @Test(
    "Arrays of an engine's own names are those of a list; without any of a layer there is nothing to judge"
  )
  func judgesOwnNames() async throws {
    let folder = try TemporaryFolder()
    var bytes = try [UInt8](Data(contentsOf: URL(filePath: Self.activations)))
    // The names of a ZIP archive's members are no part of any checksum.
    for name in ["scaled", "wide", "pool", "left", "right", "both", "norm", "mean", "classes"] {
      let own = name.prefix(1).uppercased() + name.dropFirst()
      bytes.replace(Array("\(name).npy".utf8), with: Array("\(own).npy".utf8))
    }
    let renamed = try folder.write(bytes, to: "own.npz")
    let unnamed = try await Program.run(["verify", Self.model, "--candidate", renamed])
    #expect(unnamed.status == 65 && unnamed.error.contains("has none of the layers"))
    let names = try folder.write(
      Array(#"{"Pool": "pool", "Classes": "classes"}"#.utf8), to: "names.json")
    let named = try await Program.run([
      "verify", Self.model, "--candidate", renamed, "--layer-names", names,
    ])
    #expect(named.status == 0, "\(named.output)\(named.error)")
    #expect(named.output.contains("PASS: 2 layers"))
    #expect(named.output.contains("missing   scaled, wide, left, right, both, norm, mean"))
    let first = try folder.write(Array(#"{"Pool": "pool"}"#.utf8), to: "first.json")
    let partial = try await Program.run([
      "verify", Self.model, "--candidate", renamed, "--layer-names", first,
    ])
    #expect(partial.status == 0)
    #expect(partial.output.contains("the output, classes, is not there: nothing is said of it"))
    let wrong = try folder.write(Array(#"{"Pool": "pond"}"#.utf8), to: "wrong.json")
    let refused = try await Program.run([
      "verify", Self.model, "--candidate", renamed, "--layer-names", wrong,
    ])
    #expect(
      refused.status == 65 && refused.error.contains("names a layer that the network has not"))
  }

  @Test("A comparison of no layer is none", arguments: ["--candidate", "--against"])
  func comparesSomething(_ option: String) async throws {
    let result = try await Program.run([
      "verify", Self.model, option, Self.activations, "--layers", "nope",
    ])
    #expect(result.status == 65 && result.output.isEmpty, "\(result.output)")
    #expect(result.error.contains("has none of the layers that were asked for"))
  }

  @Test("Its weights and its layers' options are compared")
  func differs() async throws {
    let equal = try await Program.run(["diff", Self.model, Fixture.path("kinds/other.full.h5")])
    #expect(equal.status == 0, "\(equal.output)\(equal.error)")
    let changed = try await Program.run(["diff", Self.model, Self.changed])
    #expect(changed.status == 1 && changed.output.contains("1 option"))
    #expect(changed.output.contains("norm is BatchNormalization, ε 0.001, of both in the first"))
  }

  @Test("It is summarised with the counts that Keras gives")
  func summarises() async throws {
    let table = try await Program.run(["summary", Self.model])
    #expect(table.status == 0 && table.output.contains("BatchNormalization (norm)"))
    // model.count_params(): 112 + 15 + 74 + 20 + 30.
    #expect(table.output.contains("Total params: 251"))
    #expect(table.output.contains("Non-trainable params: 10"))
    let listed = try await Program.run(["inspect", Self.model])
    #expect(listed.status == 0 && listed.output.contains("wide/kernel"))
  }

  @Test("It is not converted")
  func isNotConverted() async throws {
    let folder = try TemporaryFolder()
    let result = try await Program.run(["convert", Self.model, "-o", folder.file("x.rnw")])
    #expect(result.status == 65 && result.error.contains("no ResNet of known options"))
  }

  @Test("The mapping of names that no family knows is printed beside the nearest network")
  func dryRun() async throws {
    let unknown = Fixture.path("kinds/rules.npz")
    let plain = try await Program.run(["convert", unknown, "--dry-run"])
    #expect(plain.status == 65)
    #expect(plain.output.contains("does not fit: missing conv1"))
    let rules = Fixture.path("kinds/rules.json")
    let mapped = try await Program.run(["convert", unknown, "--rules", rules, "--dry-run"])
    #expect(mapped.status == 0, "\(mapped.error)")
    #expect(mapped.output.contains("passed over: ema_decay, by a rule: a number of training"))
    let missing = try await Program.run(["convert", unknown, "--rules", "/nowhere.json"])
    #expect(missing.status == 66)
  }
}

extension [String] {
  fileprivate func asyncMap<Result>(
    _ transform: (String) async throws -> Result
  ) async throws -> [Result] {
    var results: [Result] = []
    for element in self { results.append(try await transform(element)) }
    return results
  }
}

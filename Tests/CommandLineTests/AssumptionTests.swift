import FoundationEssentials
import TestSupport
import Testing

/// What a file of weights does not tell is said, and can be told.
@Suite("Assumptions", .serialized)
struct AssumptionTests {
  static let narrow = Fixture.path("keras/narrow.h5")
  static let whole = Fixture.path("keras/narrow.keras")

  struct Document: Decodable {
    let verdict: String
    let assumptions: [Assumption]

    struct Assumption: Decodable, Hashable {
      let option: String
      let value: String
    }

    var options: Set<String> { Set(assumptions.map(\.option)) }
  }

  private func convert(
    _ source: String, to output: String, _ more: [String] = []
  ) async throws -> Document {
    let result = try await Program.run(
      ["convert", source, "-o", output, "--overwrite", "--json"] + more)
    #expect(result.status == 0, "\(result.error)")
    return try JSONDecoder().decode(Document.self, from: Data(result.output.utf8))
  }

  @Test("A file of weights passes with what it does not tell, everywhere")
  func weights() async throws {
    let folder = try TemporaryFolder()
    let output = folder.file("x.rnw")
    let document = try await convert(Self.narrow, to: output)
    #expect(document.assumptions.contains(.init(option: "head.activation", value: "softmax")))
    #expect(
      document.options.isSuperset(of: ["head.pooling", "norm.epsilon", "input", "stem.pool"]))
    let check = try await Program.run(["verify", output])
    #expect(check.output.contains("PASS, with \(document.assumptions.count) things"))
    #expect(check.output.contains("\nassumed: softmax at the end, average pooling"))
    let compared = try await Program.run(["verify", output, "--against", Self.narrow])
    let words = "PASS, with \(document.assumptions.count) things the file does not tell"
    #expect(compared.output.contains(words))
    for ending in ["html", "md", "xml"] {
      let report = folder.file("x.\(ending)")
      _ = try await Program.run(["verify", output, "--against", Self.narrow, "--report", report])
      let text = String(decoding: try Data(contentsOf: URL(filePath: report)), as: UTF8.self)
      #expect(text.contains("assumed") && text.contains("softmax at the end"))
    }
  }

  @Test("A file that carries its graph, or is compared with its framework, is told")
  func told() async throws {
    let folder = try TemporaryFolder()
    let output = folder.file("x.rnw")
    #expect(try await convert(Self.whole, to: output).assumptions.isEmpty)
    #expect(try await Program.run(["verify", output]).output.hasSuffix("PASS\n"))
    // Recorded layers do not tell what comes after the last one.
    let archive = Fixture.path("keras/narrow.activations.npz")
    let framework = try await convert(Self.narrow, to: output, ["--reference", archive])
    #expect(framework.options == ["head.activation", "arithmetic"])
    // What is not compared is not told.
    #expect(try await !convert(Self.whole, to: output, ["--no-own-graph"]).assumptions.isEmpty)
  }

  @Test("What is told is taken, leaves the list, and is recorded in the file")
  func telling() async throws {
    let folder = try TemporaryFolder()
    let output = folder.file("x.rnw")
    let all = try await convert(Self.narrow, to: output)
    for (arguments, option, place) in [
      (["--activation", "sigmoid"], "head.activation", "head.activation"),
      (["--activation", "none"], "head.activation", "head.activation"),
      (["--activation", "leakyRelu:0.2"], "head.activation", "head.activation"),
      (["--pooling", "max"], "head.pooling", "head.pooling"),
      (["--epsilon", "1e-3"], "norm.epsilon", "norm.epsilon"),
      (["--input-scale", "0.5", "--input-offset", "1,2,3"], "input", "input.scale"),
      (["--option", "block.stridedBlock=first"], "block.stridedBlock", "block.stridedBlock"),
      (["--option", "stages[0].stride=1"], "stages.stride", "stages[0].stride"),
      (["--option", "stem.pool=none"], "stem.pool", "stem.pool"),
      (["--option", "stem.pool.padding=same"], "stem.pool", "stem.pool.padding"),
      (
        ["--option", #"stem.pool={"size":2,"stride":2,"padding":"zero"}"#], "stem.pool", "stem.pool"
      ),
      (["--option", "convolutionPadding=same"], "convolutionPadding", "convolutionPadding"),
      (["--option", "ending=norm"], "ending", "ending"),
      (["--option", "reversesInputChannels=true"], "input", "reversesInputChannels"),
    ] {
      let document = try await convert(Self.narrow, to: output, arguments)
      #expect(!document.options.contains(option), "\(arguments)")
      #expect(document.options.isSubset(of: all.options), "\(arguments)")
      let metadata = try await Program.run(["inspect", output, "--json"]).output
      #expect(metadata.contains("\\\"told\\\":{") && metadata.contains("\\\"\(place)\\\":"))
      // The certificate holds for the network that was told.
      #expect(try await Program.run(["verify", output]).status == 0)
      let run = try await Program.run(["run", output, "--input", "probe:1", "--json"])
      let same = try await Program.run(
        ["run", Self.narrow, "--input", "probe:1", "--json"] + arguments)
      #expect(run.output == same.output && run.status == 0, "\(run.error) \(same.error)")
    }
  }

  @Test("What a network is told to put out is among the activations that are written")
  func output() async throws {
    let folder = try TemporaryFolder()
    let archive = folder.file("x.npz")
    for (arguments, last) in [
      ([], "fc"), (["--activation", "sigmoid"], "head.activation"),
    ] as [([String], String)] {
      let result = try await Program.run(
        [
          "run", Fixture.path("torch/basic.pth"), "--input", "probe:1", "-o", archive,
          "--overwrite",
        ]
          + arguments)
      #expect(result.status == 0, "\(result.error)")
      let arrays = try await Program.run(["inspect", archive, "--json"]).output
      #expect(arrays.contains("\"\(last)\""))
    }
  }

  @Test("What a file tells itself cannot be told otherwise, and no network is what it cannot be")
  func contradictions() async throws {
    let folder = try TemporaryFolder()
    let output = folder.file("x.rnw")
    for (source, arguments, message) in [
      (Self.whole, ["--activation", "sigmoid"], "tells another head.activation itself"),
      (Self.whole, ["--epsilon", "1e-3"], "tells another norm.epsilon"),
      (Self.narrow, ["--option", "block.nothing=1"], "block.nothing"),
      (Self.narrow, ["--option", "block.stridedBlock=middle"], "cannot be middle"),
      (Self.narrow, ["--option", "stages[7].stride=1"], "there is no option stages[7].stride"),
      (Self.narrow, ["--input-scale", "1,2"], "--input-scale has 2 numbers for 3 channels"),
      (Self.narrow, ["--pooling", "flatten"], "nothing is flattened"),
      (Self.narrow, ["--ignore", "nope*"], "has no tensor called 'nope*'"),
      (Self.narrow, ["--ignore", "conv1_conv/*"], "does not fit"),
    ] {
      let result = try await Program.run(["convert", source, "-o", output] + arguments)
      #expect(result.status == 65, "\(arguments)")
      #expect(result.error.contains(message), "\(result.error)")
    }
    let same = try await convert(Self.whole, to: output, ["--activation", "softmax"])
    #expect(same.verdict == "pass")
    for arguments in [
      ["--activation", "wobble"], ["--epsilon", "0"], ["--pooling", "sum"], ["--option", "x"],
      ["--input-scale", "a"],
    ] {
      #expect(
        try await Program.run(["convert", Self.narrow, "-o", output] + arguments).status == 64)
    }
  }

  @Test("What shapes show to be another network is refused until it is told")
  func shapes() async throws {
    let folder = try TemporaryFolder()
    let (source, output) = (folder.file("x.npz"), folder.file("x.rnw"))
    let made = try await Program.run(["init", "--blocks", "1,1", "--classes", "1", "-o", source])
    #expect(made.status == 0)
    let refused = try await Program.run(["convert", source, "-o", output])
    #expect(refused.status == 65)
    #expect(refused.error.contains("has one class"))
    #expect(refused.error.contains("--activation sigmoid"))
    // Its logit is −21: what float32 does not tell of that, the sigmoid multiplies.
    for activation in ["none", "sigmoid", "softplus", "silu", "elu"] {
      #expect(
        try await convert(source, to: output, ["--activation", activation]).verdict == "pass")
    }
  }

  @Test("The mapping is printed above all where it does not fit")
  func mapping() async throws {
    let misnamed = Fixture.path("keras/broken/missing.h5")
    try #require(FileManager.default.fileExists(atPath: misnamed))
    let result = try await Program.run(["convert", misnamed, "--dry-run"])
    #expect(result.status == 65)
    #expect(result.output.contains("does not fit: missing"))
    #expect(result.output.contains("  from conv1_conv/"))
    let families = try await Program.run(["families"])
    #expect(families.status == 0)
    #expect(families.output.contains("conv2_block1_preact_bn/gamma"))
  }
}

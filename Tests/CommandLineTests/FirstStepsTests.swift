import FoundationEssentials
import TestSupport
import Testing

/// What a person meets who has just got the tool.
@Suite("First steps")
struct FirstStepsTests {
  static let narrow = Fixture.path("keras/narrow.keras")

  @Test(
    "Without arguments, the first steps are shown; a word that is nearly a command is asked for")
  func guides() async throws {
    let none = try await Program.run([])
    #expect(none.status == 64 && none.error.contains("rnw convert FILE -o OUT.rnw"))
    let near = try await Program.run(["vrify", "x"])
    #expect(near.status == 64 && near.error.contains("did you mean 'rnw verify'?"))
    let far = try await Program.run(["mogrify"])
    #expect(far.status == 64 && far.error.contains("rnw --help lists the commands"))
    let missing = try await Program.run(["nothing.h5"])
    #expect(
      missing.status == 64 && missing.error.contains("nothing.h5: no such file, and no command"))
  }

  @Test("A file alone is inspected")
  func inspects() async throws {
    let alone = try await Program.run([Self.narrow])
    let named = try await Program.run(["inspect", Self.narrow])
    #expect(alone.status == 0 && alone.output == named.output)
    #expect(alone.output.contains("network       resnet(2-3), family keras"))
  }

  @Test(
    "Errors are documents too where --json asks for them",
    arguments: [
      (["verify", "/nowhere.rnw", "--json"], 66, "/nowhere.rnw: no such file", "missing"),
      (["run", narrow, "--top", "0", "--json"], 64, "--top takes a number from 1 to 1000.", nil),
      (
        ["convert", Fixture.path("keras/broken/truncated.h5"), "-o", "/nowhere/x.rnw", "--json"],
        65,
        "is cut off", "malformed"
      ),
      (["vrify", "--json"], 64, "there is no command 'vrify'", nil),
    ] as [([String], Int32, String, String?)])
  func tellsPrograms(_ arguments: [String], status: Int32, problem: String, reason: String?)
    async throws
  {
    let result = try await Program.run(arguments)
    #expect(result.status == status, "\(result.error)")
    let document = try JSONDecoder().decode(ErrorDocument.self, from: Data(result.output.utf8))
    #expect(document.schema == "rnw.error/1" && document.status == status)
    #expect(document.error.contains(problem))
    #expect(document.reason == reason)
    #expect(result.error.contains(problem))
    // Without it, standard output is what is asked for and nothing else.
    let plain = try await Program.run(arguments.filter { $0 != "--json" })
    #expect(plain.output.isEmpty && plain.status == status)
  }

  private struct ErrorDocument: Decodable {
    let schema: String
    let error: String
    let status: Int32
    let reason: String?
  }

  @Test("What is wrong with an option is said with the usage of its command")
  func showsUsage() async throws {
    for option in [["--threads", "0"], ["--limit", "x"], ["--bogus"], ["--input", "probe:x"]] {
      let result = try await Program.run(
        ["verify", Self.narrow, "--against", Self.narrow] + option)
      #expect(result.status == 64 && result.error.contains("Usage: rnw verify"), "\(result.error)")
    }
  }

  @Test(
    "A conversion that passes is told in a line for each proof, with --all in tables, with --quiet not at all"
  )
  func convertsBriefly() async throws {
    let folder = try TemporaryFolder()
    func convert(_ options: String...) async throws -> Program.Result {
      try await Program.run(
        ["convert", Self.narrow, "-o", folder.file("a.rnw"), "--overwrite"] + options)
    }
    let brief = try await convert()
    #expect(brief.status == 0 && brief.output.split(separator: "\n").count <= 8, "\(brief.output)")
    #expect(
      brief.output.contains("PASS: 60 layers compared, all within limits: file against source"))
    #expect(brief.output.contains("network against the source's own graph"))
    let all = try await convert("--all")
    #expect(all.output.contains("conv3_block3_2_relu") && all.output.contains("× limit"))
    let quiet = try await convert("--quiet")
    #expect(quiet.status == 0 && quiet.output.isEmpty)
    // What a file does not tell is said all the same.
    let assumed = try await Program.run([
      "convert", Fixture.path("kinds/fine_tuned.weights.h5"), "-o", folder.file("b.rnw"), "--quiet",
    ])
    #expect(assumed.status == 0 && assumed.output.contains("15 things the file does not tell"))
    let both = try await convert("--quiet", "--all")
    #expect(both.status == 64)
  }

  @Test("A conversion that fails shows the table of what fails, even with --quiet")
  func failsLoudly() async throws {
    let folder = try TemporaryFolder()
    let result = try await Program.run([
      "convert", Fixture.path("keras/broken/swapped.h5"), "-o", folder.file("a.rnw"), "--quiet",
      "--reference", Fixture.path("keras/narrow.activations.npz"),
    ])
    #expect(result.status == 1 && result.output.contains("FAIL: "))
    #expect(result.output.contains("gamma and beta are swapped"))
    #expect(result.output.contains("limits    would pass from"))
  }

  @Test("The tool tells what it runs on")
  func describesItself() async throws {
    let text = try await Program.run(["doctor"])
    #expect(text.status == 0, "\(text.error)")
    for word in ["rnw ", "system ", "processor ", "kernels ", "HDF5 ", "zlib "] {
      #expect(text.output.contains("\n\(word)") || text.output.hasPrefix(word))
    }
    let broken = try await Program.run(["doctor"], environment: ["RNW_HDF5": "/nowhere/rnw-hdf5"])
    #expect(broken.status == 1 && broken.output.contains("MISSING"))
  }

  @Test(
    "Tensors are listed in any order and by name, and one text of the metadata is printed whole")
  func listsTensors() async throws {
    let file = Fixture.path("torch/basic.pth")
    let sorted = try await Program.run(["inspect", file, "--sort", "size", "--filter", "*weight"])
    let sizes = sorted.output.split(separator: "\n").drop { !$0.hasPrefix("tensor ") }.dropFirst()
      .compactMap { line in
        line.split(separator: " ").dropFirst(2).first.flatMap { Int($0.replacing(",", with: "")) }
      }
    #expect(sizes.count > 5 && sizes == sizes.sorted(by: >))
    let key = try await Program.run([
      "inspect", Fixture.path("rnw/narrow.float32.planes.rnw"), "--key", "rnw.version",
    ])
    #expect(key.status == 0 && key.output == "1.0\n", "\(key.error)")
    let none = try await Program.run(["inspect", Self.narrow, "--key", "nothing"])
    #expect(none.status == 65 && none.error.contains("has no metadata of this name (nothing)"))
  }

  @Test("An input that is not prepared, or lies the other way round, is remarked on")
  func remarksOnInput() async throws {
    let folder = try TemporaryFolder()
    let first = try folder.write(
      npy("(1, 3, 32, 40)", [Float](repeating: 0.5, count: 3840)), to: "first.npy")
    let wrong = try await Program.run(["run", Self.narrow, "--input", first])
    #expect(wrong.status == 65 && wrong.error.contains("transpose(0, 2, 3, 1)"))
    let raw = try folder.write(
      npy("(1, 32, 40, 3)", [Float](repeating: 200, count: 3840)), to: "raw.npy")
    let pixels = try await Program.run(["run", Self.narrow, "--input", raw])
    #expect(pixels.status == 0 && pixels.output.contains("the values of raw.npy reach 200"))
    let right = try folder.write(
      npy("(1, 32, 40, 3)", [Float](repeating: 0.7, count: 3840)), to: "right.npy")
    let prepared = try await Program.run(["run", Self.narrow, "--input", right])
    #expect(prepared.status == 0 && !prepared.output.contains("note:"))
    let none = try await Program.run(["run", Self.narrow])
    #expect(none.output.contains("there is no --input"))
  }

  @Test("A page for a pull request has no folders of the machine; what was written is told")
  func hidesFolders() async throws {
    let folder = try TemporaryFolder()
    let page = folder.file("page.md")
    let result = try await Program.run([
      "verify", Self.narrow, "--against", Self.narrow, "--report", page,
    ])
    #expect(result.status == 0 && result.output.contains("wrote \(page), "))
    let text = String(decoding: try Data(contentsOf: URL(filePath: page)), as: UTF8.self)
    #expect(text.contains("rnw verify narrow.keras --against narrow.keras --report page.md"))
    #expect(!text.contains(folder.path))
  }

  /// An array as `numpy.save` writes it.
  private func npy(_ shape: String, _ values: [Float]) -> [UInt8] {
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }"
    header += String(repeating: " ", count: 63 - (10 + header.count) % 64) + "\n"
    let start: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
    let size = UInt16(header.utf8.count).littleEndian
    let length = withUnsafeBytes(of: size) { Array($0) }
    let data = values.withUnsafeBytes { Array($0) }
    return start + length + Array(header.utf8) + data
  }

  @Test(
    "Examples in help stand on a line of their own, whole",
    arguments: [
      "convert", "verify", "judge", "diff", "inspect", "summary", "run", "export", "init", "bench",
      "families", "doctor",
    ])
  func printsExamplesWhole(_ command: String) async throws {
    let help = try await Program.run([command, "--help"]).output
    let lines = help.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(
      lines.firstIndex { $0.hasSuffix("EXAMPLES") || $0.hasPrefix("EXAMPLES") })
    let examples = lines[(start + 1)...].prefix { !$0.isEmpty }
    #expect(!examples.isEmpty)
    for example in examples {
      #expect(example.trimmingPrefix(while: { $0 == " " }).hasPrefix("rnw "), "\(example)")
    }
  }
}

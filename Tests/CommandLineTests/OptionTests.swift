import FoundationEssentials
import Subprocess
import TestSupport
import Testing

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

@Suite("Options", .serialized)
struct OptionTests {
  static let narrow = Fixture.path("keras/narrow.h5")

  /// Calls with an option that has no effect, and what is said of it.
  static let idle: [(arguments: [String], message: String)] = [
    (["convert", narrow, "--max-error", "1"], "--max-error does nothing without a --precision"),
    (
      ["convert", narrow, "--precision", "float32", "--max-error", "1"], "--max-error does nothing"
    ),
    (["convert", narrow, "--dry-run", "-o", "x.rnw"], "--output does nothing with --dry-run"),
    (["convert", narrow, "--dry-run", "--codec", "none"], "--codec does nothing"),
    (["convert", narrow, "--dry-run", "--input", "probe:1"], "--input does nothing"),
    (["convert", narrow, "--dry-run", "--overwrite"], "--overwrite does nothing"),
    (["convert", narrow, "--dry-run", "--accept-invalid"], "--accept-invalid does nothing"),
    (["convert", narrow, "--filter", "nearest"], "--filter says how images are resized"),
    (["verify", narrow, "--limit", "1"], "--limit does nothing without --against"),
    (["verify", narrow, "--isolated"], "--isolated does nothing without --against"),
    (["verify", narrow, "--layers", "x"], "--layers does nothing without --against"),
    (["verify", narrow, "--all"], "--all does nothing without --against"),
    (["verify", narrow, "--family", "keras"], "--family does nothing without --against"),
    (["verify", narrow, "--input", "probe:1"], "--input or --filter does nothing without"),
    (["verify", narrow, "--no-own-graph"], "--own-graph does nothing without --against"),
    (["verify", narrow, "--against", narrow, "--all", "--json"], "--all does nothing with --json"),
    (["verify", narrow, "--against", narrow, "--overwrite"], "--overwrite does nothing"),
    (["diff", narrow, narrow, "--by-name", "--family", "keras"], "--family does nothing"),
    (["diff", narrow, narrow, "--all", "--json"], "--all does nothing with --json"),
    (["summary", "resnet50_v2", "--json", "--columns", "params"], "--columns does nothing"),
    (["summary", "resnet50_v2", "--format", "svg", "--json"], "--json does nothing"),
    (["summary", "resnet50_v2", "--format", "svg", "--depth", "1"], "--depth does nothing"),
    (
      ["summary", "resnet50_v2", "--format", "html", "--columns", "params"],
      "--columns does nothing"
    ),
    (["run", narrow, "--layers", "x"], "--layers does nothing without --output"),
    (["run", narrow, "--overwrite"], "--overwrite does nothing without --output"),
    (["init", "--blocks", "1,1", "resnet50_v2", "-o", "x.h5"], "both say what the network is"),
    (["init", "resnet50_v2", "--codec", "none", "-o", "x.h5"], "--codec does nothing"),
    (["bench", narrow, "--load", "--size", "64"], "--size does nothing with --load"),
    (["bench", narrow, "--codec", "--family", "keras"], "--family does nothing with --codec"),
    (["bench", narrow, "--check", "--repetitions", "2"], "--repetitions does nothing"),
  ]

  @Test("An option that would do nothing is a mistake, and said", arguments: idle)
  func idleOptions(_ arguments: [String], _ message: String) async throws {
    let result = try await Program.run(arguments)
    #expect(result.status == 64)
    #expect(result.error.contains(message), "\(result.error)")
    #expect(result.output.isEmpty != arguments.contains("--json"))
  }

  @Test(
    "An output without a name is refused before anything is read",
    arguments: [
      ["convert", "/nowhere.h5", "-o", ""], ["convert", "/nowhere.h5", "--report", ""],
      ["verify", "/nowhere.h5", "--against", "/nowhere.h5", "--report", ""],
      ["judge", "/nowhere.json", "--report", ""], ["run", "/nowhere.h5", "-o", ""],
      ["export", "/nowhere.h5", "-o", ""], ["init", "resnet50_v2", "-o", ""],
      ["batch", "/nowhere", "-o", ""], ["merge", "/nowhere", "-o", ""],
      ["merge", "/nowhere", "--report", ""],
    ])
  func emptyOutput(_ arguments: [String]) async throws {
    let result = try await Program.run(arguments)
    #expect(result.status == 64)
    #expect(result.error.contains("an empty name is none of a file"), "\(result.error)")
  }

  @Test("An argument that is not UTF-8 is named, and no other file is taken or made for it")
  func otherBytes() async throws {
    let folder = try TemporaryFolder()
    for call in [
      "inspect \"$2\"/$'\\xff'.h5", "convert \"$1\" -o \"$2\"/$'\\xff'.rnw",
      "verify \"$1\" --against \"$2\"/$'\\xff'.h5 --json", "$'\\xff'",
    ] {
      // A shell that takes bytes by number: sh need not.
      let script = call.replacing("$'\\xff'", with: "\"$(printf '\\377')\"")
      let result = try await Subprocess.run(
        .path("/bin/sh"),
        arguments: ["-c", "exec \"$0\" \(script)", Program.path, Self.narrow, folder.path],
        output: .string(limit: 1 << 16), error: .string(limit: 1 << 16))
      #expect(result.terminationStatus == .exited(64))
      let error = result.standardError
      #expect(error.hasPrefix("rnw: argument "), "\(error)")
      #expect(error.contains("is not UTF-8: ") && error.contains("\\xFF"), "\(error)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test(
    "--force names the two options that it was", arguments: ["convert", "init", "run", "export"])
  func force(_ command: String) async throws {
    let result = try await Program.run([command, "x", "-o", "x.npz", "--force"])
    #expect(result.status == 64)
    #expect(result.error.contains("--overwrite replaces the output"))
    #expect(result.error.contains("--accept-invalid"))
  }

  @Test("No file is replaced unasked, and every file where that is asked for")
  func overwrite() async throws {
    let folder = try TemporaryFolder()
    let model = folder.file("model.rnw")
    for (name, arguments) in [
      ("model.rnw", ["convert", Self.narrow, "-o"]), ("run.npz", ["run", Self.narrow, "-o"]),
      ("x.npz", ["export", Self.narrow, "-o"]), ("y.npz", ["init", "--blocks", "1,1", "-o"]),
      ("x.html", ["verify", model, "--against", Self.narrow, "--report"]),
    ] {
      let arguments = arguments + [folder.file(name)]
      #expect(try await Program.run(arguments).status == 0)
      let again = try await Program.run(arguments)
      #expect(again.status == 73, "\(name)")
      #expect(again.error.hasSuffix("exists already\nhint: --overwrite replaces it\n"))
      #expect(try await Program.run(arguments + ["--overwrite"]).status == 0)
    }
  }

  @Test(
    "Values that no trained network has are taken only where that is asked for, whatever is replaced"
  )
  func invalidValues() async throws {
    let folder = try TemporaryFolder()
    let output = folder.file("x.rnw")
    let arguments = ["convert", Fixture.path("keras/broken/nan.h5"), "-o", output]
    for more in [[], ["--overwrite"]] {
      let refused = try await Program.run(arguments + more)
      #expect(refused.status == 65)
      #expect(refused.error.contains("hint: --accept-invalid converts it all the same"))
    }
    // Whether it then passes is another question.
    #expect(try await Program.run(arguments + ["--accept-invalid"]).status < 2)
  }

  @Test("A pattern of layers says how many it left out, and one that matches nothing is a mistake")
  func layers() async throws {
    let folder = try TemporaryFolder()
    let some = try await Program.run(
      ["verify", Self.narrow, "--against", Self.narrow, "--layers", "conv3_block1_*_conv"])
    #expect(some.output.contains(": 4 of 60 layers (those named conv3_block1_*_conv) compared"))
    let archive = folder.file("x.npz")
    for arguments in [
      ["verify", Self.narrow, "--against", Self.narrow], ["run", Self.narrow, "-o", archive],
      ["run", Fixture.path("keras/narrow.keras"), "--own-graph", "-o", archive],
    ] {
      let none = try await Program.run(arguments + ["--layers", "nope*"])
      #expect(none.status == 65)
      #expect(none.error.contains("layer") && none.error.contains("'nope*'"))
    }
    #expect(!FileManager.default.fileExists(atPath: archive))
  }

  @Test("An ending promises a container: another one is not written under it")
  func endings() async throws {
    let folder = try TemporaryFolder()
    for (command, ending) in [
      ("run", "h5"), ("run", "npy"), ("run", "rnw"), ("convert", "h5"), ("convert", "npz"),
      ("convert", "keras"), ("convert", "weights.h5"), ("export", "pth"), ("init", "pth"),
    ] {
      let model = command == "init" ? ["--blocks", "1,1"] : [Self.narrow]
      let result = try await Program.run([command] + model + ["-o", folder.file("x.\(ending)")])
      #expect(result.status == 73, "\(command) \(ending)")
      #expect(result.error.contains("extension"))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test(
    "A file without a name is called as its source, whose known ending goes and whose other dots stay",
    arguments: [
      ("model-1.2.h5", "model-1.2.rnw"), ("a.weights.h5", "a.rnw"), ("v1.0", "v1.0.rnw"),
      (".h5", ".h5.rnw"), ("B.H5", "B.rnw"), ("x.pth.tar", "x.rnw"),
    ])
  func defaultName(_ source: String, _ expected: String) async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Fixture.bytes("keras/narrow.h5"), to: source)
    #expect(try await Program.run(["convert", path]).status == 0)
    #expect(FileManager.default.fileExists(atPath: folder.file(expected)))
  }

  @Test("Activations of another shape are the fault of their file")
  func referenceOfAnotherShape() async throws {
    let folder = try TemporaryFolder()
    let other = folder.file("other.rnw")
    let made = try await Program.run(["init", "--blocks", "1,1", "--classes", "3", "-o", other])
    #expect(made.status == 0)
    let archive = folder.file("x.npz")
    #expect(try await Program.run(["run", other, "-o", archive]).status == 0)
    for call in [
      ["convert", Self.narrow, "-o", folder.file("x.rnw"), "--reference", archive],
      ["verify", Self.narrow, "--against", archive],
    ] {
      let result = try await Program.run(call)
      #expect(result.status == 65)
      #expect(result.error.hasPrefix("rnw: \(archive): array "), "\(result.error)")
    }
  }
}

import FoundationEssentials
import Subprocess
import TestSupport
import Testing

#if canImport(System)
  import System
#else
  import SystemPackage
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("Batches", .timeLimit(.minutes(30)))
struct BatchCommandTests {
  /// A folder of models, one of them below another folder.
  private func models(_ count: Int, in folder: TemporaryFolder) throws -> String {
    let bytes = try Fixture.bytes("keras/narrow.npz")
    try folder.makeFolder("in/below")
    for number in 0..<count {
      _ = try folder.write(bytes, to: "in/\(number == 0 ? "below/" : "")model\(number).npz")
    }
    return folder.file("in")
  }

  private func batch(_ arguments: String..., environment: [String: String] = [:]) async throws
    -> (status: Int32, report: BatchDocument, error: String)
  {
    let result = try await Program.run(
      ["batch", "--json"] + arguments, environment: environment)
    do {
      let report = try JSONDecoder().decode(BatchDocument.self, from: Data(result.output.utf8))
      return (result.status, report, result.error)
    } catch {
      Issue.record("\(result)")
      throw error
    }
  }

  @Test("A second run does nothing, and what has changed or is gone is done again")
  func again() async throws {
    let folder = try TemporaryFolder()
    let (source, out) = (try models(4, in: folder), folder.file("out"))
    let first = try await batch(source, "-o", out)
    #expect(first.status == 0)
    #expect(first.report.counts == [4, 4, 0, 4, 0, 0, 0])
    #expect(FileManager.default.fileExists(atPath: "\(out)/models/below/model0.npz.rnw"))
    let second = try await batch(source, "-o", out)
    #expect(second.report.counts == [4, 0, 4, 4, 0, 0, 0])

    // Another network under the same name.
    _ = try folder.write(try Fixture.bytes("keras/narrow.safetensors"), to: "in/model1.npz")
    #expect(try await batch(source, "-o", out).report.done == 1)
    // A file that is gone, and one that is not what was written.
    unlink("\(out)/models/model2.npz.rnw")
    try Data("x".utf8).write(to: URL(filePath: "\(out)/models/model3.npz.rnw"))
    #expect(try await batch(source, "-o", out).report.done == 2)
    // Other options, and what each record is of.
    #expect(try await batch(source, "-o", out, "--", "--codec", "none").report.done == 4)
    #expect(try await batch(source, "-o", out, "--", "--codec", "none").report.done == 0)
    let merged = try await Program.run(["merge", out])
    #expect(merged.status == 0 && merged.output.hasPrefix("PASS: 4 models\n"))
  }

  @Test("A batch beside its sources, or by a pattern, never takes what it has written for an item")
  func besideItsSources() async throws {
    let folder = try TemporaryFolder()
    let source = try models(2, in: folder)
    for run in 0..<3 {
      let result = try await batch(source, "-o", source)
      #expect(result.status == 0)
      #expect(result.report.counts == [2, run == 0 ? 2 : 0, run == 0 ? 0 : 2, 2, 0, 0, 0])
    }
    let pattern = try await batch(source + "/*/*", "-o", source)
    #expect(pattern.report.counts[0] == 1)
  }

  @Test("Each hostile item is quarantined by name, and all others are done")
  func hostile() async throws {
    let folder = try TemporaryFolder()
    let (source, out) = (try models(3, in: folder), folder.file("out"))
    let h5 = try Fixture.bytes("keras/narrow.h5")
    for name in ["crash", "hang", "good"] { _ = try folder.write(h5, to: "in/\(name).h5") }
    _ = try folder.write(Array(h5.prefix(5000)), to: "in/cut.h5")
    _ = try folder.write(Self.bomb, to: "in/bomb.npz")
    #expect(mkfifo(folder.file("in/fifo.h5"), 0o600) == 0)
    _ = try folder.write(Array("a note".utf8), to: "in/readme.txt")
    // The program that reads HDF5 is one that crashes on a file, and waits for ever on another.
    let helper = Program.path + "-hdf5"
    let script = """
      #!/bin/sh
      case "$2" in *crash.h5) kill -SEGV $$;; *hang.h5) sleep 1000;; esac
      exec \(helper) "$@"
      """
    let fake = try folder.write(Array(script.utf8), to: "helper")
    #expect(chmod(fake, 0o700) == 0)
    let result = try await batch(
      source, "-o", out, "--timeout", "60", "--jobs", "2", environment: ["RNW_HDF5": fake])
    #expect(result.status == 1)
    #expect(result.report.counts == [9, 9, 0, 4, 0, 5, 0])
    #expect(result.report.skipped == 1)
    let causes = Dictionary(
      uniqueKeysWithValues: result.report.troubles.map { ($0.name, $0.cause) })
    #expect(
      causes == [
        "bomb.npz": "input", "crash.h5": "input", "cut.h5": "input", "fifo.h5": "unreadable",
        "hang.h5": "time",
      ])
    for name in causes.keys { #expect(result.error.contains("rnw: \(name): quarantined (")) }
    #expect(
      result.report.troubles.first { $0.name == "hang.h5" }?.message
        == "took longer than 60 seconds")
    #expect(try leftovers(in: out).isEmpty)
    // They are not tried again, but for what more time may be enough for.
    #expect(try await batch(source, "-o", out, "--timeout", "60").report.done == 0)
    #expect(
      try await batch(source, "-o", out, "--timeout", "300").report.counts == [9, 1, 8, 5, 0, 4, 0])
    let merged = try await Program.run(["merge", out])
    #expect(merged.status == 1)
    #expect(merged.output.contains("5 pass, 4 quarantined"))
  }

  /// An archive of a member that inflates to far more than it declares to be.
  private static let bomb: [UInt8] = {
    // A real archive whose member is cut to nonsense is not enough: the sizes in the directory are changed.
    var bytes = (try? Fixture.bytes("keras/narrow.npz")) ?? []
    let mark: [UInt8] = [0x50, 0x4B, 0x01, 0x02]
    for index in bytes.indices.dropLast(46) where Array(bytes[index..<index + 4]) == mark {
      bytes.replaceSubrange(index + 24..<index + 28, with: [0, 0, 0, 0x7F])
    }
    return bytes
  }()

  @Test("What may pass is tried again, and recorded as what is not final")
  func retries() async throws {
    let folder = try TemporaryFolder()
    let (source, out) = (try models(1, in: folder), folder.file("out"))
    // Where the file would go there is a folder.
    try folder.makeFolder("out/models/below/model0.npz.rnw")
    let result = try await batch(source, "-o", out, "--retries", "1")
    #expect(result.status == 74)
    #expect(result.report.counts == [1, 1, 0, 0, 0, 0, 1])
    #expect(result.report.troubles.first?.cause == "output")
    rmdir("\(out)/models/below/model0.npz.rnw")
    #expect(try await batch(source, "-o", out).report.counts == [1, 1, 0, 1, 0, 0, 0])
  }

  @Test("A file that only the conversion knows of counts as well")
  func external() async throws {
    let folder = try TemporaryFolder()
    let out = folder.file("out")
    let source = try folder.write(try Fixture.bytes("onnx/external.onnx"), to: "external.onnx")
    let bytes = try Fixture.bytes("onnx/external.onnx.data")
    let data = try folder.write(bytes, to: "external.onnx.data")
    #expect(try await batch(source, "-o", out).report.counts == [1, 1, 0, 1, 0, 0, 0])
    #expect(try await batch(source, "-o", out).report.done == 0)
    // The same content, though another file.
    _ = try folder.write(bytes, to: "external.onnx.data")
    #expect(try await batch(source, "-o", out).report.done == 0)
    var changed = bytes
    changed[changed.count / 2] ^= 1
    _ = try folder.write(changed, to: "external.onnx.data")
    #expect(try await batch(source, "-o", out).report.done == 1)
    unlink(data)
    #expect(try await batch(source, "-o", out).report.counts == [1, 1, 0, 0, 0, 1, 0])
    #expect(!FileManager.default.fileExists(atPath: "\(out)/models\(source).rnw"))
  }

  #if os(Linux)
    @Test(
      "What needs more memory than it may have is quarantined as such, and done under a wider limit"
    )
    func memory() async throws {
      let folder = try TemporaryFolder()
      let (source, out) = (try models(1, in: folder), folder.file("out"))
      let strict = try await batch(source, "-o", out, "--memory", "16")
      #expect(strict.report.counts == [1, 1, 0, 0, 0, 1, 0])
      #expect(strict.report.troubles.first?.cause == "memory")
      #expect(try await batch(source, "-o", out, "--memory", "16").report.done == 0)
      #expect(try await batch(source, "-o", out).report.counts == [1, 1, 0, 1, 0, 0, 0])
    }
  #endif

  @Test("Parts that run apart make the verdict of the whole, to the byte")
  func shards() async throws {
    let folder = try TemporaryFolder()
    let source = try models(5, in: folder)
    _ = try folder.write(Array("PK".utf8), to: "in/broken.npz")
    #expect(try await batch(source, "-o", folder.file("whole")).status == 1)
    for number in 1...3 {
      _ = try await batch(source, "-o", folder.file("part\(number % 2)"), "--shard", "\(number)/3")
    }
    let parts = [folder.file("part1"), folder.file("part0")]
    let whole = try await Program.run(["merge", folder.file("whole"), "--json"])
    #expect(try await Program.run(["merge"] + parts + ["--json"]).output == whole.output)
    // A verdict of one part, and the records of the other.
    let verdict = folder.file("part.json")
    #expect(try await Program.run(["merge", parts[0], "-o", verdict]).status >= 0)
    let mixed = try await Program.run(["merge", parts[1], verdict, "--json"])
    #expect(mixed.output == whole.output && mixed.status == 1)
  }

  @Test("A dry run names items and the files that each needs, opens none and writes nothing")
  func dryRun() async throws {
    let folder = try TemporaryFolder()
    for name in [
      "in/a.npz", "in/hf/config.json", "in/hf/model.safetensors", "in/tf/model.ckpt.index",
      "in/tf/model.ckpt.data-00000-of-00001", "in/notes.txt", "truth.npz",
    ] {
      try folder.makeFolder(String(name.split(separator: "/").dropLast().joined(separator: "/")))
      _ = try folder.write([], to: name)
    }
    let (source, out) = (folder.file("in"), folder.file("out"))
    func plan(_ arguments: String...) async throws -> BatchPlanDocument {
      let result = try await Program.run(
        ["batch", "-o", out, "--dry-run", "--json"] + arguments)
      #expect(result.status == 0)
      return try JSONDecoder().decode(BatchPlanDocument.self, from: Data(result.output.utf8))
    }
    let all = try await plan(
      source, "--", "--limit", "1e-4", "--reference", folder.file("truth.npz"))
    #expect(all.skipped == 1)
    #expect(all.items.map(\.name) == ["a.npz", "hf", "tf/model.ckpt.index"])
    #expect(
      all.items.allSatisfy {
        $0.options.first == "--limit" && $0.files.last == folder.file("truth.npz")
      })
    #expect(
      all.items.map { $0.files.dropLast().map { String($0.dropFirst(source.count + 1)) } } == [
        ["a.npz"], ["hf/config.json", "hf/model.safetensors"],
        ["tf/model.ckpt.index", "tf/model.ckpt.data-00000-of-00001"],
      ])
    #expect(try await plan(source, "--shard", "2/3").items.map(\.name) == ["hf"])
    #expect(!FileManager.default.fileExists(atPath: out))
    let text = try await Program.run(["batch", source, "-o", out, "--dry-run"])
    #expect(text.output.hasSuffix("3 items; 1 file of no model\n"))
    for unused in [["--verify"], ["--timeout", "9"], ["--memory", "9"], ["--retries", "9"]] {
      let result = try await Program.run(["batch", source, "-o", out, "--dry-run"] + unused)
      #expect(result.status == 64 && result.error.contains("\(unused[0]) does nothing"))
    }
  }

  @Test("A verdict is judged again by a limit, as the reports of the conversions are")
  func limit() async throws {
    let folder = try TemporaryFolder()
    let (source, out) = (try models(1, in: folder), folder.file("out"))
    #expect(try await batch(source, "-o", out).status == 0)
    let report = folder.file("report.json")
    let converted = try await Program.run([
      "convert", "\(source)/below/model0.npz", "-o", folder.file("x.rnw"), "--report", report,
    ])
    #expect(converted.status == 0)
    for limit in ["1e-9", "3e-6", "4e-6", "1e-3"] {
      let judged = try await Program.run(["judge", report, "--limit", limit]).status
      let merged = try await Program.run(["merge", out, "--limit", limit])
      #expect(merged.status == judged, "\(limit): \(merged.output)")
    }
  }

  @Test("A manifest gives each line its own options, and a wrong line is named")
  func manifest() async throws {
    let folder = try TemporaryFolder()
    _ = try models(2, in: folder)
    let out = folder.file("out")
    _ = try folder.write(try Fixture.bytes("keras/narrow.activations.npz"), to: "truth.npz")
    let good = """
      {"source": "in/model1.npz", "reference": "truth.npz"}
      {"source": "in/model1.npz", "name": "half", "precision": "float16"}
      """
    let manifest = try folder.write(Array(good.utf8), to: "list.jsonl")
    #expect(try await batch(manifest, "-o", out).report.counts == [2, 2, 0, 2, 0, 0, 0])
    // The activations are part of what a record is of.
    _ = try folder.write(try Fixture.bytes("keras/notop.activations.npz"), to: "truth.npz")
    let changed = try await batch(manifest, "-o", out)
    #expect(changed.report.done == 1 && changed.report.pass == 1)
    for (line, expected) in [
      ("{\"source\": \"a\", \"precision\": \"float17\"}", "float17"),
      ("{\"source\": \"a\", \"jobs\": 3}", "--jobs"),
      ("{\"source\": \"in/model1.npz\"}", "has the name of another item"),
    ] {
      let path = try folder.write(Array((good + "\n" + line).utf8), to: "bad.jsonl")
      let result = try await Program.run(["batch", path, "-o", out])
      #expect(result.status == 65)
      #expect(
        result.error.hasPrefix("rnw: \(path):3: ") && result.error.contains(expected),
        "\(result.error)")
    }
  }

  @Test(
    "An interrupted batch ends what it has started, and leaves nothing half-written",
    arguments: [SIGTERM, SIGINT])
  func interrupted(_ number: Int32) async throws {
    let folder = try TemporaryFolder()
    let (source, out) = (try models(3, in: folder), folder.file("out"))
    // Each would take minutes.
    let run = try await Subprocess.run(
      .path(FilePath(Program.path)),
      arguments: ["batch", source, "-o", out, "--jobs", "3", "--", "--input", "probe:1:4096"],
      input: .none, output: .discarded, error: .discarded
    ) { execution in
      while try leftovers(in: out).count < 3 { try await Task.sleep(for: .milliseconds(20)) }
      try execution.send(signal: Signal(rawValue: number))
    }
    #expect(run.terminationStatus == .exited(128 + number))
    #expect(try leftovers(in: out).isEmpty)
    #expect(try files(in: "\(out)/records").isEmpty)
  }

  @Test("A batch that is killed at any moment and run again makes the same verdict, to the byte")
  func killed() async throws {
    let folder = try TemporaryFolder()
    let source = try models(6, in: folder)
    _ = try folder.write(Array("PK".utf8), to: "in/broken.npz")
    _ = try await batch(source, "-o", folder.file("undisturbed"), "--jobs", "2")
    let expected = try await Program.run(["merge", folder.file("undisturbed"), "--json"]).output
    // RNW_KILLS=100 tries as many moments.
    let kills = ProcessInfo.processInfo.environment["RNW_KILLS"].flatMap { Int($0) } ?? 4
    var random = SeededNumbers(state: 7)
    var (killed, round) = (0, 0)
    while killed < kills {
      let out = folder.file("out\(round)")
      round += 1
      for _ in 0..<3 where killed < kills {
        // How many files there are tells how far it is, however busy the machine.
        let (count, more) = (
          Int.random(in: 0..<14, using: &random), Int.random(in: 0..<40, using: &random)
        )
        let run = try await Subprocess.run(
          .path(FilePath(Program.path)), arguments: ["batch", source, "-o", out, "--jobs", "2"],
          input: .none, output: .discarded, error: .discarded
        ) { execution in
          while try files(in: out).count < count, try files(in: "\(out)/records").count < 7 {
            try await Task.sleep(for: .milliseconds(2))
          }
          try await Task.sleep(for: .milliseconds(more))
          try? execution.send(signal: .kill)
        }
        if case .exited = run.terminationStatus { continue }
        killed += 1
      }
      let resumed = try await batch(source, "-o", out, "--jobs", "2")
      #expect(resumed.report.pass == 6 && resumed.report.quarantined == 1)
      #expect(try await Program.run(["merge", out, "--json"]).output == expected)
    }
  }
}

/// What `rnw batch --json` prints.
private struct BatchPlanDocument: Decodable {
  let items: [Item]
  let skipped: Int

  struct Item: Decodable {
    let name: String
    let options, files: [String]
  }
}

private struct BatchDocument: Decodable {
  let items, done, kept, pass, fail, quarantined, failed, skipped: Int
  let troubles: [Trouble]

  struct Trouble: Decodable {
    let name, cause, outcome: String
    let message: String?
  }

  var counts: [Int] { [items, done, kept, pass, fail, quarantined, failed] }
}

/// Numbers that are the same in every run: SplitMix64.
private struct SeededNumbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

private func files(in folder: String) throws -> [String] {
  guard FileManager.default.fileExists(atPath: folder) else { return [] }
  var all: [String] = []
  for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
    var isFolder: Bool = false
    let path = "\(folder)/\(name)"
    _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    all += isFolder ? try files(in: path) : [path]
  }
  return all
}

/// Temporary files that have not become what they were to be.
private func leftovers(in folder: String) throws -> [String] {
  try files(in: folder).filter { $0.hasSuffix(".tmp") }
}

import FoundationEssentials
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("Batches whose items have changed", .timeLimit(.minutes(30)))
struct BatchPruningTests {
  @Test(
    "Records and files of items that are gone are kept, told, and removed when that is asked for")
  func goneItems() async throws {
    let folder = try TemporaryFolder()
    let (source, out) = (folder.file("in"), folder.file("out"))
    let names = ["a.npz", "b.npz", "below/deep/c.npz", "below/d.npz"]
    try folder.makeFolder("in/below/deep")
    for name in names {
      _ = try folder.write(try Fixture.bytes("keras/narrow.npz"), to: "in/\(name)")
    }
    #expect(try await batch(source, out).status == 0)
    for name in names.dropFirst() { unlink(folder.file("in/\(name)")) }
    // Not what was written: whose it is now, nobody can say.
    _ = try folder.write(Array("mine".utf8), to: "out/models/b.npz.rnw")

    let told = try await batch(source, out)
    #expect(told.status == 0 && told.report.otherRecords == 3 && told.report.prunedRecords == 0)
    #expect(try await Program.run(["merge", out]).output.hasPrefix("PASS: 4 models"))

    let pruned = try await batch(source, out, "--prune")
    #expect(
      pruned.status == 0 && pruned.report.otherRecords == 0 && pruned.report.prunedRecords == 3)
    #expect(pruned.report.done == 0)
    #expect(try await Program.run(["merge", out]).output.hasPrefix("PASS: 1 model\n"))
    let models = try FileManager.default.subpathsOfDirectory(atPath: "\(out)/models").sorted()
    #expect(models == ["a.npz.rnw", "b.npz.rnw"])
  }

  @Test("Items of another part are no items that are gone")
  func otherParts() async throws {
    let folder = try TemporaryFolder()
    let (source, out) = (folder.file("in"), folder.file("out"))
    try folder.makeFolder("in")
    for number in 0..<3 {
      _ = try folder.write(try Fixture.bytes("keras/narrow.npz"), to: "in/\(number).npz")
    }
    #expect(try await batch(source, out, "--shard", "1/2").status == 0)
    let second = try await batch(source, out, "--shard", "2/2", "--prune")
    #expect(second.status == 0 && second.report.prunedRecords == 0)
    #expect(try await Program.run(["merge", out]).output.hasPrefix("PASS: 3 models"))
  }

  @Test("A record that names a file elsewhere removes nothing there")
  func hostileRecords() async throws {
    let folder = try TemporaryFolder()
    let (source, out) = (folder.file("in"), folder.file("out"))
    try folder.makeFolder("in")
    for name in ["a", "b"] {
      _ = try folder.write(try Fixture.bytes("keras/narrow.npz"), to: "in/\(name).npz")
    }
    #expect(try await batch(source, out).status == 0)
    unlink(folder.file("in/b.npz"))
    // The file of the item is moved out of the folder, and its record says that it is there.
    #expect(rename("\(out)/models/b.npz.rnw", folder.file("precious.rnw")) == 0)
    let records = try FileManager.default.subpathsOfDirectory(atPath: "\(out)/records")
    for record in records where record.hasSuffix(".json") {
      let path = "\(out)/records/\(record)"
      let text = try String(contentsOf: URL(filePath: path), encoding: .utf8)
      _ = try folder.write(
        Array(text.replacing("\"b.npz\"", with: "\"../../precious\"").utf8),
        to: "out/records/\(record)")
    }
    #expect(try await batch(source, out, "--prune").report.prunedRecords == 1)
    #expect(FileManager.default.fileExists(atPath: folder.file("precious.rnw")))
  }

  private struct Report: Decodable {
    let done: Int
    let otherRecords: Int
    let prunedRecords: Int
  }

  private func batch(_ source: String, _ out: String, _ options: String...) async throws
    -> (status: Int32, report: Report)
  {
    let result = try await Program.run(["batch", "--json", source, "-o", out] + options)
    return (
      result.status, try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
    )
  }
}

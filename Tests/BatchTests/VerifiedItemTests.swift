import Files
import FoundationEssentials
import Processes
import TestSupport
import Testing

@testable import Batch

@Suite("What a batch makes of a written file that is checked", .timeLimit(.minutes(30)))
struct VerifiedItemTests {
  /// Runs a batch of one item with a program that passes every conversion, and whose check of the file ends as it is told.
  private func outcome(ofCheck end: String) throws -> (found: BatchOutcome, hasFile: Bool) {
    let folder = try TemporaryFolder()
    let source = try folder.write(Array("weights".utf8), to: "model.npz")
    let report = """
      {"proofs": [{"proof": "file", "verdict": "pass", "layers": 60, "worstLayer": "conv1", "timesLimit": 0.2,
      "measuresRounding": false, "limits": {"passes": 1e-6, "decides": 0}}]}
      """
    let program = try folder.write(
      Array(
        """
        #!/bin/sh
        if [ "$1" = verify ]; then \(end); fi
        printf file > "$3"
        echo '\(report.replacing("\n", with: " "))'
        """.utf8), to: "program")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    let out = RecordFolder(folder.file("out"))
    var request = BatchRequest(
      items: [
        BatchItem(name: "model.npz", source: source, options: [], files: [], place: source)
      ],
      folder: out, jobs: 1, program: (program, "1"),
      limits: .init(seconds: 60, memory: 1 << 30))
    (request.verifies, request.retries) = (true, 0)
    let found = try run(request) { _, _, _ in }
    let file = out.output(of: "model.npz")
    return (found, FileManager.default.fileExists(atPath: file))
  }

  @Test("It passes where the check does")
  func passes() throws {
    let (found, hasFile) = try outcome(ofCheck: "echo '{}'; exit 0")
    #expect(found.outcomes == [.pass: 1])
    #expect(hasFile)
  }

  @Test(
    "It fails where its certificate does not hold or it is damaged, and does not stay",
    arguments: ["echo '{}'; exit 1", "echo '{\"error\": \"is damaged\"}'; exit 65"])
  func fails(end: String) throws {
    let (found, hasFile) = try outcome(ofCheck: end)
    #expect(found.outcomes == [.fail: 1])
    #expect(found.troubles.isEmpty)
    #expect(!hasFile)
  }

  @Test(
    "A check that cannot be made leaves neither a verdict nor a file",
    arguments: ["kill -9 $$", "echo '{\"error\": \"no space\"}'; exit 74", "exit 0"])
  func cannotBeMade(end: String) throws {
    let (found, hasFile) = try outcome(ofCheck: end)
    #expect(found.outcomes == [.failed: 1])
    #expect(found.troubles.map(\.name) == ["model.npz"])
    #expect(!hasFile)
  }
}

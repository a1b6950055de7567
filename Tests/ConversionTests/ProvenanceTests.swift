import Files
import RNW
import Tensors
import TestSupport
import Testing

@testable import Conversion

@Suite("Where weights come from")
struct ProvenanceTests {
  @Test("A .rnw that is converted again keeps its source, and says what it went through")
  func chain() throws {
    let folder = try TemporaryFolder()
    let first = Fixture.path("rnw/narrow.float32.none.rnw")
    let paths = [first, folder.file("second.rnw"), folder.file("third.rnw")]
    for (source, output) in zip(paths, paths.dropFirst()) {
      let outcome = try convert(ConversionRequest(source: source, output: output)) { _, _ in }
      #expect(outcome.passes)
    }
    let original: SourceRecord = try RNWFile(path: first).source()
    let last: SourceRecord = try RNWFile(path: paths[2]).source()
    #expect(last.file == "narrow.keras" && last.sha256 == original.sha256)
    #expect(last.used == original.used && last.waived == original.waived)
    #expect(last.container == original.container && last.tool == original.tool)
    let through = try #require(last.through)
    #expect(through.map(\.file) == ["narrow.float32.none.rnw", "second.rnw"])
    let digests = try paths.dropLast().map { sha256(of: try MappedFile(path: $0)) }
    #expect(through.map(\.sha256) == digests)
    let texts = try [first, paths[2]].map { try RNWFile(path: $0).metadata["rnw.preprocessing"] }
    #expect(texts[0] == texts[1])
  }
}

import FoundationEssentials
import Images
import TestSupport
import Testing

@Suite("Photos", .enabled(if: ImageFile.isBuiltIn))
struct ImageTests {
  @Test("A photo gives the names of the best classes")
  func labels() async throws {
    let folder = try TemporaryFolder()
    let names = (0..<10).map { "thing \($0)" }
    let labels = try folder.write(Array(names.joined(separator: "\n").utf8), to: "labels.txt")
    let photos = [Fixture.path("images/rgb.jpg"), Fixture.path("images/rgb.png")]
    var lines: [String] = []
    for photo in photos {
      let result = try await Program.run([
        "run", Fixture.path("keras/narrow.h5"), "--input", photo, "--top", "2", "--labels", labels,
      ])
      #expect(result.status == 0, "\(result.error)")
      lines += result.output.split(separator: "\n").map(String.init)
    }
    // The two are the same picture, one of them with JPEG's losses.
    #expect(lines.filter { $0.hasSuffix("thing 6 (6)") }.count == 2)
    #expect(lines.contains("rgb.jpg") && lines.contains("rgb.png"))
  }

  @Test("A hostile image is one line and status 65", arguments: ["many_scans.jpg", "huge.png"])
  func refuses(_ name: String) async throws {
    let path = Fixture.path("images/broken/\(name)")
    let result = try await Program.run(["run", Fixture.path("keras/narrow.h5"), "--input", path])
    #expect(result.status == 65)
    #expect(result.error.hasPrefix("rnw: \(path): is a "))
    #expect(result.error.split(separator: "\n").count == 1)
  }
}

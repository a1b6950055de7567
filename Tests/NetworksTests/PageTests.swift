import TestSupport
import Testing

@Suite("Swift on the pages")
struct PageTests {
  @Test(
    "What a page shows stands line by line in a program that is built and run",
    arguments: ["README.md", "docs/loading.md"])
  func pagesShowPrograms(page: String) throws {
    let programs = try ["LoadRunCompare", "Reader", "Weights"].map {
      try lines(of: Fixture.text("Examples/Consumer/Sources/\($0)/\($0).swift"))
    }
    let blocks = try Fixture.text(page).components(between: "```swift\n", and: "```")
    #expect(!blocks.isEmpty)
    for block in blocks {
      let shown = lines(of: block)
      #expect(programs.contains { $0.firstRange(of: shown) != nil }, "\(block)")
    }
  }

  @Test("The whole program of load, run and compare has about ten lines")
  func isShort() throws {
    let program = try Fixture.text(
      "Examples/Consumer/Sources/LoadRunCompare/LoadRunCompare.swift")
    let body = try #require(program.components(between: "throws {\n", and: "\n  }\n").first)
    #expect(lines(of: body).count <= 10)
  }

  /// The lines without what indents them; empty ones are passed over.
  private func lines(of text: String) -> [String] {
    text.split(separator: "\n").map { line in
      String(line.drop { $0 == " " })
    }.filter { !$0.isEmpty }
  }
}

extension String {
  /// What stands between two marks, wherever they do.
  fileprivate func components(between start: String, and end: String) -> [String] {
    ranges(of: start).compactMap { range in
      let rest = self[range.upperBound...]
      return rest.firstRange(of: end).map { String(rest[..<$0.lowerBound]) }
    }
  }
}

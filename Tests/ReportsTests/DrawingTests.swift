import FoundationEssentials
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Reports

@Suite("Drawing")
struct DrawingTests {
  @Test("The documentation shows what the tool draws", arguments: [1, 2])
  func documentation(version: Int) throws {
    let graph = try SummaryNetwork.pyTorch(50, version: version)
    let drawing = try NetworkDrawing(
      graph, title: "resnet50_v\(version)", input: [1, 224, 224, 3])
    let committed = try Document.text("docs/resnet50-v\(version).svg")
    #expect(drawing.text == committed)
  }

  @Test("Every element is closed and every attribute quoted", arguments: SampleNetwork.all)
  func isWellFormed(_ sample: SampleNetwork) throws {
    let text = try drawing(Graph(sample.configuration)).text
    #expect(Document.isWellFormed(text))
    #expect(!Document.isWellFormed(text + "<g>"))
    #expect(text.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\""))
    #expect(!text.contains("href"))
    #expect(text.contains("@media (prefers-color-scheme: dark)"))
  }

  @Test("Readers who do not see the image have a title and a description")
  func accessibility() throws {
    let text = try drawing(SummaryNetwork.pyTorch(18)).text
    #expect(text.contains("role=\"img\" aria-labelledby=\"rnw-small-title rnw-small-desc\""))
    #expect(
      text.contains(
        "<title id=\"rnw-small-title\">small: pre-activation blocks (ResNet V2)</title>"))
    #expect(
      text.contains(
        "block 1: batch norm, then ReLU, then conv 3×3, 128, stride 2, then batch norm, then ReLU, "
          + "then conv 3×3, 128, then addition; added to it is conv 1×1, 128, stride 2, then batch norm."
      ))
    #expect(text.contains("block 2: ") && text.contains("added to it is the block's input itself."))
  }

  @Test("Blocks that are made alike are drawn once")
  func kinds() throws {
    func labels(_ graph: Graph, stage: Int) -> [String] {
      BlockKind.kinds(of: GraphParts(graph).stages[stage], in: graph).map(\.label)
    }
    #expect(try labels(SummaryNetwork.pyTorch(50), stage: 1) == ["block 1", "blocks 2–4"])
    #expect(try labels(SummaryNetwork.pyTorch(34), stage: 0) == ["blocks 1–3"])
    let keras = try SummaryNetwork.keras50(version: 2)
    #expect(labels(keras, stage: 1) == ["block 1", "blocks 2–3", "block 4"])
    #expect(labels(keras, stage: 3) == ["block 1", "blocks 2–3"])
  }

  @Test("A ReLU follows the addition in version 1 only")
  func afterTheAddition() throws {
    for version in [1, 2] {
      let graph = try SummaryNetwork.pyTorch(50, version: version)
      let blocks = GraphParts(graph).stages.joined()
      for block in blocks {
        let last = graph.nodes[try #require(block.main.last)].operation
        #expect(last == (version == 1 ? .relu : .add))
      }
      let hasFinal = try drawing(graph).text.contains("then addition, then ReLU; added to it")
      #expect(hasFinal == (version == 1))
    }
  }

  @Test("A name is text, whatever is in it")
  func escapes() throws {
    let graph = try SummaryNetwork.pyTorch(18)
    let drawing = try NetworkDrawing(
      graph, title: "<script>\"&\u{7}", input: [1, 224, 224, 3])
    #expect(!drawing.text.contains("<script>"))
    #expect(drawing.text.contains("&lt;script&gt;&quot;&amp;"))
    #expect(!drawing.text.contains("\u{7}"))
    #expect(Document.isWellFormed(drawing.text))
  }

  @Test("An input that does not fit is refused")
  func refusesInput() throws {
    let graph = try SummaryNetwork.pyTorch(18)
    #expect(throws: SummaryError.self) {
      try NetworkDrawing(graph, title: "small", input: [1, 224, 224, 1])
    }
  }

  private func drawing(_ graph: Graph) throws -> NetworkDrawing {
    try NetworkDrawing(graph, title: "small", input: [1, 224, 224, 3])
  }
}

/// Committed files, and a check of XML.
private enum Document {
  static func text(_ path: String, from file: String = #filePath) throws -> String {
    var url = URL(filePath: file)
    while url.lastPathComponent != "Tests" { url.deleteLastPathComponent() }
    let bytes = try Data(contentsOf: url.deletingLastPathComponent().appending(path: path))
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Whether tags are balanced, attributes quoted, and no bare `<` or `&` stands in the text.
  static func isWellFormed(_ xml: String) -> Bool {
    var open: [Substring] = []
    var rest = Substring(xml)
    while let start = rest.firstIndex(of: "<") {
      guard hasOnlyReferences(rest[..<start]),
        let end = rest[start...].firstIndex(of: ">")
      else { return false }
      let tag = rest[rest.index(after: start)..<end]
      rest = rest[rest.index(after: end)...]
      if tag.hasPrefix("/") {
        guard open.popLast() == tag.dropFirst() else { return false }
        continue
      }
      let name = tag.prefix { $0.isLetter }
      guard !name.isEmpty, tag.count(where: { $0 == "\"" }) % 2 == 0, hasOnlyReferences(tag),
        tag.count(where: { $0 == "=" }) * 2 <= tag.count(where: { $0 == "\"" })
      else { return false }
      if !tag.hasSuffix("/") { open.append(name) }
    }
    return open.isEmpty && rest.allSatisfy(\.isWhitespace)
  }

  private static func hasOnlyReferences(_ text: Substring) -> Bool {
    text.split(separator: "&", omittingEmptySubsequences: false).dropFirst().allSatisfy { part in
      ["amp;", "lt;", "gt;", "quot;"].contains { part.hasPrefix($0) }
    }
  }
}

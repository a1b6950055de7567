import FoundationEssentials
import Plain
import ResNetV2
import Tensors
import Testing

@testable import Reports

@Suite("Summary as JSON")
struct SummaryRecordTests {
  /// The keys that scripts may rely on.
  private struct Document: Decodable {
    let schema: String
    let totalParameters: Int
    let trainableParameters: Int
    let nonTrainableParameters: Int
    let multAdds: Int?
    let inputBytes: Int?
    let rows: [Row]

    struct Row: Decodable {
      let depth: Int
      let index: Int
      let type: String
      let name: String
      let inputShape: [Int]?
      let outputShape: [Int]?
      let kernel: [Int]?
      let parameters: Int
      let multAdds: Int?
      let repeated: Bool
    }
  }

  private func document(_ input: Shape?, depth: Int) throws -> (Document, String) {
    let summary = try Summary(of: SummaryNetwork.pyTorch(50), style: .pyTorch, input: input)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let json = try encoder.encode(SummaryRecord(summary, depth: depth))
    return (
      try JSONDecoder().decode(Document.self, from: json), String(decoding: json, as: UTF8.self)
    )
  }

  @Test("It has the totals and a row for every module down to the depth")
  func withInput() throws {
    let (document, _) = try document([1, 224, 224, 3], depth: 1)
    #expect(document.schema == "rnw.summary/1")
    #expect(document.totalParameters == 25_557_160)
    #expect(document.trainableParameters == 25_557_160)
    #expect(document.nonTrainableParameters == 0)
    #expect(document.multAdds == 4_089_238_504)
    #expect(document.inputBytes == 602_176)
    #expect(document.rows.count == 13)
    #expect(document.rows.filter { $0.depth == 1 }.reduce(0) { $0 + $1.parameters } == 25_557_160)
    let conv = try #require(document.rows.first { $0.name == "conv1" })
    #expect(conv.type == "Conv2d")
    #expect((conv.depth, conv.index) == (1, 1))
    #expect(conv.inputShape == [1, 3, 224, 224])
    #expect(conv.outputShape == [1, 64, 112, 112])
    #expect(conv.kernel == [7, 7])
    #expect(conv.parameters == 9408)
    #expect(conv.multAdds == 118_013_952)
    #expect(document.rows.filter(\.repeated).map(\.index) == [10])
  }

  @Test("Without an input the keys are there, with null")
  func withoutInput() throws {
    let (document, json) = try document(nil, depth: 3)
    #expect(document.multAdds == nil)
    #expect(document.rows.allSatisfy { $0.outputShape == nil && $0.multAdds == nil })
    #expect(json.contains("\"multAdds\":null"))
    #expect(json.contains("\"outputShape\":null"))
  }
}

@Suite("Numbers in a summary")
struct SummaryNumberTests {
  @Test(
    "Digits are grouped by threes",
    arguments: [
      (0, "0"), (999, "999"), (1000, "1,000"), (25_557_160, "25,557,160"), (-1234, "-1,234"),
      (.max, "9,223,372,036,854,775,807"),
    ])
  func grouping(number: Int, text: String) {
    #expect(grouped(number) == text)
  }

  /// The texts are what Python's `f"{number:.2f}"` gives.
  @Test(
    "Two decimals are rounded by the exact value, ties to even",
    arguments: [
      (0, "0.00"), (0.005, "0.01"), (0.015, "0.01"), (0.025, "0.03"), (0.125, "0.12"),
      (0.375, "0.38"), (1.005, "1.00"), (2.675, "2.67"), (0.602176, "0.60"), (9.995, "9.99"),
      (99.999, "100.00"), (23477.985, "23477.99"), (1e9 + 0.5, "1000000000.50"),
    ])
  func decimals(number: Double, text: String) {
    #expect(hundredths(number) == text)
  }
}

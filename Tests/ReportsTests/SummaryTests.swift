import FoundationEssentials
import Plain
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Reports

@Suite("Summary")
struct SummaryTests {
  @Test("The table is torchinfo's, character for character", arguments: GoldenTable.all)
  func equalsTorchinfo(_ golden: GoldenTable) throws {
    let graph = try SummaryNetwork.pyTorch(golden.depth, version: golden.version)
    let input = try golden.input.map { try Summary.input($0, for: graph, layout: .nchw) }
    let summary = try Summary(of: graph, style: .pyTorch, input: input)
    let table = try SummaryTable(summary, columns: golden.columns, options: golden.options)
    let expected = try Golden.lines("\(golden.file).txt")
    let lines = table.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    for (line, expected) in zip(lines, expected) where line != expected {
      #expect(line == expected)
      break
    }
    #expect(lines.count == expected.count)
  }

  @Test(
    "The five depths come to torchinfo's totals",
    arguments: [
      (18, 11_689_640, 1_814_084_072, "1.81", "41.35", "46.76", "88.71"),
      (34, 21_797_800, 3_663_779_560, "3.66", "61.42", "87.19", "149.22"),
      (50, 25_557_160, 4_089_238_504, "4.09", "179.44", "102.23", "282.27"),
      (101, 44_549_288, 7_801_511_912, "7.80", "261.32", "178.20", "440.12"),
      (152, 60_192_936, 11_513_779_176, "11.51", "362.48", "240.77", "603.85"),
    ])
  func totals(
    depth: Int, parameters: Int, multAdds: Int, giga: String, values: String, weights: String,
    total: String
  ) throws {
    let summary = try Summary(
      of: SummaryNetwork.pyTorch(depth), style: .pyTorch, input: [1, 224, 224, 3])
    #expect(summary.totalParameters == parameters)
    #expect(summary.trainableParameters == parameters)
    #expect(summary.pass?.multAdds == multAdds)
    #expect(summary.rows.first?.multAdds == multAdds)
    let text = try SummaryTable(summary).text
    #expect(text.contains("Total mult-adds (Units.GIGABYTES): \(giga)\n"))
    #expect(text.contains("\nInput size (MB): 0.60\n"))
    #expect(text.contains("\nForward/backward pass size (MB): \(values)\n"))
    #expect(text.contains("\nParams size (MB): \(weights)\n"))
    #expect(text.contains("\nEstimated Total Size (MB): \(total)\n"))
  }

  @Test("Version 1 has 128 parameters less at every depth", arguments: [18, 34, 50, 101, 152])
  func versions(_ depth: Int) throws {
    let counts = try [1, 2].map { version in
      try Summary(of: SummaryNetwork.pyTorch(depth, version: version), style: .pyTorch)
        .totalParameters
    }
    #expect(counts[1] - counts[0] == 128)
  }

  @Test(
    "A Keras network has Keras' layers in Keras' order, and its counts",
    arguments: [(2, 25_613_800, 25_568_360), (1, 25_636_712, 25_583_592)])
  func keras(version: Int, total: Int, trained: Int) throws {
    let graph = try SummaryNetwork.keras50(version: version)
    let summary = try Summary(
      of: graph, style: KerasNames.style(for: graph, version: version), input: [1, 224, 224, 3])
    #expect(summary.totalParameters == total)
    #expect(summary.trainableParameters == trained)
    let rows = summary.rows.dropFirst().map { row in
      let shape = (row.outputShape ?? []).dropFirst().map(String.init).joined(separator: "x")
      return "\(row.name)\t\(row.className)\t\(shape)\t\(row.parameters)"
    }
    let expected = try Golden.lines("keras-resnet50_v\(version).tsv").dropLast()
    #expect(rows.count == expected.count)
    for (row, expected) in zip(rows, expected) { #expect(row == expected) }
    #expect(
      try SummaryTable(summary).text.contains("Non-trainable params: \(grouped(total - trained))\n")
    )
  }

  @Test("Any network has a tree of its own stages, blocks and layers", arguments: SampleNetwork.all)
  func graphTree(_ sample: SampleNetwork) throws {
    let graph = try Graph(sample.configuration)
    let input: Shape = [2, 47, 65, 3]
    let summary = try Summary(
      of: graph, style: .graph(names: ["stem.conv": "first"], layout: .nhwc), input: input)
    let trained = graph.parameters.filter(\.role.isTrained)
    #expect(summary.totalParameters == trained.reduce(0) { $0 + $1.shape.elementCount })
    #expect(summary.rows.filter(\.isLeaf).count == graph.nodes.count - 1)
    let output = try graph.shapes(for: input)[graph.outputIndex]
    #expect(summary.rows[0].outputShape == output.dimensions)
    let stages = summary.rows.filter { $0.className == "Stage" }
    #expect(stages.map(\.name) == (1...graph.configuration.stages.count).map { "stage\($0)" })
    let first = try SummaryTable(summary).text.contains("├─Convolution (first): ")
    #expect(first == (graph.index(of: "stem.conv") != nil))
  }

  @Test("Columns that need an input are refused without one")
  func columnsNeedInput() throws {
    let summary = try Summary(of: SummaryNetwork.pyTorch(18), style: .pyTorch)
    let error = #expect(throws: SummaryError.self) {
      try SummaryTable(summary, columns: [.parameterCount, .outputSize, .multAdds])
    }
    #expect(error?.description == "the columns output_size, mult_adds need an input size")
  }

  @Test("Columns have torchinfo's names and short ones")
  func columnNames() {
    for column in SummaryColumn.allCases {
      #expect(SummaryColumn(name: column.rawValue) == column)
    }
    let names = ["input", "output", "params", "params%", "kernel", "mult-adds"]
    #expect(
      names.map { SummaryColumn(name: $0) } == [
        .inputSize, .outputSize, .parameterCount, .parameterPercent, .kernelSize, .multAdds,
      ])
    #expect(SummaryColumn(name: "groups") == nil)
  }

  @Test("An input size may be given with channels first or last")
  func inputSizes() throws {
    let graph = try SummaryNetwork.pyTorch(18)
    let first = try Summary.input([2, 3, 225, 190], for: graph, layout: .nchw)
    #expect(first == [2, 225, 190, 3])
    #expect(try Summary.input([2, 225, 190, 3], for: graph, layout: .nchw) == first)
    #expect(try Summary.input([1, 3, 64, 3], for: graph, layout: .nchw) == [1, 64, 3, 3])
    #expect(try Summary.input([1, 3, 64, 3], for: graph, layout: .nhwc) == [1, 3, 64, 3])
  }

  @Test(
    "Sizes that are no input of the network are refused",
    arguments: [
      [], [3, 224, 224], [1, 4, 224, 224], [0, 3, 224, 224], [1, 3, -1, 224],
      [.max, 3, .max, .max],
    ])
  func refusesSizes(_ sizes: [Int]) throws {
    let graph = try SummaryNetwork.pyTorch(18)
    #expect(throws: SummaryError.sizes(sizes, channels: 3)) {
      try Summary.input(sizes, for: graph, layout: .nchw)
    }
  }

  @Test("Counts beyond 64 bits are an error, not a crash")
  func tooLarge() throws {
    let graph = try SummaryNetwork.pyTorch(50)
    #expect(throws: SummaryError.tooLarge) {
      try Summary(of: graph, style: .pyTorch, input: [1 << 18, 1 << 20, 1 << 20, 3])
    }
  }
}

/// What `Golden/make_golden.py` called torchinfo with.
struct GoldenTable: Sendable, CustomTestStringConvertible {
  let file: String
  let depth: Int
  var version = 2
  var input: [Int]?
  var columns: [SummaryColumn]?
  var options = SummaryTable.Options()

  var testDescription: String { file }

  static let all = [
    GoldenTable(file: "resnet50_v2", depth: 50),
    GoldenTable(
      file: "resnet50_v2-1x3x224x224", depth: 50, input: [1, 3, 224, 224],
      columns: [.inputSize, .outputSize, .parameterCount, .kernelSize, .multAdds]),
    GoldenTable(
      file: "resnet18_v2-2x3x225x190-all-names", depth: 18, input: [2, 3, 225, 190],
      columns: [
        .inputSize, .outputSize, .parameterCount, .parameterPercent, .kernelSize, .multAdds,
        .trainable,
      ], options: .init(depth: 4, showsNames: true)),
    GoldenTable(
      file: "resnet34_v2-1x3x64x64-depth2", depth: 34, input: [1, 3, 64, 64],
      options: .init(depth: 2)),
    GoldenTable(
      file: "resnet101_v2-depth1-percent", depth: 101,
      columns: [.parameterCount, .parameterPercent, .trainable], options: .init(depth: 1)),
    GoldenTable(
      file: "resnet152_v2-64x3x224x224-depth0", depth: 152, input: [64, 3, 224, 224],
      columns: [.parameterCount, .multAdds], options: .init(depth: 0)),
    GoldenTable(file: "resnet18_v1-depth4", depth: 18, version: 1, options: .init(depth: 4)),
    GoldenTable(file: "resnet50_v1", depth: 50, version: 1),
    GoldenTable(
      file: "resnet50_v1-3x3x97x64-ascii", depth: 50, version: 1, input: [3, 3, 97, 64],
      columns: [.outputSize, .parameterPercent, .multAdds], options: .init(isASCII: true)),
  ]
}

/// The files that real libraries wrote.
enum Golden {
  /// The lines of a file; the last one is empty, as every file ends with a line break.
  static func lines(_ name: String, from file: String = #filePath) throws -> [String] {
    let folder = URL(filePath: file).deletingLastPathComponent()
    let bytes = try Data(contentsOf: folder.appending(path: "Golden/\(name)"))
    return String(decoding: bytes, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }
}

import Tensors
import Testing

@testable import Comparison
@testable import Diagnosis
@testable import Reports

@Suite("Weights side by side")
struct WeightComparisonTests {
  private static let kernel = Probe.tensor([6, 4, 3, 3], seed: 1)
  private static let other = Probe.tensor([6, 4, 3, 3], seed: 2)

  @Test("Permuted channels are told from each other")
  func permutations() throws {
    let values = Self.kernel.floats()
    let rows = (0..<6).map { Array(values[$0 * 36..<($0 + 1) * 36]) }
    let outputs = TensorData(
      shape: Self.kernel.shape, values: [3, 1, 0, 2, 5, 4].flatMap { rows[$0] })
    let inputs = TensorData(
      shape: Self.kernel.shape,
      values: rows.flatMap { row in [2, 0, 3, 1].flatMap { row[$0 * 9..<($0 + 1) * 9] } })
    #expect(
      try finding(outputs, Self.kernel) == "has its output channels in another order: 5 of 6 moved")
    #expect(
      try finding(inputs, Self.kernel) == "has its input channels in another order: 2, 0, 3, 1")
  }

  @Test("What stands elsewhere is found by its values")
  func moved() throws {
    let comparison = try WeightComparison(
      [tensor("a", Self.other), tensor("b", Self.kernel), tensor("c", Self.other)],
      [
        tensor("a", Self.kernel), tensor("b", Self.other),
        tensor("c", Probe.tensor([6, 4, 3, 3], seed: 3)),
      ], threads: 2)
    #expect(
      comparison.tensors.map(\.finding) == [
        "exchanged with b", "exchanged with a", "is the second file's b",
      ])
  }

  @Test("Tensors of one value are not taken for moved ones")
  func constants() throws {
    let zeros = TensorData(shape: [4], values: [0, 0, 0, 0])
    let ones = TensorData(shape: [4], values: [1, 1, 1, 1])
    let comparison = try WeightComparison(
      [tensor("a", zeros), tensor("b", ones)], [tensor("a", ones), tensor("b", zeros)], threads: 1)
    #expect(comparison.tensors[0].finding == "is missing: all values are zero")
  }

  @Test("Tensors of other shapes are no pair")
  func misshapen() throws {
    let comparison = try WeightComparison(
      [tensor("a", Self.kernel)], [tensor("a", Probe.tensor([4, 6, 3, 3], seed: 1))], threads: 1)
    #expect(comparison.tensors.isEmpty && comparison.misshapen.map(\.name) == ["a"])
    #expect(!comparison.areEqual)
    let text = WeightReport().text(for: comparison)
    #expect(text.contains("a is 6×4×3×3 in the first file, 4×6×3×3 in the second"))
  }

  @Test("No line of the table is wider than a terminal, but for long names")
  func width() throws {
    let comparison = try WeightComparison(
      [tensor("stage4.block36.shortcut.conv.weight", Self.other)],
      [tensor("stage4.block36.shortcut.conv.weight", Self.kernel)], threads: 1)
    let text = WeightReport().text(for: comparison)
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    #expect(text.contains("DIFFERENT: 1 of 1 tensor differ"))
  }

  private func tensor(_ name: String, _ tensor: TensorData) -> ComparedTensor {
    ComparedTensor(name: name, fileName: name, tensor: tensor)
  }

  private func finding(_ first: TensorData, _ second: TensorData) throws -> String? {
    try WeightComparison([tensor("x", first)], [tensor("x", second)], threads: 1)
      .tensors[0].finding
  }
}

private enum Probe {
  static func tensor(_ shape: Shape, seed: UInt64) -> TensorData {
    var generator = SplitMix64(seed: seed)
    return TensorData(
      shape: shape, values: (0..<shape.elementCount).map { _ in generator.nextProbeValue() })
  }
}

import Comparison
import Diagnosis
import Families
import Files
import FoundationEssentials
import Precision
import Reports
import ResNetV2
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

@Suite("Differences of weights")
struct DiffTests {
  static let narrow = Fixture.path("keras/narrow.h5")

  @Test(
    "The same weights are equal from every container",
    arguments: [
      "narrow.weights.h5", "narrow.keras", "narrow.tfkeras.full.h5", "narrow.npz",
      "narrow.safetensors", "narrow.float64.h5", "narrow.nested.full.h5",
    ])
  func equal(_ file: String) throws {
    let comparison = try diff(
      DiffRequest(first: Self.narrow, second: Fixture.path("keras/\(file)")))
    #expect(comparison.areEqual && comparison.options.isEmpty)
    #expect(comparison.tensors.count == 92)
    #expect(comparison.rounding == nil)
    let text = WeightReport().text(for: comparison)
    #expect(text == "EQUAL: all 92 tensors, to the bit\n")
  }

  @Test(
    "What was done to a tensor is said",
    arguments: [
      ("swapped", "stage2.block2.norm2.scale", "exchanged with stage2.block2.norm2.shift"),
      ("transposed", "stage2.block2.conv2.weight", "has input and output channels transposed"),
      ("scaled", "stage2.block2.norm2.variance", "is 1.010 × what it should be"),
      (
        "nan", "stage1.block1.conv2.weight",
        "has 1 value that is NaN or infinite, in output channel 0"
      ),
    ])
  func findings(_ file: String, _ tensor: String, _ finding: String) throws {
    let comparison = try diff(
      DiffRequest(first: Fixture.path("keras/broken/\(file).h5"), second: Self.narrow))
    let differing = comparison.tensors.filter { !$0.isEqual }
    #expect(differing.count == (file == "swapped" ? 2 : 1))
    #expect(differing.first?.name == tensor)
    #expect(differing.first?.finding == finding)
    #expect(!comparison.areEqual)
  }

  @Test("A file of rounded weights is said to be that, in either order")
  func rounding() throws {
    let half = Fixture.path("keras/narrow.float16.h5")
    for isFirst in [true, false] {
      let request =
        isFirst
        ? DiffRequest(first: half, second: Self.narrow)
        : DiffRequest(first: Self.narrow, second: half)
      let comparison = try diff(request)
      let rounding = try #require(comparison.rounding)
      #expect(rounding.isFirst == isFirst && rounding.type == .float16)
      #expect(
        WeightReport().text(for: comparison)
          .contains("all differences are rounding"))
    }
  }

  @Test("Converted files are compared with their sources", arguments: [Precision.bfloat16, .int8])
  func converted(_ precision: Precision) throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(source: Self.narrow, output: folder.file("x.rnw"))
    request.precision = precision
    request.maximumError = 1
    _ = try convert(request) { _, _ in }
    let comparison = try diff(DiffRequest(first: folder.file("x.rnw"), second: Self.narrow))
    #expect(comparison.rounding?.isFirst == true)
    #expect(comparison.rounding?.type == (precision == .int8 ? .int8 : .bfloat16))
  }

  @Test("Networks of two families say in what they differ, and which tensors one side lacks")
  func families() throws {
    let folder = try TemporaryFolder()
    for family in [Family.keras, .torch] {
      let configuration = family.configuration(kind: .bottleneck, blocks: [1, 1], classes: 3)
      try initialize(
        InitializationRequest(
          family: family, configuration: configuration, seed: 5,
          output: folder.file("\(family.id).npz")))
    }
    let comparison = try diff(
      DiffRequest(first: folder.file("keras.npz"), second: folder.file("torch.npz")))
    let options = Dictionary(uniqueKeysWithValues: comparison.options.map { ($0.name, $0) })
    let epsilon = options["norm.batch.epsilon"]
    #expect(epsilon?.first == "1.001e-05" && epsilon?.second == "1e-05")
    let border = options["stem.poolPadding"]
    #expect(border?.first == "zero" && border?.second == "negativeInfinity")
    #expect(comparison.onlyFirst.map(\.name).contains("stage1.block1.conv3.bias"))
    #expect(comparison.onlySecond.map(\.name).contains("stem.norm.scale"))
    #expect(!comparison.areEqual)
    let text = WeightReport().text(for: comparison)
    #expect(text.hasPrefix("two different networks: ") && text.contains(" other options differ\n"))
  }

  @Test("The same weights in networks of other options are different")
  func otherOptions() throws {
    let folder = try TemporaryFolder()
    for padding in [Configuration.Stem.PoolPadding.zero, .negativeInfinity] {
      var configuration = Family.torch.configuration(kind: .basic, blocks: [1, 1], classes: 3)
      configuration.stem.pool?.padding = padding
      try initialize(
        InitializationRequest(
          family: .torch, configuration: configuration, seed: 5,
          output: folder.file("\(padding).rnw")))
    }
    let comparison = try diff(
      DiffRequest(first: folder.file("zero.rnw"), second: folder.file("negativeInfinity.rnw")))
    #expect(comparison.weightsAreEqual && !comparison.areEqual)
    let text = WeightReport().text(for: comparison)
    #expect(
      text == """
        stem.poolPadding is zero in the first network, negativeInfinity in the second

        DIFFERENT: 1 option of the networks; the weights are equal: all 36 tensors, to the bit

        """)
  }

  @Test("By name, files of any kind are compared, and renamed tensors are found")
  func byName() throws {
    let folder = try TemporaryFolder()
    let source = try WeightFile.open(Self.narrow)
    let file = try OutputFile(path: folder.file("x.npz"), replacing: false)
    var writer = NPZWriter(to: file)
    for info in source.tensors where info.name != "post_bn/beta" {
      let name = info.name == "post_bn/gamma" ? "final/gamma" : info.name
      try writer.append(name, try source.tensor(named: info.name))
    }
    try writer.finish()
    try file.commit()
    var request = DiffRequest(first: Self.narrow, second: folder.file("x.npz"))
    let error = #expect(throws: InputError.self) { try diff(request) }
    #expect(error?.hint == "--by-name compares the tensors of any two files by their own names")
    request.goesByName = true
    let comparison = try diff(request)
    #expect(comparison.tensors.count == 90 && comparison.tensors.allSatisfy(\.isEqual))
    #expect(comparison.onlyFirst.map(\.name) == ["post_bn/gamma", "post_bn/beta"])
    #expect(comparison.onlyFirst.map(\.renamed) == ["final/gamma", nil])
    #expect(comparison.onlySecond.map(\.renamed) == ["post_bn/gamma"])
  }

  @Test("The document has every key")
  func document() throws {
    let request = DiffRequest(first: Fixture.path("keras/broken/scaled.h5"), second: Self.narrow)
    let comparison = try diff(request)
    let record = WeightRecord(comparison, files: ["a", "b"])
    let text = try RecordCoding.json(record)
    #expect(text.contains(#""schema":"rnw.diff/1""#) && text.contains(#""verdict":"different""#))
    #expect(text.contains(#""finding":null"#) && text.contains(#""equal":false"#))
  }
}

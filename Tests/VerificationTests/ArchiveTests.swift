import Families
import Files
import Inference
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Comparison
@testable import Reports

@Suite("Comparison with an archive of activations")
struct ArchiveTests {
  @Test(
    "The network agrees with its own activations", arguments: Sample.all, Comparison.Mode.allCases)
  func ownActivations(_ sample: Sample, _ mode: Comparison.Mode) throws {
    let result = try compare(sample.executor, with: sample.archive(), of: sample, mode)
    #expect(result.layers.allSatisfy { $0.scaledError == 0 })
    #expect(result.layers.map(\.displayName).contains("bn1") == (sample.family == "torch"))
    let named = sample.graph.nodes.dropFirst().compactMap { sample.names.name(of: $0.name) }
    #expect(result.layers.compactMap(\.familyName) == named)
    #expect(result.coverage.missing.isEmpty && result.coverage.unknown.isEmpty)
    #expect(result.agreement?.sameFirst == 2)
    #expect(result.images == 2)
  }

  @Test(
    "The changed layer is the culprit though its neighbours may be unseen", arguments: Sample.all)
  func culprit(_ sample: Sample) throws {
    let archive = try sample.archive()
    let named = sample.graph.parameters.filter { sample.names.name(of: $0.node) != nil }
    for (index, parameter) in named.enumerated() {
      let candidate = try sample.changing(parameter.name) { $0.map { $0 * 1.5 + 0.01 } }
      let mode = Comparison.Mode.allCases[index % 3]
      let result = try compare(candidate, with: archive, of: sample, mode)
      #expect(result.verdict.culprit?.name == parameter.node, "\(parameter.name), \(mode)")
    }
  }

  @Test("A layer that the archive lacks is looked through and named as a possible cause")
  func missingCulprit() throws {
    let sample = Sample.keras
    let archive = try sample.archive { name, tensor in
      name == "conv2_block1_1_bn" || name == "conv2_block1_1_relu" ? [] : [(name, tensor)]
    }
    let candidate = try sample.exchanging(
      "stage1.block1.norm2.scale", "stage1.block1.norm2.shift")
    for mode in Comparison.Mode.allCases {
      let result = try compare(candidate, with: archive, of: sample, mode)
      #expect(result.coverage.missing == ["conv2_block1_1_bn", "conv2_block1_1_relu"])
      let culprit = try #require(result.verdict.culprit)
      #expect(culprit.displayName == "conv2_block1_2_conv")
      #expect(culprit.unseen == ["conv2_block1_1_bn", "conv2_block1_1_relu"])
      #expect(culprit.inputs.map(\.displayName) == ["conv2_block1_1_conv"])
    }
  }

  @Test("Unknown arrays are listed, folded ones are known, counted names go by their order")
  func names() throws {
    let sample = Sample.keras
    let archive = try sample.archive { name, tensor in
      name == "max_pooling2d" ? [("max_pooling2d_17", tensor)] : [(name, tensor)]
    }
    let extra = TensorData(shape: [1], values: [0])
    let source = MemorySource(
      archive.arrays.map { ($0.name, $0.tensor) } + [
        ("conv1_pad", extra), ("mystery", extra), ("input_layer_4", extra),
      ])
    let result = try compare(sample.executor, with: source, of: sample, .propagated)
    #expect(result.coverage.unknown == ["mystery"])
    #expect(result.coverage.missing.isEmpty)
    #expect(result.coverage.folded.contains { $0.name == "conv1_pad" && $0.into == "conv1_conv" })
    #expect(result.layers.contains { $0.name == "stage1.block2.shortcut.subsample" })
  }

  @Test("A misshapen array is an error that names it", arguments: Sample.all)
  func misshapen(_ sample: Sample) throws {
    let name = try #require(sample.names.name(of: "stage1.block1.conv2"))
    let archive = try sample.archive { array, tensor in
      guard array == name else { return [(array, tensor)] }
      let shape = Shape(tensor.shape.dimensions.reversed())
      return [(array, tensor.reshaped(to: shape))]
    }
    let error = #expect(throws: InputError.self) {
      try compare(sample.executor, with: archive, of: sample, .propagated)
    }
    #expect(error?.description.contains("'\(name)'") == true)
    #expect(error?.kind == .badData)
  }

  @Test("Arrays of a network with the stride elsewhere are recognised")
  func strideElsewhere() throws {
    let sample = Sample.keras
    var configuration = sample.graph.configuration
    configuration.block.stridedBlock = .first
    let archive = try Sample(sample, try Graph(configuration)).archive()
    let error = #expect(throws: InputError.self) {
      try compare(sample.executor, with: archive, of: sample, .propagated)
    }
    #expect(
      error?.hint
        == "the arrays are those of a network with the stride in the first block of each stage")
  }

  @Test("Features kept as images of one pixel are features")
  func onePixel() throws {
    let sample = Sample.torch
    let archive = try sample.archive { name, tensor in
      guard name == "avgpool" else { return [(name, tensor)] }
      return [(name, tensor.reshaped(to: Shape(tensor.shape.dimensions + [1, 1])))]
    }
    let result = try compare(sample.executor, with: archive, of: sample, .both)
    #expect(result.layers.first { $0.familyName == "avgpool" }?.scaledError == 0)
  }

  @Test("Arrays of other float types are read", arguments: [DType.float64, .float16])
  func otherTypes(dtype: DType) throws {
    let sample = Sample.keras
    let archive = try sample.archive { name, tensor in
      // The input stays as it is: what is computed from it must not change.
      [(name, name == "input" ? tensor : tensor.converted(to: dtype))]
    }
    let result = try compare(sample.executor, with: archive, of: sample, .propagated)
    let worst = result.layers.map(\.scaledError).max() ?? 0
    #expect(dtype == .float64 ? worst == 0 : (1e-5...6e-4).contains(worst))
    for mode in Comparison.Mode.allCases {
      #expect(try compare(sample.executor, with: archive, of: sample, mode).verdict.passes)
    }
  }

  @Test("Without an input the archive says so, and takes one that is given")
  func noInput() throws {
    let sample = Sample.keras
    let archive = try sample.archive { name, tensor in name == "input" ? [] : [(name, tensor)] }
    #expect(throws: InputError.self) {
      try compare(sample.executor, with: archive, of: sample, .propagated)
    }
    let activations = try ActivationArchive(archive, graph: sample.graph, layerNames: sample.names)
    #expect(!activations.hasInput)
    let result = try sample.comparison(of: sample.executor)
      .run(against: activations, input: sample.input)
    #expect(result.verdict.passes)
  }

  @Test("Nothing compared is no success")
  func nothingCompared() throws {
    let sample = Sample.keras
    let source = try sample.archive { name, tensor in name == "post_bn" ? [] : [(name, tensor)] }
    let archive = try ActivationArchive(source, graph: sample.graph, layerNames: sample.names)
    #expect(throws: ComparisonError.nothingCompared) {
      try sample.comparison(of: sample.executor, layers: "post_bn").run(against: archive)
    }
  }

  @Test("An archive of another network is refused")
  func otherNetwork() throws {
    let archive = try Sample.torch.archive()
    #expect(throws: InputError.self) {
      try ActivationArchive(
        archive, graph: Sample.keras.graph, layerNames: Sample.keras.names)
    }
  }

  @Test("Channels-first values are put innermost")
  func channelsFirst() {
    let value = Activation.probe([2, 19, 17, 5], seed: 1)
    let tensor = value.tensor(.nchw)
    let back = Activation(channelsFirst: tensor.shape, values: tensor.floats())
    #expect(back.shape == value.shape)
    #expect(back.values == value.values)
  }

  private func compare(
    _ candidate: any Executor, with source: MemorySource, of sample: Sample,
    _ mode: Comparison.Mode
  ) throws -> Comparison.Outcome {
    let archive = try ActivationArchive(source, graph: sample.graph, layerNames: sample.names)
    return try sample.comparison(of: candidate, mode: mode).run(against: archive)
  }
}

extension TensorData {
  func converted(to dtype: DType) -> TensorData {
    let bytes = floats().flatMap { value -> [UInt8] in
      switch dtype {
      case .float64: Swift.withUnsafeBytes(of: Double(value).bitPattern.littleEndian) { Array($0) }
      case .float16: Swift.withUnsafeBytes(of: value.halfBits.littleEndian) { Array($0) }
      default: Swift.withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
      }
    }
    return TensorData(dtype: dtype, shape: shape, bytes: bytes)
  }
}

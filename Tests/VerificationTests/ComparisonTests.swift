import Families
import Inference
import Plain
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Comparison

@Suite("Comparison of two networks")
struct ComparisonTests {
  @Test("Equal networks pass with no error", arguments: Sample.all, Comparison.Mode.allCases)
  func equalNetworks(_ sample: Sample, _ mode: Comparison.Mode) throws {
    let result = try sample.comparison(of: sample.executor, mode: mode)
      .run(against: sample.executor, inputs: [sample.input])
    #expect(result.verdict.passes)
    #expect(result.verdict.culprit == nil)
    #expect(result.verdict.isWithinNoise)
    #expect(result.layers.map(\.name) == sample.graph.nodes.dropFirst().map(\.name))
    #expect(result.layers.allSatisfy { $0.scaledError == 0 })
    #expect(result.layers.allSatisfy { ($0.propagated != nil) == (mode != .isolated) })
    #expect(result.layers.allSatisfy { ($0.isolated != nil) == (mode != .propagated) })
    #expect(result.agreement?.images == 2)
    #expect(result.agreement?.sameFirst == 2)
    #expect(result.coverage.missing.isEmpty && result.coverage.unknown.isEmpty)
  }

  @Test("The changed layer is the culprit", arguments: Sample.all, Comparison.Mode.allCases)
  func changedParameter(_ sample: Sample, _ mode: Comparison.Mode) throws {
    // Every parameter is changed in one of the modes.
    let turn = Comparison.Mode.allCases.firstIndex(of: mode) ?? 0
    for (index, parameter) in sample.graph.parameters.enumerated() where index % 3 == turn {
      let candidate = try sample.changing(parameter.name) { $0.map { $0 * 1.5 + 0.01 } }
      let result = try sample.comparison(of: candidate, mode: mode)
        .run(against: sample.executor, inputs: [sample.input])
      #expect(!result.verdict.passes, "\(parameter.name)")
      #expect(result.verdict.culprit?.name == parameter.node, "\(parameter.name)")
    }
  }

  @Test("Isolated, only the changed layer is out of its limit", arguments: Sample.all)
  func isolatedFailure(_ sample: Sample) throws {
    let name = "stage1.block2.norm2"
    let candidate = try sample.exchanging("\(name).scale", "\(name).shift")
    let comparison = sample.comparison(of: candidate, mode: .isolated)
    let result = try comparison.run(against: sample.executor, inputs: [sample.input])
    #expect(result.layers.filter { !$0.passes }.map(\.name) == [name])
    #expect(result.verdict.culprit?.evidence == .isolated)
  }

  @Test("A mistake below the limit that grows is traced to the layer that makes it")
  func amplifiedMistake() throws {
    let sample = Sample.keras
    let norm = "stage1.block2.norm2"
    // A channel that is almost zero, and that the next layer but one multiplies by a thousand.
    let parameters = try sample.changing("\(norm).scale") { [0] + $0.dropFirst() }.parameters
    let quiet = Sample(sample, parameters)
    let loud = Sample(
      quiet,
      try quiet.changing("stage1.block2.conv2.weight") { values in
        values.enumerated().map { $0.offset / 9 % 4 == 0 ? 1000 * $0.element : $0.element }
      }.parameters)
    let reference = Sample(
      loud, try loud.changing("\(norm).shift") { [0.001] + $0.dropFirst() }.parameters)
    let candidate = try reference.changing("\(norm).shift") { [0.001015] + $0.dropFirst() }
    func culprit(_ mode: Comparison.Mode) throws -> Culprit? {
      try reference.comparison(of: candidate, mode: mode)
        .run(against: reference.executor, inputs: [reference.input]).verdict.culprit
    }
    #expect(try culprit(.propagated)?.name == "stage1.block2.conv2")
    #expect(try culprit(.both)?.name == norm)
    #expect(try culprit(.both)?.evidence == .largestContribution)
  }

  @Test("Inputs may be streamed: the figures are those of one batch")
  func streaming() throws {
    let sample = Sample.keras
    let candidate = try sample.changing("stage1.block1.conv2.weight") { $0.map { $0 * 1.001 } }
    let comparison = sample.comparison(of: candidate, mode: .both)
    let whole = try comparison.run(against: sample.executor, inputs: [sample.input])
    let parts = try comparison.run(
      against: sample.executor, inputs: [sample.input.image(0), sample.input.image(1)])
    #expect(parts.images == 2)
    for (part, whole) in zip(parts.layers, whole.layers) {
      #expect(part.statistics.maximum == whole.statistics.maximum)
      #expect(part.scaledError == whole.scaledError)
      #expect(part.position(of: part.statistics) == whole.position(of: whole.statistics))
      #expect(part.statistics.count == whole.statistics.count)
    }
    #expect(parts.agreement == whole.agreement)
  }

  @Test("Only the selected layers are compared, by either name")
  func selection() throws {
    let sample = Sample.keras
    func names(_ pattern: String) throws -> [String] {
      try sample.comparison(of: sample.executor, layers: pattern)
        .run(against: sample.executor, inputs: [sample.input]).layers.map(\.displayName)
    }
    #expect(
      try names("*_preact_bn") == [
        "conv2_block1_preact_bn", "conv2_block2_preact_bn", "conv3_block1_preact_bn",
      ])
    #expect(try names("stem.conv,post_?n") == ["conv1_conv", "post_bn"])
    #expect(throws: ComparisonError.noLayerMatches(pattern: "nothing")) { try names("nothing") }
  }

  @Test("Without input there is nothing to compare")
  func noInput() throws {
    let sample = Sample.keras
    #expect(throws: ComparisonError.noInput) {
      try sample.comparison(of: sample.executor).run(against: sample.executor, inputs: [])
    }
  }

  @Test("Networks that differ in an option are compared where both have a layer")
  func otherOptions() throws {
    let sample = Sample.keras
    var configuration = sample.graph.configuration
    configuration.stem.pool?.padding = .negativeInfinity
    let graph = try Graph(configuration)
    let reference = NaiveExecutor(graph, sample.parameters)
    let result = try sample.comparison(of: sample.executor, mode: .both)
      .run(against: reference, inputs: [sample.input])
    #expect(result.verdict.culprit?.name == "stem.pool")

    configuration = sample.graph.configuration
    configuration.block.stridedBlock = .first
    let strided = NaiveExecutor(try Graph(configuration), sample.parameters)
    let other = try sample.comparison(of: sample.executor, mode: .both)
      .run(against: strided, inputs: [sample.input])
    #expect(!other.verdict.passes)
    #expect(other.coverage.missing == ["max_pooling2d"])
    let culprit = try #require(other.verdict.culprit)
    #expect(other.layer(of: culprit.node)?.problem != nil)
    #expect(culprit.name.hasPrefix("stage1.block1."))
  }

  @Test("A NaN of the candidate fails, and the place is counted")
  func nanInCandidate() throws {
    let sample = Sample.torch
    let candidate = try sample.changing("stage1.block1.conv1.weight") {
      [.nan] + $0.dropFirst()
    }
    let result = try sample.comparison(of: candidate)
      .run(against: sample.executor, inputs: [sample.input])
    #expect(result.verdict.culprit?.name == "stage1.block1.conv1")
    #expect(result.verdict.passingLimit == .infinity)
    #expect(result.layers.contains { $0.statistics.nonFinite.candidateNaN > 0 })
  }
}

@Suite("Limits and patterns")
struct LimitTests {
  @Test("The last override that matches counts")
  func overrides() {
    let limits = Limits(
      standard: 1,
      overrides: [
        .init(layers: Glob("*_bn"), limit: 2), .init(layers: Glob("conv2*"), limit: 3),
      ])
    #expect(limits.limit(name: "stage1.norm1", familyName: "conv2_bn", isolated: true) == 3)
    #expect(limits.limit(name: "stage1.norm1", familyName: "conv3_bn", isolated: true) == 2)
    #expect(limits.limit(name: "stem.conv", familyName: nil, isolated: true) == 1)
  }

  @Test("A layer at its limit passes, and one above it does not")
  func boundary() throws {
    let sample = Sample.keras
    let candidate = try sample.changing("stem.conv.bias") { $0.map { $0 + 0.1 } }
    var comparison = sample.comparison(of: candidate)
    let result = try comparison.run(against: sample.executor, inputs: [sample.input])
    let passing = result.verdict.passingLimit
    comparison.limits = Limits(standard: passing)
    #expect(try comparison.run(against: sample.executor, inputs: [sample.input]).verdict.passes)
    let error = result.layers.map(\.scaledError).max() ?? 0
    comparison.limits = Limits(standard: error)
    #expect(try comparison.run(against: sample.executor, inputs: [sample.input]).verdict.passes)
    comparison.limits = Limits(standard: error * (1 - 1e-12))
    #expect(!(try comparison.run(against: sample.executor, inputs: [sample.input]).verdict.passes))
  }

  @Test("Each mode has its own limit, and the closer one decides")
  func modes() throws {
    let sample = Sample.keras
    let candidate = try sample.changing("stem.conv.bias") { $0.map { $0 + 0.1 } }
    var comparison = sample.comparison(of: candidate, mode: .both)
    comparison.limits.propagated = 1
    comparison.limits.isolated = 0.01
    let result = try comparison.run(against: sample.executor, inputs: [sample.input])
    let first = try #require(result.layers.first)
    #expect(first.limit == 0.01)
    #expect(!first.passes)
    #expect(first.scaledError == first.isolated?.scaledError)
    let second = try #require(result.layers.dropFirst().first)
    #expect(second.limit == 1)
    #expect(result.layers.count { !$0.passes } == 1)
  }

  @Test(
    "Coarser precisions have wider limits, and isolated ones are tighter",
    arguments: [DType.float32, .float16, .bfloat16, .int8])
  func precisions(precision: DType) {
    let limits = Limits(precision: precision)
    #expect(limits.isolated <= limits.propagated)
    #expect(limits.isolated >= Limits().isolated)
    #expect((precision == .float32) == (limits == Limits()))
  }

  @Test(
    "A limit that would pass is never below the error",
    arguments: [
      1.23e-5, 9.99e-7, 1e-5, 2.0000001e-4, 0.5, 123.4, 9.9, 9.95, 1e-300,
    ])
  func roundingUp(value: Double) {
    let rounded = roundedUp(value)
    #expect(rounded >= value)
    #expect(rounded <= value * 1.11)
  }
}

@Suite("Agreement of outputs")
struct OutputAgreementTests {
  @Test(
    "Classes are compared by their order, whatever the number of classes", arguments: [1, 3, 5, 9])
  func classes(count: Int) {
    let values = (0..<count).map { Float(($0 * 7 + 3) % 11) }
    let output = Activation(shape: [1, count], values: values)
    let other = Activation(shape: [1, count], values: values.map { $0 * 2 - 1 })
    var agreement = OutputAgreement()
    agreement.add(candidate: other, reference: output)
    #expect(agreement.sameFirst == 1)
    #expect(agreement.sameList == 1)
    #expect(agreement.listLength == min(count, 5))
    #expect(agreement.disagreements.isEmpty)
  }

  @Test("A swap of the first two differs in the first class only")
  func swappedFirst() {
    var agreement = OutputAgreement()
    agreement.add(
      candidate: Activation(shape: [2, 6], values: [1, 2, 3, 4, 5, 6, 6, 5, 4, 3, 2, 1]),
      reference: Activation(shape: [2, 6], values: [1, 2, 3, 4, 6, 5, 6, 5, 4, 3, 1, 2]))
    #expect(agreement.images == 2)
    #expect(agreement.sameFirst == 1)
    #expect(agreement.sameList == 1)
    #expect(agreement.disagreements.map(\.image) == [0, 1])
    #expect(agreement.disagreements.first?.candidate == [5, 4, 3, 2, 1])
  }

  @Test("NaN is never among the first classes, and equal values keep their order")
  func ties() {
    var agreement = OutputAgreement()
    agreement.add(
      candidate: Activation(shape: [1, 4], values: [.nan, 1, 1, 2]),
      reference: Activation(shape: [1, 4], values: [0, 5, 5, 5]))
    #expect(agreement.disagreements.first?.candidate == [3, 1, 2, 0])
    #expect(agreement.disagreements.first?.reference == [1, 2, 3, 0])
  }
}

extension Activation {
  func image(_ index: Int) -> Activation {
    let size = shape.elementCount / shape[0]
    return Activation(
      shape: Shape([1] + shape.dimensions.dropFirst()),
      values: Array(values[index * size..<(index + 1) * size]))
  }
}

import Families
import Inference
import ResNetV2
import Tensors
import Testing

@testable import Comparison

/// What no input that was compared may show.
@Suite("Layers side by side")
struct FunctionAgreementTests {
  typealias Change = @Sendable (inout Configuration) -> Void

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let sample: Sample
    let change: Change
    /// The first layer that differs; `nil` where none does.
    var layer: String?
    var explanation = ""
  }

  static let same: [Case] = [
    .init(testDescription: "the same options", sample: .keras, change: { _ in }),
    .init(
      testDescription: "an ε that is off by less than the limit beside these variances",
      sample: .keras, change: { $0.norm = .batch(epsilon: 1e-5) }),
    .init(
      testDescription: "a border of zeros after a ReLU, where none counts", sample: .torch,
      change: { $0.stem.pool?.padding = .zero }),
    .init(
      testDescription: "SAME without a stride", sample: .torch,
      change: {
        $0.convolutionPadding = .same
        $0.stages[1].stride = 1
        $0.stem.convolutions[0].stride = 1
      }),
  ]

  static let different: [Case] = [
    .init(
      testDescription: "another ε", sample: .keras,
      change: { $0.norm = .batch(epsilon: 1e-3) }, layer: "stage1.block1.norm1",
      explanation: "ε is 0.001, the reference's is 1.001e-05"),
    .init(
      testDescription: "a border of zeros of values of either sign", sample: .keras,
      change: { $0.stem.pool?.padding = .negativeInfinity }, layer: "stem.pool",
      explanation: "the border is left out, the reference's is zeros"),
    .init(
      testDescription: "SAME, which is another border where sizes are even", sample: .torch,
      change: { $0.convolutionPadding = .same }, layer: "stem.conv",
      explanation: "the padding is TensorFlow's SAME, the reference's is 3"),
    .init(
      testDescription: "another function at the end", sample: .keras,
      change: { $0.head.layers[1] = .activation(.sigmoid) }, layer: "head.activation",
      explanation: "it is sigmoid, the reference's is softmax"),
    .init(
      testDescription: "another input of a shortcut", sample: .keras,
      change: { $0.shortcut.input = .raw }, layer: "stage1.block1.shortcut.conv",
      explanation: "it reads stem.pool, the reference's reads stage1.block1.relu1"),
    .init(
      testDescription: "one layer less", sample: .torch,
      change: { $0.shortcut.kind = .convolution }, layer: "stage1.block1.add"),
  ]

  @Test("What is the same of any input agrees", arguments: same)
  func agrees(_ sides: Case) throws {
    #expect(try agreement(sides).different == [])
  }

  @Test("What differs on some input is named, though no value was compared", arguments: different)
  func differs(_ sides: Case) throws {
    let agreement = try agreement(sides)
    let first = try #require(agreement.different.first)
    #expect(first.name == sides.layer ?? first.name)
    #expect(first.explanation.contains(sides.explanation))
  }

  @Test("A parameter that only one side has is nothing where it does nothing")
  func oneSided() throws {
    let sample = Sample.torch
    var configuration = sample.graph.configuration
    configuration.hasNormShifts = false
    let graph = try Graph(configuration)
    func agrees(_ value: Float) throws -> Bool {
      try FunctionAgreement(of: graph, and: sample.graph, tolerance: { _ in 2e-5 }) {
        $0.role == .shift
          ? TensorData(
            shape: $0.shape, values: Array(repeating: value, count: $0.shape.elementCount))
          : sample.parameters[$0]
      }.agrees
    }
    #expect(try agrees(0) && !agrees(1e-6))
  }

  @Test("A norm without statistics is one whose mean is 0 and whose variance is 1, and no other")
  func statistics() throws {
    let sample = Sample.torch
    var configuration = sample.graph.configuration
    configuration.hasNormStatistics = false
    configuration.norm = .batch(epsilon: 0)
    let graph = try Graph(configuration)
    func agreement(variance: Float) throws -> FunctionAgreement {
      try FunctionAgreement(of: graph, and: sample.graph, tolerance: { _ in 2e-5 }) {
        let value: Float = $0.role == .variance ? variance : 0
        return TensorData(
          shape: $0.shape, values: Array(repeating: value, count: $0.shape.elementCount))
      }
    }
    #expect(try agreement(variance: 1).agrees)
    let first = try #require(try agreement(variance: 1.01).different.first)
    #expect(first.explanation.contains("the mean and variance is missing"))
  }

  @Test("A verdict fails where a layer does something else that no value shows")
  func verdict() throws {
    let sample = try Sample(family: "keras")
    let executor = FastExecutor(
      graph: sample.graph, parameters: sample.parameters, pool: WorkerPool(threads: 1))
    var result = try sample.comparison(of: executor).run(
      against: sample.executor, inputs: [sample.input])
    #expect(result.verdict.passes)
    var configuration = sample.graph.configuration
    configuration.norm = .batch(epsilon: 1e-3)
    result.functions = try FunctionAgreement(
      of: sample.graph, and: Graph(configuration), tolerance: { _ in 2e-5 },
      tensor: { sample.parameters[$0] })
    let verdict = result.verdict
    #expect(!verdict.passes && verdict.failed == 0)
    #expect(verdict.culprit?.evidence == .definition)
    #expect(verdict.culprit?.name == "stage1.block1.norm1")
  }

  private func agreement(_ sides: Case) throws -> FunctionAgreement {
    var configuration = sides.sample.graph.configuration
    sides.change(&configuration)
    var other = sides.sample.graph.configuration
    // Without a stride on either side.
    other.stages[1].stride = configuration.stages[1].stride
    other.stem.convolutions[0].stride = configuration.stem.convolutions[0].stride
    return try FunctionAgreement(
      of: Graph(configuration), and: Graph(other), tolerance: { _ in Limits.float32 },
      tensor: { sides.sample.parameters[$0] })
  }
}

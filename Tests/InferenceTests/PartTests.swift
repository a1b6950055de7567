import Files
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Inference

@Suite("Layers that are computed some channels at a time")
struct PartTests {
  /// Blocks of more channels than any panel has, whose last panel is not whole, with standardised kernels and biases.
  private static func network(standardized: Bool) -> SampleNetwork {
    var configuration = SampleNetwork.preActivation.configuration
    configuration.stages = [
      .init(blocks: 1, innerChannels: 96, outputChannels: 320, stride: 1),
      .init(blocks: 2, innerChannels: 200, outputChannels: 448, stride: 2),
    ]
    configuration.block.hasInnerBiases = true
    configuration.head = .init(classes: 150, hasSoftmax: true)
    configuration.weightStandardizationEpsilon = standardized ? 1e-6 : nil
    return SampleNetwork(description: "several panels", configuration: configuration)
  }

  private static let rules: [ConvolutionMethod.Rule] = [
    .direct, .all(.winograd(outputs: 2)), .all(.winograd(outputs: 4)), .all(.strassen),
  ]

  /// Tensors that are made again whenever they are used, as those of large files are.
  private static func deferred(_ parameters: Parameters) throws -> Parameters {
    let tensors = parameters.graph.parameters.map { parameter in
      let tensor = parameters[parameter]
      return (
        parameter.name,
        TensorData(dtype: tensor.dtype, shape: tensor.shape) { tensor }
      )
    }
    return try Parameters(Dictionary(uniqueKeysWithValues: tensors), for: parameters.graph)
  }

  private static func values(
    _ executor: any Executor, _ input: Activation
  ) throws -> [[Float]] {
    var values: [[Float]] = []
    _ = try executor.run(input) { values.append($1.values) }
    return values
  }

  @Test(
    "One panel at a time gives the same bits as all of them", arguments: rules,
    InstructionSet.allCases.filter(\.isAvailable))
  func fast(_ rule: ConvolutionMethod.Rule, _ instructions: InstructionSet) throws {
    for (standardized, images) in [(false, 1), (true, 2)] {
      let sample = Self.network(standardized: standardized)
      let (graph, parameters) = try sample.make()
      let pool = WorkerPool(threads: 2)
      let input = Activation.probe([images, 21, 19, 3], seed: 7)
      let whole = FastExecutor(
        graph: graph, parameters: parameters, pool: pool, methods: rule,
        instructionSet: instructions)
      let parts = FastExecutor(
        graph: graph, parameters: try Self.deferred(parameters), pool: pool, methods: rule,
        instructionSet: instructions, packsOnDemand: true)
      let expected = try Self.values(whole, input)
      let output = try whole.run(input, observer: nil).values
      try WorkingMemory.$whole.withValue(1) {
        let found = try Self.values(parts, input)
        #expect(found == expected)
        let last = try parts.run(input, observer: nil).values
        #expect(last == output)
      }
    }
  }

  @Test(
    "So does the reference", arguments: [false, true],
    InstructionSet.allCases.filter(\.isAvailable))
  func reference(_ standardized: Bool, _ instructions: InstructionSet) throws {
    let sample = Self.network(standardized: standardized)
    let (graph, parameters) = try sample.make()
    let input = Activation.probe([2, 21, 19, 3], seed: 7)
    let all = ReferenceExecutor(
      graph: graph, parameters: parameters, pool: WorkerPool(threads: 1), instructionSet: .baseline)
    let parts = ReferenceExecutor(
      graph: graph, parameters: try Self.deferred(parameters), pool: WorkerPool(threads: 3),
      instructionSet: instructions)
    let expected = try Self.values(all, input)
    let found = try WorkingMemory.$whole.withValue(1) { try Self.values(parts, input) }
    #expect(found == expected)
  }

  @Test("An infinite weight spoils the same values")
  func notFinite() throws {
    let sample = Self.network(standardized: false)
    let (graph, whole) = try sample.make()
    let spoilt = try #require(graph.parameters.first { $0.name == "stage1.block1.conv2.weight" })
    var values = whole[spoilt].floats()
    values[70 * 96 * 9 + 5] = .infinity
    let parameters = whole.replacing(spoilt, with: TensorData(shape: spoilt.shape, values: values))
    let input = Activation.probe([1, 21, 19, 3], seed: 7)
    func bits(packsOnDemand: Bool) throws -> [[UInt32]] {
      let executor = FastExecutor(
        graph: graph, parameters: parameters, pool: WorkerPool(threads: 2),
        methods: .all(.winograd(outputs: 4)), instructionSet: .best, packsOnDemand: packsOnDemand)
      return try Self.values(executor, input).map { $0.map { $0.isNaN ? 1 : $0.bitPattern } }
    }
    let expected = try bits(packsOnDemand: false)
    let found = try WorkingMemory.$whole.withValue(1) { try bits(packsOnDemand: true) }
    #expect(found == expected)
  }

  @Test("Filters that are looked at alone are those that are multiplied")
  func filters() throws {
    let tensor = TensorData(
      shape: [21, 5, 3, 3], values: Activation.probe([21, 45], seed: 3).values)
    let all = tensor.standardized(epsilon: 1e-5).floats()
    let rows = FilterRows(tensor, standardization: 1e-5)
    for channel in [0, 20, 8, 7, 13, 9, 0] {
      #expect(Array(rows.filter(channel)) == Array(all[channel * 45..<(channel + 1) * 45]))
    }
    #expect(FilterRows(tensor, standardization: nil).filter(20).first == tensor.floats()[20 * 45])
  }
}

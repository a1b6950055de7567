import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Inference

@Suite("Executors")
struct ExecutorTests {
  static let shapes: [Shape] = [[1, 32, 32, 3], [2, 47, 65, 3], [3, 33, 38, 3]]
  static let available = InstructionSet.allCases.filter(\.isAvailable)

  @Test("The reference agrees with formulas written down in the test", arguments: SampleNetwork.all)
  func referenceIsRight(_ network: SampleNetwork) throws {
    let (graph, parameters) = try network.make()
    let values = try network.referenceValues(for: [2, 37, 34, 3])
    #expect(values.count == graph.nodes.count)
    for (node, value) in zip(graph.nodes, values).dropFirst() {
      let inputs = node.inputs.map { values[$0] }
      let expected = Naive.value(of: node, inputs, parameters, shape: value.shape)
      #expect(error(value, expected) <= 1.2e-7, "\(node.name)")
    }
  }

  static let rules: [ConvolutionMethod.Rule] = [
    .direct, .all(.winograd(outputs: 2)), .all(.winograd(outputs: 4)), .all(.strassen),
  ]

  @Test(
    "The fast executor agrees with the reference at every node",
    arguments: SampleNetwork.all.flatMap { network in rules.map { (network, $0) } },
    ExecutorTests.available)
  func fastIsRight(
    _ network: (SampleNetwork, ConvolutionMethod.Rule), _ instructions: InstructionSet
  ) throws {
    let (graph, parameters) = try network.0.make()
    let fast = FastExecutor(
      graph: graph, parameters: parameters, pool: WorkerPool(threads: 2), methods: network.1,
      instructionSet: instructions)
    let isDirect = network.1 == .direct
    for shape in Self.shapes {
      let input = SampleNetwork.input(shape)
      let expected = try network.0.referenceValues(for: shape)
      var order: [Int] = []
      _ = try fast.run(input) { node, value in
        order.append(node)
        #expect(value.shape == expected[node].shape)
        #expect(
          error(value, expected[node].values.map(Double.init)) <= (isDirect ? 3e-6 : 1e-5),
          "\(graph.nodes[node].name) at \(shape)")
        let inputs = graph.nodes[node].inputs.map { expected[$0] }
        let alone = try fast.evaluate(node, inputs: node == 0 ? [input] : inputs)
        #expect(
          error(alone, expected[node].values.map(Double.init)) <= (isDirect ? 2e-6 : 1e-5),
          "\(graph.nodes[node].name) alone at \(shape)")
      }
      #expect(order == Array(graph.nodes.indices))
    }
  }

  @Test(
    "Fused and observed runs, and all numbers of threads, give the same bits",
    arguments: SampleNetwork.all.flatMap { network in rules.map { (network, $0) } },
    ExecutorTests.available)
  func bitsAreStable(
    _ network: (SampleNetwork, ConvolutionMethod.Rule), _ instructions: InstructionSet
  ) throws {
    let (graph, parameters) = try network.0.make()
    let input = SampleNetwork.input([2, 31, 33, 3])
    var results: [[UInt32]] = []
    for threads in [1, 2, 3, 7] {
      let fast = FastExecutor(
        graph: graph, parameters: parameters, pool: WorkerPool(threads: threads),
        methods: network.1,
        instructionSet: instructions)
      for _ in 0..<2 {
        results.append(try fast.run(input, observer: nil).values.map(\.bitPattern))
      }
      results.append(try fast.run(input, observer: { _, _ in }).values.map(\.bitPattern))
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }

  @Test("The reference gives the same bits with every instruction set and number of threads")
  func referenceIsPortable() throws {
    let (graph, parameters) = try SampleNetwork.preActivation.make()
    let input = SampleNetwork.input([1, 47, 65, 3])
    let logits = try #require(graph.index(of: "head.dense"))
    var results: [[UInt32]] = []
    for instructions in Self.available {
      for threads in [1, 3] {
        let reference = ReferenceExecutor(
          graph: graph, parameters: parameters, pool: WorkerPool(threads: threads),
          instructionSet: instructions)
        _ = try reference.run(input) { node, value in
          if node == logits { results.append(value.values.map(\.bitPattern)) }
        }
      }
    }
    #expect(results.count == Self.available.count * 2)
    #expect(results.allSatisfy { $0 == results[0] })
  }

  @Test(
    "NaN and infinity reach the same values as in the reference",
    arguments: rules, ExecutorTests.available)
  func propagatesNaN(_ rule: ConvolutionMethod.Rule, _ instructions: InstructionSet) throws {
    let (graph, parameters) = try SampleNetwork.wide.make()
    let input = SampleNetwork.input([1, 47, 65, 3])
    for value in [Float.nan, .infinity, 1e17] {
      var values = input.values
      values[3 * (20 * 65 + 31)] = value
      let spoiled = Activation(shape: input.shape, values: values)
      let reference = ReferenceExecutor(
        graph: graph, parameters: parameters, pool: WorkerPool(threads: 2))
      let fast = FastExecutor(
        graph: graph, parameters: parameters, pool: WorkerPool(threads: 2), methods: rule,
        instructionSet: instructions)
      var expected: [Activation] = []
      _ = try reference.run(spoiled) { _, value in expected.append(value) }
      _ = try fast.run(spoiled) { node, value in
        let name = graph.nodes[node].name
        #expect(
          zip(value.values, expected[node].values).allSatisfy {
            $0.isNaN == $1.isNaN && $0.isInfinite == $1.isInfinite
          }, "\(name)")
      }
    }
  }

  @Test(
    "A parameter that is not finite spoils the same values as in the reference, at the border too",
    arguments: rules, ExecutorTests.available)
  func spoiltParameters(_ rule: ConvolutionMethod.Rule, _ instructions: InstructionSet) throws {
    let (graph, parameters) = try SampleNetwork.wide.make()
    let fast = FastExecutor(
      graph: graph, parameters: parameters, pool: WorkerPool(threads: 2), methods: rule,
      instructionSet: instructions)
    for spoilt in try SpoiltParameter.all.get() {
      let found = try FastExecutor(fast, replacing: spoilt.node, with: spoilt.parameters)
        .evaluate(spoilt.node, inputs: spoilt.inputs)
      #expect(
        zip(found.values, spoilt.expected.values).allSatisfy {
          $0.isNaN == $1.isNaN && (!$0.isInfinite && !$1.isInfinite || $0 == $1)
        }, "\(spoilt.description)")
    }
  }

  @Test("Several tasks may use one executor at the same time")
  func isConcurrent() async throws {
    let (graph, parameters) = try SampleNetwork.basicPreActivation.make()
    let fast = FastExecutor(graph: graph, parameters: parameters, pool: WorkerPool(threads: 2))
    let inputs = (0..<4).map { SampleNetwork.input([1, 40, 40, 3], seed: UInt64($0)) }
    let alone = try inputs.map { try fast.run($0, observer: nil).values }
    let together = try await withThrowingTaskGroup(of: (Int, [Float]).self) { group in
      for (index, input) in inputs.enumerated() {
        group.addTask { (index, try fast.run(input, observer: nil).values) }
      }
      var results: [Int: [Float]] = [:]
      for try await (index, values) in group { results[index] = values }
      return results
    }
    for index in inputs.indices { #expect(together[index] == alone[index]) }
  }

  @Test("The activations between steps take little more than what must be alive at once")
  func memoryIsReused() throws {
    let (graph, _) = try SampleNetwork.preActivation.make()
    let input: Shape = [1, 448, 448, 3]
    let plan = try Plan(graph, input: input, keepsActivations: false)
    var reads: [Int: Int] = [graph.outputIndex: plan.steps.count]
    for (position, step) in plan.steps.enumerated() {
      for node in step.inputs(in: graph) { reads[node] = position }
    }
    var largest = 0
    for position in plan.steps.indices {
      let alive = plan.steps[...position].flatMap(\.stored).filter { (reads[$0] ?? -1) >= position }
      largest = max(largest, alive.reduce(0) { $0 + plan.shapes[$1].elementCount })
    }
    #expect(Double(plan.arenaCount) <= 1.3 * Double(largest))
  }

  @Test(
    "Every image of a batch gives the bits that it gives alone, whatever its neighbours are",
    arguments: rules)
  func imagesAreIndependent(_ rule: ConvolutionMethod.Rule) throws {
    let (graph, parameters) = try SampleNetwork.wide.make()
    let fast = FastExecutor(
      graph: graph, parameters: parameters, pool: WorkerPool(threads: 2), methods: rule,
      instructionSet: .best)
    // Large enough that the first steps are done for one image after the other, and the last not.
    let shape: Shape = [1, 448, 320, 3]
    var images = (0..<3).map { SampleNetwork.input(shape, seed: UInt64($0)).values }
    images[1][3 * 75_000] = .nan
    let batch = Activation(shape: [3, 448, 320, 3], values: images.flatMap { $0 })
    let plan = try fast.plan(for: batch.shape, keepsActivations: false)
    #expect(plan.stepsPerImage > 0 && plan.stepsPerImage < plan.steps.count)
    let together = try fast.run(batch, observer: nil).values
    let observed = try fast.run(batch, observer: { _, _ in }).values
    let alone = try images.flatMap {
      try fast.run(Activation(shape: shape, values: $0), observer: nil).values
    }
    #expect(together.map(\.bitPattern) == alone.map(\.bitPattern))
    #expect(observed.map(\.bitPattern) == alone.map(\.bitPattern))
    #expect(alone.contains { $0.isNaN } && alone.contains { $0.isFinite })
  }

  @Test("An input that does not fit is refused")
  func refusesInputs() throws {
    let (graph, parameters) = try SampleNetwork.preActivation.make()
    let fast = FastExecutor(graph: graph, parameters: parameters, pool: WorkerPool(threads: 1))
    #expect(throws: InputShapeError.self) {
      try fast.run(SampleNetwork.input([1, 32, 32, 4]), observer: nil)
    }
  }
}

/// A value of one parameter that is not finite, and what the reference then makes of the right inputs.
private struct SpoiltParameter {
  let description: String
  let node: Int
  let parameters: Parameters
  let inputs: [Activation]
  let expected: Activation

  /// Every parameter of the wide network, made once for all rules and instruction sets.
  static let all = Result {
    let (graph, parameters) = try SampleNetwork.wide.make()
    let values = try SampleNetwork.wide.referenceValues(for: [1, 31, 33, 3])
    return try [Float.nan, .infinity, -.infinity].flatMap { value in
      try graph.parameters.filter { $0.role != .bias }.map { parameter in
        var floats = parameters[parameter].floats()
        floats[floats.count / 2] = value
        let spoilt = parameters.replacing(
          parameter, with: TensorData(shape: parameter.shape, values: floats))
        let node = try #require(graph.index(of: parameter.node))
        let inputs = graph.nodes[node].inputs.map { values[$0] }
        let reference = ReferenceExecutor(
          graph: graph, parameters: spoilt, pool: WorkerPool(threads: 2))
        return SpoiltParameter(
          description: "\(parameter.name), \(value)", node: node, parameters: spoilt,
          inputs: inputs,
          expected: try reference.evaluate(node, inputs: inputs))
      }
    }
  }
}

/// The scaled error of a value against one of Double.
func error(_ value: Activation, _ expected: [Double]) -> Double {
  var measure = ScaledError()
  for (a, b) in zip(value.values, expected) {
    measure.isFinite = measure.isFinite && a.isFinite && b.isFinite
    measure.difference = max(measure.difference, (Double(a) - b).magnitude)
    measure.largest = max(measure.largest, b.magnitude)
  }
  return measure.value
}

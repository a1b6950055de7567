import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Inference

@Suite("Random networks")
struct RandomNetworkTests {
  /// A share of them where the thorough tests are not asked for.
  static let seeds = Thorough.isAsked ? 0..<400 : 0..<40

  @Test(
    "Both executors agree with the formulas at every node, and fused with unfused",
    .timeLimit(.minutes(30)), arguments: seeds)
  func agree(_ seed: Int) throws {
    var networks = RandomNetworks(seed: UInt64(seed))
    let drawn = networks.next()
    let shape: Shape = [2, 17 + seed % 5, 16 + seed % 7, drawn.input.channels]
    let network = SampleNetwork(
      description: "seed \(seed)", configuration: try drawn.fitting(shape))
    let (graph, parameters) = try network.make(seed: UInt64(seed))
    let reference = ReferenceExecutor(
      graph: graph, parameters: parameters, pool: WorkerPool(threads: 2))
    let fast = FastExecutor(graph: graph, parameters: parameters, pool: WorkerPool(threads: 2))
    let input = SampleNetwork.input(shape)
    var values: [Activation] = []
    _ = try reference.run(input) { node, value in
      let inputs = graph.nodes[node].inputs.map { values[$0] }
      if node > 0 {
        let expected = Naive.value(of: graph.nodes[node], inputs, parameters, shape: value.shape)
        let name = graph.nodes[node].name
        #expect(error(value, expected) <= 1.3e-7, "\(name) of \(drawn)")
        let alone = try fast.evaluate(node, inputs: inputs)
        #expect(alone.shape == value.shape)
        #expect(error(alone, expected) <= 1e-5, "\(name) of \(drawn)")
      }
      values.append(value)
    }
    let observed = try fast.run(input) { _, _ in }
    let fused = try fast.run(input, observer: nil)
    #expect(observed.values.map(\.bitPattern) == fused.values.map(\.bitPattern), "\(drawn)")
    let certified = try reference.certifiedValues(for: input)
    #expect(certified.count == graph.nodes[graph.logitsIndex].channels(values[graph.logitsIndex]))
  }

  @Test("A network that flattens says which image it takes")
  func usualInput() throws {
    var configuration = SampleNetwork.preActivation.configuration
    configuration.head.pooling = .flatten(height: 2, width: 3, channelsFirst: false)
    let graph = try Graph(configuration)
    let input = try #require(graph.usualInput(side: 224))
    #expect(throws: Never.self) { try graph.shapes(for: input) }
    #expect(throws: InputShapeError.self) { try graph.shapes(for: [1, 224, 224, 3]) }
    #expect(
      try Graph(SampleNetwork.preActivation.configuration).usualInput(side: 224) == [
        1, 224, 224, 3,
      ])
  }
}

extension Node {
  /// The number of values of one image that a certificate has.
  fileprivate func channels(_ value: Activation) -> Int { value.shape[value.shape.rank - 1] }
}

import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Inference

@Suite("Group norms")
struct GroupNormTests {
  /// Values far from zero, of channels that hardly vary; in the last all pixels are equal.
  private static func farFromZero(_ shape: Shape) -> Activation {
    let noise = SampleNetwork.input(shape, seed: 4).values
    let channels = shape[3]
    return Activation(
      shape: shape,
      values: noise.enumerated().map { index, value in
        let channel = index % channels
        return 30 + Float(channel) + (channel == channels - 1 ? 0 : 0.5 * value)
      })
  }

  @Test(
    "Moments are exact where means are large, whatever the number of pixels and channels",
    arguments: [[1, 1, 1], [1, 2, 3], [3, 56, 56], [1, 113, 101]], ExecutorTests.available)
  func largeMeans(_ size: [Int], _ instructions: InstructionSet) throws {
    let (graph, parameters) = try SampleNetwork.deepGroupNorm.make()
    let reference = ReferenceExecutor(parameters, pool: WorkerPool(threads: 2))
    let norms = graph.nodes.indices.filter {
      if case .norm(.group, _, _) = graph.nodes[$0].operation { true } else { false }
    }
    #expect(norms.count > 5)
    for node in norms.prefix(4) + norms.suffix(1) {
      let channels = try #require(graph.nodes[node].parameters.first?.shape[0])
      let input = Self.farFromZero(Shape(size + [channels]))
      let expected = try reference.evaluate(node, inputs: [input])
      var bits: [[UInt32]] = []
      for threads in [1, 2, 3] {
        let fast = FastExecutor(
          graph: graph, parameters: parameters, pool: WorkerPool(threads: threads),
          methods: .direct,
          instructionSet: instructions)
        let value = try fast.evaluate(node, inputs: [input])
        let limit = 1e-5
        #expect(
          error(value, expected.values.map(Double.init)) <= limit, "\(graph.nodes[node].name)")
        bits.append(value.values.map(\.bitPattern))
      }
      #expect(Set(bits).count == 1)
    }
  }

  @Test(
    "A value that is not finite spoils its group and no other, as in the reference",
    arguments: [Float.nan, .infinity])
  func notFinite(_ bad: Float) throws {
    let (graph, parameters) = try SampleNetwork.deepGroupNorm.make()
    let node = try #require(graph.index(of: "stage2.block1.norm1"))
    let channels = try #require(graph.nodes[node].parameters.first?.shape[0])
    var values = SampleNetwork.input([1, 9, 7, channels]).values
    values[5 * channels + 3] = bad
    let input = Activation(shape: [1, 9, 7, channels], values: values)
    let pool = WorkerPool(threads: 2)
    let expected = try ReferenceExecutor(parameters, pool: pool).evaluate(node, inputs: [input])
    let value = try FastExecutor(parameters, pool: pool).evaluate(node, inputs: [input])
    let spoilt = value.values.map(\.isFinite)
    #expect(spoilt == expected.values.map(\.isFinite))
    #expect(spoilt.contains(true) && spoilt.contains(false))
  }
}

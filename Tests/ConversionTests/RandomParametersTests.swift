import Families
import Inference
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Conversion

@Suite("Random weights")
struct RandomParametersTests {
  private static let depths: [[Int]] = [[1, 1], [2, 2, 2, 2], [3, 8, 36, 3]]

  @Test(
    "However deep a network of random weights is, a softmax tells its logits apart",
    .timeLimit(.minutes(30)), arguments: [Family.keras, .torch, .timmBiT, .torchvision], depths)
  func hasModestLogits(_ family: Family, _ blocks: [Int]) throws {
    var configuration = family.configuration(kind: .bottleneck, blocks: blocks, classes: 100)
    for stage in blocks.indices {
      configuration.stages[stage].innerChannels = 32
      configuration.stages[stage].outputChannels = 64
    }
    let graph = try Graph(configuration)
    for seed in [1, 2] as [UInt64] {
      let parameters = try Parameters.random(for: graph, seed: seed, threads: 2)
      var logits: [Float] = []
      _ = try FastExecutor(parameters, pool: WorkerPool(threads: 2)).run(
        .probe([1, 64, 64, 3], seed: seed)
      ) { node, value in if node == graph.logitsIndex { logits = Array(value.values) } }
      let mean = logits.reduce(0, +) / Float(logits.count)
      let squares = logits.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      let deviation = (squares / Float(logits.count)).squareRoot()
      #expect((0.2...5).contains(deviation), "\(family.id), \(blocks), seed \(seed)")
    }
  }
}

import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Inference

@Suite("Variants of a network")
struct VariantTests {
  @Test(
    "Each gives the bits of an executor of its own, large values and batches included",
    arguments: [
      ([2, 448, 320, 3], [InstructionSet.best]), ([1, 65, 40, 3], InstructionSet.allCases),
    ])
  func givesItsOwnBits(_ dimensions: [Int], _ sets: [InstructionSet]) throws {
    let (graph, parameters) = try SampleNetwork.preActivation.make()
    let input = SampleNetwork.input(Shape(dimensions))
    for set in sets where set.isAvailable {
      func executor(_ parameters: Parameters) -> FastExecutor {
        FastExecutor(
          graph: graph, parameters: parameters, pool: WorkerPool(threads: 2),
          methods: .fastest(expecting: input.shape), instructionSet: set)
      }
      let own = executor(parameters)
      if input.shape[0] > 1 {
        // In ordinary runs, some values are stored for one image only.
        let plan = try own.plan(for: input.shape, keepsActivations: false)
        #expect(!plan.singles.isEmpty && plan.stepsPerImage < plan.steps.count)
      }
      // Every third, so that nodes of each kind and place are among them.
      let nodes = graph.nodes.indices.filter {
        graph.nodes[$0].parameters.contains { $0.role == .weight }
      }
      let variants = try stride(from: 0, to: nodes.count, by: 3).compactMap {
        index -> FastExecutor.Variant? in
        let node = nodes[index]
        guard let weight = graph.nodes[node].parameters.first(where: { $0.role == .weight })
        else { return nil }
        let rounded = try parameters[weight].rounded(to: .int8)
        return .init(node: node, parameters: parameters.replacing(weight, with: rounded))
      }
      #expect(variants.count > 4)
      var seen = 0
      let output = try own.run(input, variants: variants) { index, output in
        seen += 1
        let expected = try? executor(variants[index].parameters).run(input, observer: nil)
        #expect(output.values.map(\.bitPattern) == expected?.values.map(\.bitPattern), "\(index)")
      }
      #expect(seen == variants.count)
      #expect(output.values == (try own.run(input, observer: nil).values))
    }
  }
}

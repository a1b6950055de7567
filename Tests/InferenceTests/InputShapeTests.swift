import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Inference

@Suite("Inputs that do not fit")
struct InputShapeTests {
  @Test(
    "A node of any kind that is given values of other channels, rank or number throws",
    arguments: SampleNetwork.all)
  func refuses(_ network: SampleNetwork) throws {
    let (graph, parameters) = try network.make()
    let executors: [any Executor] = [
      FastExecutor(graph: graph, parameters: parameters, pool: WorkerPool(threads: 1)),
      ReferenceExecutor(graph: graph, parameters: parameters, pool: WorkerPool(threads: 1)),
    ]
    let shapes = try graph.shapes(for: [1, 32, 32, 3])
    for executor in executors {
      for (index, node) in graph.nodes.enumerated() where index > 0 {
        let inputs = node.inputs.map { shapes[$0] }
        for wrong in Self.wrongInputs(inputs) {
          // A ReLU or a softmax takes any channels.
          guard node.operation.outputShape(wrong, networkInput: wrong.first ?? [1]) == nil else {
            continue
          }
          #expect(throws: LayerInputError.self, "\(node.name) from \(wrong)") {
            try executor.evaluate(index, inputs: wrong.map { Self.zeros($0) })
          }
        }
      }
      for index in [-1, graph.nodes.count] {
        #expect(throws: LayerInputError.self) {
          try executor.evaluate(index, inputs: [Self.zeros([1, 32, 32, 3])])
        }
      }
    }
  }

  @Test("A convolution with one channel too few has no shape, nor has what gets nothing")
  func shapes() throws {
    let (graph, _) = try SampleNetwork.preActivation.make()
    for node in graph.nodes {
      #expect(node.operation.outputShape([], networkInput: [1, 2, 2]) == nil, "\(node.name)")
      if case .convolution(let conv) = node.operation {
        let fewer = Shape([1, 8, 8, conv.inputChannels - 1])
        #expect(node.operation.outputShape([fewer], networkInput: fewer) == nil, "\(node.name)")
      }
    }
  }

  private static func wrongInputs(_ inputs: [Shape]) -> [[Shape]] {
    guard let first = inputs.first, let channels = first.dimensions.last else { return [] }
    let fewer = Shape(first.dimensions.dropLast() + [channels - 1])
    let other = [fewer] + inputs.dropFirst()
    return [[], other, inputs + inputs, [[channels]], [[]], [[1, 4, 4, 0]], [[1, 4, channels]]]
  }

  private static func zeros(_ shape: Shape) -> Activation {
    Activation(shape: shape, values: [Float](repeating: 0, count: shape.elementCount))
  }
}

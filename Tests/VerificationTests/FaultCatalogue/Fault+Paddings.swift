import Inference
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Comparison

extension Fault {
  /// A convolution that the other side pads otherwise.
  static var paddings: [Fault] {
    [
      padding("padding SAME", ["should be TensorFlow's SAME"]) { conv, size in
        let outputs = (size + conv.stride - 1) / conv.stride
        return max((outputs - 1) * conv.stride + conv.kernel - size, 0) / 2
      },
      padding("padding one-sided", ["should be one-sided", "SAME"]) { _, _ in 0 },
      padding("padding shifted", ["should be shifted", "should be one-sided", "SAME"]) { conv, _ in
        conv.kernel / 2 - 1
      },
    ]
  }

  private static func padding(
    _ description: String, _ words: [String],
    _ before: @escaping @Sendable (ResNetV2.Operation.Convolution, Int) -> Int
  ) -> Fault {
    Fault(
      description: description, words: words,
      applies: { _, node in
        if case .convolution(let conv) = node.operation { conv.kernel > 1 } else { false }
      }, inject: { sample, _ in (sample.graph, sample.parameters) },
      isOfExecutor: true,
      truth: { sample, node in
        PaddingExecutor(base: sample.executor, node: node.name, before: before)
      })
  }
}

/// A network of which one convolution begins elsewhere in its image.
private struct PaddingExecutor: Executor {
  let base: NaiveExecutor
  let node: String
  let before: @Sendable (ResNetV2.Operation.Convolution, Int) -> Int

  var graph: Graph { base.graph }

  func run(
    _ input: Activation, observer: ((_ node: Int, _ value: Activation) throws -> Void)?
  ) throws -> Activation {
    var values: [Activation] = []
    for index in graph.nodes.indices {
      let inputs = graph.nodes[index].inputs.map { values[$0] }
      let value = index == 0 ? input : try evaluate(index, inputs: inputs)
      values.append(value)
      try observer?(index, value)
    }
    return values[graph.outputIndex]
  }

  func evaluate(_ index: Int, inputs: [Activation]) throws -> Activation {
    guard graph.nodes[index].name == node,
      case .convolution(let conv) = graph.nodes[index].operation
    else { return try base.evaluate(index, inputs: inputs) }
    let input = inputs[0]
    // The samples' convolutions have half their kernel on each side.
    let top = conv.kernel / 2 - before(conv, input.shape[1])
    let left = conv.kernel / 2 - before(conv, input.shape[2])
    // With a wide border of zeros, the same convolution is one of an image that was moved.
    let border = conv.kernel * conv.stride
    let wide = Shape([
      input.shape[0], input.shape[1] + 2 * border, input.shape[2] + 2 * border, input.shape[3],
    ])
    let moved = Activation(shape: wide) { n, y, x, c in
      let (row, column) = (y - border + top, x - border + left)
      guard 0..<input.shape[1] ~= row, 0..<input.shape[2] ~= column else { return 0 }
      return Double(input[n, row, column, c])
    }
    let value = try base.evaluate(index, inputs: [moved])
    let shape = try #require(
      graph.nodes[index].operation.outputShape([input.shape], networkInput: input.shape))
    return Activation(shape: shape) { n, y, x, c in
      Double(value[n, y + conv.kernel, x + conv.kernel, c])
    }
  }
}

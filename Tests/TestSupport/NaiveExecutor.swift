package import Inference
package import ResNetV2
package import Tensors

/// A forward pass written from the definitions, in Double: slow, and independent of the real
/// executors.
package struct NaiveExecutor: Executor {
  package let graph: Graph
  package var parameters: Parameters
  /// Changes the value of a node before it is used, as a fault in an executor would.
  package var fault: (@Sendable (_ node: String, _ value: Activation) -> Activation)?

  package init(_ graph: Graph, _ parameters: Parameters) {
    self.graph = graph
    self.parameters = parameters
  }

  package func run(
    _ input: Activation, observer: ((_ node: Int, _ value: Activation) throws -> Void)?
  ) throws -> Activation {
    _ = try graph.shapes(for: input.shape)
    var values: [Activation] = []
    for index in graph.nodes.indices {
      let value =
        index == 0
        ? input : try evaluate(index, inputs: graph.nodes[index].inputs.map { values[$0] })
      values.append(value)
      try observer?(index, value)
    }
    return values[graph.outputIndex]
  }

  package func evaluate(_ node: Int, inputs: [Activation]) throws -> Activation {
    let operation = graph.nodes[node]
    let shape = operation.operation.outputShape(inputs.map(\.shape), networkInput: inputs[0].shape)
    guard let shape else { preconditionFailure("the inputs do not fit \(operation.name)") }
    let value = Activation(
      shape: shape,
      values: Naive.value(of: operation, inputs, parameters, shape: shape).map(Float.init))
    return fault?(operation.name, value) ?? value
  }
}

extension Activation {
  /// Makes an image batch from a function of image, row, column and channel.
  package init(shape: Shape, _ value: (Int, Int, Int, Int) -> Double) {
    var values: [Float] = []
    values.reserveCapacity(shape.elementCount)
    for n in 0..<shape[0] {
      for y in 0..<shape[1] {
        for x in 0..<shape[2] {
          for c in 0..<shape[3] { values.append(Float(value(n, y, x, c))) }
        }
      }
    }
    self.init(shape: shape, values: values)
  }

  /// The value at an image, row, column and channel.
  package subscript(n: Int, y: Int, x: Int, c: Int) -> Float {
    values[((n * shape[1] + y) * shape[2] + x) * shape[3] + c]
  }

  /// Every value changed.
  package func map(_ transform: (Float) -> Float) -> Activation {
    Activation(shape: shape, values: values.map(transform))
  }
}

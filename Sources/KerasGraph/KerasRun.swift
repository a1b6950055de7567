package import Inference
import Tensors

/// One input on its way through a network: each value is computed when it is asked for, with all that
/// it needs, and let go when nothing will read it any more.
package final class KerasRun {
  private let network: KerasNetwork
  private let weights: KerasWeights
  private let arithmetic: ReferenceArithmetic
  private let shapes: [Shape]
  private let readers: [[Int]]
  private var values: [Int: Activation]
  private var isComputed: [Bool]

  /// Starts with an input [N, H, W, C].
  ///
  /// - Throws: `InputError` where the input, or a variable, does not fit the graph.
  package init(
    _ input: Activation, through network: KerasNetwork, weights: KerasWeights,
    arithmetic: ReferenceArithmetic
  ) throws {
    self.network = network
    self.weights = weights
    self.arithmetic = arithmetic
    shapes = try network.shapes(for: input.shape)
    var readers = Array(repeating: [Int](), count: network.nodes.count)
    for (index, node) in network.nodes.enumerated() {
      for read in node.inputs {
        readers[read].append(index)
        try weights.check(index, of: network, input: shapes[read])
      }
    }
    self.readers = readers
    values = [0: input]
    isComputed = network.nodes.indices.map { $0 == 0 }
  }

  /// The value of a node.
  ///
  /// Values that only earlier calls have needed are let go; asked for again, they are computed again.
  package func value(of node: Int) throws -> Activation {
    if let value = values[node] { return value }
    for index in values.keys where index != 0 && isDone(index) { values[index] = nil }
    // What is missing, in the order of computation; a node only reads earlier ones.
    var missing: Set<Int> = []
    var open = [node]
    while let next = open.popLast() {
      guard values[next] == nil, missing.insert(next).inserted else { continue }
      open += network.nodes[next].inputs
    }
    var unread = Dictionary(
      uniqueKeysWithValues: missing.map { ($0, readers[$0].count { missing.contains($0) }) })
    for index in missing.sorted() {
      let inputs = network.nodes[index].inputs.compactMap { values[$0] }
      values[index] = try evaluate(index, inputs: inputs)
      isComputed[index] = true
      // What was computed on the way, and is for nothing else, goes at once.
      for read in network.nodes[index].inputs {
        guard let count = unread[read] else { continue }
        unread[read] = count - 1
        if count == 1, isDone(read) { values[read] = nil }
      }
    }
    guard let value = values[node] else { preconditionFailure("\(node) was just computed") }
    return value
  }

  /// Whether all that read a node were computed.
  private func isDone(_ node: Int) -> Bool {
    readers[node].allSatisfy { isComputed[$0] }
  }

  private func evaluate(_ index: Int, inputs: [Activation]) throws -> Activation {
    let shape = shapes[index]
    let input = inputs[0]
    switch network.nodes[index].operation {
    case .input, .identity:
      return input
    case .zeroPadding(let top, _, let left, _):
      return input.padded(top: top, left: left, to: shape)
    case .convolution(let conv):
      return apply(conv.function, to: try convolve(input, conv, index, to: shape))
    case .dense(_, _, let function):
      guard let kernel = try weights.tensor("kernel", of: index) else { return input }
      let bias = try weights.tensor("bias", of: index)?.floats()
      let rows = Shape([input.shape.elementCount / kernel.shape[0], kernel.shape[0]])
      let result = arithmetic.convolve(
        Activation(shape: rows, values: input.values), weights: kernel, bias: bias,
        to: [rows[0], kernel.shape[1]])
      return apply(function, to: Activation(shape: shape, values: result.values))
    case .batchNorm(let norm):
      return try normalize(input, norm, index)
    case .activation(let function):
      return apply(function, to: input)
    case .maxPool(let window):
      return arithmetic.maxPool(input, PoolWindow(window, input.shape, shape), to: shape)
    case .averagePool(let window):
      return arithmetic.averagePool(input, PoolWindow(window, input.shape, shape), to: shape)
    case .globalAverage:
      return arithmetic.globalAverage(input, to: shape)
    case .globalMaximum:
      let whole = PoolWindow(size: max(input.shape[1], input.shape[2]), stride: 1)
      let result = arithmetic.maxPool(input, whole, to: [shape[0], 1, 1, input.shape[3]])
      return Activation(shape: shape, values: result.values)
    case .add:
      return inputs.dropFirst(2).reduce(arithmetic.add(inputs[0], inputs[1])) {
        arithmetic.add($0, $1)
      }
    case .flatten:
      return Activation(shape: shape, values: input.values)
    case .rescaling(let scale, let offset):
      return input.rescaled(by: scale, offset: offset)
    }
  }

  private func convolve(
    _ input: Activation, _ conv: KerasOperation.Convolution, _ index: Int, to shape: Shape
  ) throws -> Activation {
    guard let kernel = try weights.tensor("kernel", of: index) else { return input }
    defer { kernel.releasePages() }
    var padded = input
    if conv.isSame {
      // The odd row and column go below and right. Zeros add nothing to a sum.
      let rows = missing(input.shape[1], shape[1], window: conv.height, stride: conv.stride)
      let columns = missing(input.shape[2], shape[2], window: conv.width, stride: conv.stride)
      padded = input.padded(
        top: rows / 2, left: columns / 2,
        to: [
          shape[0], input.shape[1] + rows, input.shape[2] + columns, input.shape[3],
        ])
    }
    return arithmetic.convolve(
      padded, weights: kernel, bias: try weights.tensor("bias", of: index)?.floats(),
      stride: conv.stride, to: shape)
  }

  private func normalize(
    _ input: Activation, _ norm: KerasOperation.Norm, _ index: Int
  ) throws -> Activation {
    let channels = input.shape[input.shape.rank - 1]
    func values(_ variable: String, default standard: Float) throws -> [Float] {
      try weights.tensor(variable, of: index)?.floats()
        ?? Array(repeating: standard, count: channels)
    }
    return arithmetic.normalize(
      input, mean: try values("moving_mean", default: 0),
      variance: try values("moving_variance", default: 1), epsilon: norm.epsilon,
      scale: try values("gamma", default: 1), shift: try values("beta", default: 0))
  }

  private func apply(_ function: KerasOperation.Function, to value: Activation) -> Activation {
    switch function {
    case .linear: value
    case .relu: arithmetic.rectify(value)
    case .softmax: arithmetic.softmax(value)
    }
  }
}

/// How many rows or columns TensorFlow's SAME adds to an image.
private func missing(_ size: Int, _ outputs: Int, window: Int, stride: Int) -> Int {
  max((outputs - 1) * stride + window - size, 0)
}

extension PoolWindow {
  fileprivate init(_ window: KerasOperation.Window, _ input: Shape, _ output: Shape) {
    func before(_ axis: Int) -> Int {
      guard window.isSame else { return 0 }
      return missing(input[axis], output[axis], window: window.size, stride: window.stride) / 2
    }
    self.init(size: window.size, stride: window.stride, top: before(1), left: before(2))
  }
}

extension Activation {
  /// An image within a larger one of zeros.
  fileprivate func padded(top: Int, left: Int, to shape: Shape) -> Activation {
    let channels = shape[3]
    let row = self.shape[2] * channels
    var result = [Float](repeating: 0, count: shape.elementCount)
    for image in 0..<shape[0] {
      for y in 0..<self.shape[1] {
        let source = (image * self.shape[1] + y) * row
        let target = ((image * shape[1] + top + y) * shape[2] + left) * channels
        result.replaceSubrange(target..<target + row, with: values[source..<source + row])
      }
    }
    return Activation(shape: shape, values: result)
  }

  /// x · scale + offset, with a value for all channels or one for each.
  fileprivate func rescaled(by scale: [Double], offset: [Double]) -> Activation {
    let channels = shape[shape.rank - 1]
    let result = values.indices.map { index in
      let channel = index % channels
      let factor = scale[scale.count == 1 ? 0 : channel]
      return Float(
        Double(values[index]) * factor + offset[offset.count == 1 ? 0 : channel])
    }
    return Activation(shape: shape, values: result)
  }
}

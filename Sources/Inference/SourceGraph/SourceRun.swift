import Plain
package import SourceGraph
import Tensors

/// One input on its way through the graph that a file carries: each value is computed when it is asked for, with all that
/// it needs, and let go when nothing will read it any more.
package final class SourceRun {
  private let graph: SourceGraph
  private let weights: SourceWeights
  private let arithmetic: ReferenceArithmetic
  private let shapes: [Shape?]
  private let readers: [[Int]]
  private var values: [Int: Activation]
  private var isComputed: [Bool]

  /// Starts with an input [N, H, W, C].
  ///
  /// - Throws: `InputError` where the input, or a variable, does not fit the graph.
  package init(
    _ input: Activation, through graph: SourceGraph, weights: SourceWeights,
    arithmetic: ReferenceArithmetic
  ) throws {
    self.graph = graph
    self.weights = weights
    self.arithmetic = arithmetic
    shapes = try graph.shapes(for: input.shape)
    var readers = Array(repeating: [Int](), count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      for read in node.inputs {
        readers[read].append(index)
        if let shape = shapes[read], shapes[index] != nil {
          try weights.check(index, of: graph, input: shape)
        }
      }
    }
    self.readers = readers
    // There is one input: the shapes were only found for such a graph.
    values = [graph.inputs[0]: input]
    isComputed = graph.nodes.indices.map { graph.inputs.contains($0) }
  }

  /// The value of a node; `nil` for one that no output depends on and that cannot be computed.
  ///
  /// Values that only earlier calls have needed are let go; asked for again, they are computed again.
  package func value(of node: Int) throws -> Activation? {
    guard shapes[node] != nil else { return nil }
    if let value = values[node] { return value }
    for index in values.keys where !graph.inputs.contains(index) && isDone(index) {
      values[index] = nil
    }
    // What is missing, in the order of computation; a node only reads earlier ones.
    var missing: Set<Int> = []
    var open = [node]
    while let next = open.popLast() {
      guard values[next] == nil, missing.insert(next).inserted else { continue }
      open += graph.nodes[next].inputs
    }
    var unread = Dictionary(
      uniqueKeysWithValues: missing.map { ($0, readers[$0].count { missing.contains($0) }) })
    for index in missing.sorted() {
      let inputs = graph.nodes[index].inputs.compactMap { values[$0] }
      values[index] = try evaluate(index, inputs: inputs)
      isComputed[index] = true
      // What was computed on the way, and is for nothing else, goes at once.
      for read in graph.nodes[index].inputs {
        guard let count = unread[read] else { continue }
        unread[read] = count - 1
        if count == 1, isDone(read) { values[read] = nil }
      }
    }
    return values[node]
  }

  /// The value that a node has where other values stand in place of those before it.
  ///
  /// - Parameters:
  ///   - known: the values that stand for nodes, of the shapes that these have; a node without one is computed too.
  ///   - changed: what nodes compute instead of what the graph says.
  package func value(
    of node: Int, from known: (Int) throws -> Activation?, changed: [Int: SourceOperation] = [:]
  ) throws -> Activation? {
    guard shapes[node] != nil, !graph.inputs.contains(node) else { return nil }
    var computed: [Int: Activation] = [:]
    var missing: Set<Int> = []
    var open = [node]
    while let next = open.popLast() {
      guard missing.insert(next).inserted else { continue }
      for read in graph.nodes[next].inputs where computed[read] == nil {
        computed[read] = try graph.inputs.contains(read) ? values[read] : known(read)
        if computed[read] == nil { open.append(read) }
      }
    }
    for index in missing.sorted() {
      let inputs = graph.nodes[index].inputs.compactMap { computed[$0] }
      guard inputs.count == graph.nodes[index].inputs.count else { return nil }
      computed[index] = try evaluate(index, as: changed[index], inputs: inputs)
    }
    return computed[node]
  }

  /// Whether all that read a node were computed.
  private func isDone(_ node: Int) -> Bool {
    readers[node].allSatisfy { isComputed[$0] }
  }

  private func evaluate(
    _ index: Int, as changed: SourceOperation? = nil, inputs: [Activation]
  ) throws -> Activation {
    let input = inputs[0]
    guard let shape = shapes[index] else { return input }
    switch changed ?? graph.nodes[index].operation {
    case .input, .identity, .channel, .stackChannels, .channelsFirst, .other:
      return input
    case .padding(let border):
      return input.padded(
        top: border.top, left: border.left, to: shape,
        with: border.isNegativeInfinity ? -.infinity : 0)
    case .padChannels(let before, _):
      return arithmetic.padChannels(input, before: before, to: shape)
    case .convolution(let conv):
      return try convolve(input, conv, index, to: shape)
    case .dense:
      return try dense(input, index, to: shape)
    case .batchNorm(let norm):
      return try normalize(input, norm, index)
    case .groupNorm(let norm, let groups):
      let channels = input.shape[input.shape.rank - 1]
      return arithmetic.normalize(
        input, groups: groups, epsilon: norm.epsilon,
        scale: try values("gamma", of: index, count: channels, default: 1),
        shift: try values("beta", of: index, count: channels, default: 0))
    case .activation(let function):
      return arithmetic.apply(function, to: input)
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
    case .merge(let merge):
      return Activation(shape: shape, values: merge.values(of: inputs.map(\.values)))
    case .concatenate(let axis):
      return inputs.joined(along: axis < 0 ? axis + shape.rank : axis, to: shape)
    case .flatten(channelsFirst: true):
      guard input.shape.rank == 4 else { return Activation(shape: shape, values: input.values) }
      return arithmetic.flatten(input, channelsFirst: true, to: shape)
    case .flatten, .reshape:
      return Activation(shape: shape, values: input.values)
    case .affine(let scale, let offset):
      return input.rescaled(by: scale, offset: offset)
    case .standardize:
      return try standardize(input, index)
    case .reverseChannels:
      return input.withReversedChannels()
    }
  }

  private func dense(_ input: Activation, _ index: Int, to shape: Shape) throws -> Activation {
    guard var kernel = try weights.tensor("kernel", of: index) else { return input }
    // It may be a kernel of one pixel.
    kernel = kernel.reshaped(to: Shape(Array(kernel.shape.dimensions.suffix(2))))
    let bias = try weights.tensor("bias", of: index)?.floats()
    let rows = Shape([input.shape.elementCount / kernel.shape[0], kernel.shape[0]])
    let result = arithmetic.convolve(
      Activation(shape: rows, values: input.values), weights: kernel, bias: bias,
      to: [rows[0], kernel.shape[1]])
    return Activation(shape: shape, values: result.values)
  }

  private func convolve(
    _ input: Activation, _ conv: SourceOperation.Convolution, _ index: Int, to shape: Shape
  ) throws -> Activation {
    guard let kernel = try weights.tensor("kernel", of: index) else { return input }
    defer { kernel.discardPages() }
    var padded = input
    if conv.isSame {
      // The odd row and column go below and right. Zeros add nothing to a sum.
      let rows = missing(input.shape[1], shape[1], window: conv.spanHeight, stride: conv.stride)
      let columns = missing(input.shape[2], shape[2], window: conv.spanWidth, stride: conv.stride)
      padded = input.padded(
        top: rows / 2, left: columns / 2,
        to: [
          shape[0], input.shape[1] + rows, input.shape[2] + columns, input.shape[3],
        ])
    }
    return arithmetic.convolve(
      padded, weights: kernel, bias: try weights.tensor("bias", of: index)?.floats(),
      stride: conv.stride, dilation: conv.dilation, to: shape)
  }

  private func normalize(
    _ input: Activation, _ norm: SourceOperation.Norm, _ index: Int
  ) throws -> Activation {
    let channels = input.shape[input.shape.rank - 1]
    func values(_ variable: String, _ standard: Float) throws -> [Float] {
      try self.values(variable, of: index, count: channels, default: standard)
    }
    return arithmetic.normalize(
      input, mean: try values("moving_mean", 0), variance: try values("moving_variance", 1),
      epsilon: norm.epsilon, scale: try values("gamma", 1), shift: try values("beta", 0))
  }

  /// (x − mean) / max(√variance, 10⁻⁷).
  private func standardize(_ input: Activation, _ index: Int) throws -> Activation {
    let channels = input.shape[input.shape.rank - 1]
    let mean = try values("mean", of: index, count: channels, default: 0).map(Double.init)
    let variance = try values("variance", of: index, count: channels, default: 1)
    let scale = variance.map { 1 / max(Double($0).squareRoot(), 1e-7) }
    return input.rescaled(by: scale, offset: zip(mean, scale).map { -$0 * $1 })
  }

  /// A variable's values, one for each channel.
  private func values(
    _ variable: String, of index: Int, count: Int, default standard: Float
  ) throws -> [Float] {
    let values = try weights.tensor(variable, of: index)?.floats() ?? [standard]
    return values.count == 1 && count != 1 ? Array(repeating: values[0], count: count) : values
  }
}

/// How many rows or columns TensorFlow's SAME adds to an image.
private func missing(_ size: Int, _ outputs: Int, window: Int, stride: Int) -> Int {
  max((outputs - 1) * stride + window - size, 0)
}

extension PoolWindow {
  fileprivate init(_ window: SourceOperation.Window, _ input: Shape, _ output: Shape) {
    func before(_ axis: Int) -> Int {
      guard window.isSame else { return 0 }
      return missing(input[axis], output[axis], window: window.size, stride: window.stride) / 2
    }
    self.init(size: window.size, stride: window.stride, top: before(1), left: before(2))
  }
}

extension Activation {
  /// An image within a larger one of one value.
  fileprivate func padded(
    top: Int, left: Int, to shape: Shape, with value: Float = 0
  ) -> Activation {
    let channels = shape[3]
    let row = self.shape[2] * channels
    var result = [Float](repeating: value, count: shape.elementCount)
    for image in 0..<shape[0] {
      for y in 0..<self.shape[1] {
        let source = (image * self.shape[1] + y) * row
        let target = ((image * shape[1] + top + y) * shape[2] + left) * channels
        result.replaceSubrange(target..<target + row, with: values[source..<source + row])
      }
    }
    return Activation(shape: shape, values: result)
  }

  /// The image with its channels in reverse order.
  fileprivate func withReversedChannels() -> Activation {
    let channels = shape[shape.rank - 1]
    return Activation(
      shape: shape,
      values: values.indices.map { index in
        let channel = index % channels
        return values[index - channel + (channels - 1 - channel)]
      })
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

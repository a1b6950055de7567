import Foundation
import Inference
import Tensors

@testable import ResNetV2

/// A forward pass written from the definitions, in Double: slow, and independent of the real
/// executors.
struct NaiveExecutor: Executor {
  let graph: Graph
  var parameters: Parameters
  /// Changes the value of a node before it is used, as a fault in an executor would.
  var fault: (@Sendable (_ node: String, _ value: Activation) -> Activation)?

  init(_ graph: Graph, _ parameters: Parameters) {
    self.graph = graph
    self.parameters = parameters
  }

  func run(
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

  func evaluate(_ node: Int, inputs: [Activation]) throws -> Activation {
    let node = graph.nodes[node]
    let tensors = Dictionary(
      uniqueKeysWithValues: node.parameters.map { ($0.role, parameters[$0].floats()) })
    let value = naiveValue(of: node.operation, tensors, inputs)
    return fault?(node.name, value) ?? value
  }
}

/// The value of an operation, from its definition.
func naiveValue(
  of operation: ResNetV2.Operation, _ tensors: [Parameter.Role: [Float]], _ inputs: [Activation]
) -> Activation {
  switch operation {
  case .input:
    inputs[0]
  case .activation(.softmax):
    softmax(inputs[0])
  case .activation(.relu):
    inputs[0].map { max($0, 0) }
  case .activation(.sigmoid):
    inputs[0].map { 1 / (1 + exp(-$0)) }
  case .add:
    Activation(
      shape: inputs[0].shape, values: zip(inputs[0].values, inputs[1].values).map { $0 + $1 })
  case .convolution(let conv):
    convolution(conv, tensors, inputs[0])
  case .norm(let norm, let channels, _):
    normalized(norm, channels, tensors, inputs[0])
  case .maxPool(let pool):
    pooled(pool, inputs[0], zeroCounts: true) { $0.max() ?? 0 }
  case .averagePool(let pool):
    pooled(pool, inputs[0], zeroCounts: false) { $0.reduce(0, +) / Double($0.count) }
  case .subsample(let stride):
    pooled(.init(size: 1, stride: stride, padding: .ignored(0)), inputs[0], zeroCounts: false) {
      $0[0]
    }
  case .globalAverage:
    globalAverage(inputs[0])
  case .dense(let inputChannels, let outputChannels, _):
    dense(inputChannels, outputChannels, tensors, inputs[0])
  case .adjust, .activation, .padChannels, .globalMaximum, .flatten:
    preconditionFailure("no sample has \(operation)")
  }
}

private func convolution(
  _ conv: ResNetV2.Operation.Convolution, _ tensors: [Parameter.Role: [Float]], _ input: Activation
) -> Activation {
  let window = conv.inputChannels * conv.kernel * conv.kernel
  var weights = (tensors[.weight] ?? []).map(Double.init)
  if let epsilon = conv.weightStandardizationEpsilon {
    for output in 0..<conv.outputChannels {
      let range = output * window..<(output + 1) * window
      let mean = weights[range].reduce(0, +) / Double(window)
      let variance = weights[range].map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(window)
      for index in range { weights[index] = (weights[index] - mean) / sqrt(variance + epsilon) }
    }
  }
  let shape = outputShape(.convolution(conv), input)
  let (height, width, channels) = (input.shape[1], input.shape[2], conv.inputChannels)
  let border = conv.border(input: input.shape, output: shape)
  let values = input.values.map(Double.init)
  let bias = tensors[.bias]?.map(Double.init)
  return values.withUnsafeBufferPointer { values in
    weights.withUnsafeBufferPointer { weights in
      Activation(shape: shape) { n, y, x, output in
        var sum = bias?[output] ?? 0
        var tap = 0
        // The kernel's taps in the order of the weights of one channel; loops without iterators,
        // which are slow where nothing is optimised.
        while tap < conv.kernel * conv.kernel {
          let row = y * conv.stride + tap / conv.kernel - border.top
          let column = x * conv.stride + tap % conv.kernel - border.left
          if row >= 0, row < height, column >= 0, column < width {
            let pixel = ((n * height + row) * width + column) * channels
            var channel = 0
            while channel < channels {
              sum +=
                weights[(output * channels + channel) * conv.kernel * conv.kernel + tap]
                * values[pixel + channel]
              channel += 1
            }
          }
          tap += 1
        }
        return sum
      }
    }
  }
}

private func normalized(
  _ norm: Configuration.Norm, _ channels: Int, _ tensors: [Parameter.Role: [Float]],
  _ input: Activation
) -> Activation {
  let scale = (tensors[.scale] ?? []).map(Double.init)
  let shift = (tensors[.shift] ?? []).map(Double.init)
  switch norm {
  case .batch(let epsilon):
    let mean = (tensors[.mean] ?? []).map(Double.init)
    let variance = (tensors[.variance] ?? []).map(Double.init)
    return Activation(shape: input.shape) { n, y, x, c in
      (Double(input[n, y, x, c]) - mean[c]) / sqrt(variance[c] + epsilon) * scale[c] + shift[c]
    }
  case .group(let count, let epsilon):
    let size = channels / count
    var statistics: [[(mean: Double, variance: Double)]] = []
    for n in 0..<input.shape[0] {
      statistics.append(
        (0..<count).map { group in
          var values: [Double] = []
          for y in 0..<input.shape[1] {
            for x in 0..<input.shape[2] {
              for c in group * size..<(group + 1) * size {
                values.append(Double(input[n, y, x, c]))
              }
            }
          }
          let mean = values.reduce(0, +) / Double(values.count)
          return (
            mean, values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(values.count)
          )
        })
    }
    return Activation(shape: input.shape) { n, y, x, c in
      let (mean, variance) = statistics[n][c / size]
      return (Double(input[n, y, x, c]) - mean) / sqrt(variance + epsilon) * scale[c] + shift[c]
    }
  }
}

private func pooled(
  _ pool: ResNetV2.Operation.Pool, _ input: Activation, zeroCounts: Bool,
  _ reduce: ([Double]) -> Double
) -> Activation {
  let shape = outputShape(.maxPool(pool), input)
  func before(_ size: Int, _ outputs: Int) -> Int {
    switch pool.padding {
    case .zero(let padding), .ignored(let padding): padding
    case .same: max((outputs - 1) * pool.stride + pool.size - size, 0) / 2
    }
  }
  let top = before(input.shape[1], shape[1])
  let left = before(input.shape[2], shape[2])
  let countsBorder = if case .zero = pool.padding { zeroCounts } else { false }
  return Activation(shape: shape) { n, y, x, c in
    var values: [Double] = []
    for ky in 0..<pool.size {
      for kx in 0..<pool.size {
        let row = y * pool.stride + ky - top
        let column = x * pool.stride + kx - left
        if 0..<input.shape[1] ~= row, 0..<input.shape[2] ~= column {
          values.append(Double(input[n, row, column, c]))
        } else if countsBorder {
          values.append(0)
        }
      }
    }
    return reduce(values)
  }
}

private func outputShape(_ operation: ResNetV2.Operation, _ input: Activation) -> Shape {
  guard let shape = operation.outputShape([input.shape], networkInput: input.shape) else {
    preconditionFailure("the input does not fit")
  }
  return shape
}

private func globalAverage(_ input: Activation) -> Activation {
  let pixels = input.shape[1] * input.shape[2]
  let channels = input.shape[3]
  var values: [Float] = []
  for n in 0..<input.shape[0] {
    for c in 0..<channels {
      let sum = (0..<pixels).reduce(0.0) {
        $0 + Double(input.values[(n * pixels + $1) * channels + c])
      }
      values.append(Float(sum / Double(pixels)))
    }
  }
  return Activation(shape: [input.shape[0], channels], values: values)
}

private func dense(
  _ inputs: Int, _ outputs: Int, _ tensors: [Parameter.Role: [Float]], _ input: Activation
) -> Activation {
  let weights = (tensors[.weight] ?? [])
  var values: [Float] = []
  for n in 0..<input.shape[0] {
    for output in 0..<outputs {
      var sum = tensors[.bias].map { Double($0[output]) } ?? 0
      for i in 0..<inputs {
        sum += Double(weights[output * inputs + i]) * Double(input.values[n * inputs + i])
      }
      values.append(Float(sum))
    }
  }
  return Activation(shape: [input.shape[0], outputs], values: values)
}

private func softmax(_ input: Activation) -> Activation {
  let classes = input.shape[1]
  var values: [Float] = []
  for n in 0..<input.shape[0] {
    let row = input.values[n * classes..<(n + 1) * classes].map(Double.init)
    let largest = row.max() ?? 0
    let powers = row.map { exp($0 - largest) }
    let sum = powers.reduce(0, +)
    values += powers.map { Float($0 / sum) }
  }
  return Activation(shape: input.shape, values: values)
}

extension Activation {
  /// Makes an image batch from a function of image, row, column and channel.
  init(shape: Shape, _ value: (Int, Int, Int, Int) -> Double) {
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

  subscript(n: Int, y: Int, x: Int, c: Int) -> Float {
    values[((n * shape[1] + y) * shape[2] + x) * shape[3] + c]
  }

  func map(_ transform: (Float) -> Float) -> Activation {
    Activation(shape: shape, values: values.map(transform))
  }
}

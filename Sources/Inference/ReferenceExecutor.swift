import CKernelSupport
public import ResNetV2
import Tensors

/// Computes a network layer by layer, as it is written down, with sums in Double: the oracle of all
/// others.
///
/// Between layers values are float32. Only IEEE additions, multiplications, divisions and square
/// roots in a fixed order are used, so the same bits come out on every machine and for every number
/// of threads; the softmax, which needs an exponential, excepted.
public struct ReferenceExecutor: Executor {
  /// The network that is computed.
  public let graph: Graph

  private let parameters: Parameters
  private let kernels: Kernels
  private let pool: WorkerPool

  /// Makes an executor of a network and its parameters.
  public init(graph: Graph, parameters: Parameters, threads: Int) {
    self.init(graph: graph, parameters: parameters, threads: threads, instructionSet: .best)
  }

  package init(
    graph: Graph, parameters: Parameters, threads: Int, instructionSet: InstructionSet
  ) {
    self.graph = graph
    self.parameters = parameters
    kernels = instructionSet.kernels
    pool = WorkerPool(threads: threads)
  }

  /// Runs the whole network, one node after the other.
  public func run(
    _ input: Activation, observer: ((_ node: Int, _ value: Activation) throws -> Void)?
  ) throws -> Activation {
    _ = try graph.shapes(for: input.shape)
    let lastUses = graph.lastUses
    var values: [Int: Activation] = [:]
    var value = input
    for (index, node) in graph.nodes.enumerated() {
      let inputs = index == 0 ? [input] : node.inputs.compactMap { values[$0] }
      value = try evaluate(index, inputs: inputs)
      try observer?(index, value)
      values[index] = value
      for used in node.inputs where lastUses[used] == index { values[used] = nil }
    }
    return value
  }

  /// Computes one node alone; the input node takes the network's input.
  public func evaluate(_ node: Int, inputs: [Activation]) throws -> Activation {
    let operation = graph.nodes[node].operation
    guard let shape = operation.outputShape(inputs.map(\.shape), networkInput: inputs[0].shape)
    else { throw LayerInputError(node: graph.nodes[node].name, shapes: inputs.map(\.shape)) }
    let tensors = Dictionary(
      uniqueKeysWithValues: graph.nodes[node].parameters.map { ($0.role, parameters[$0]) })
    switch operation {
    case .input:
      return inputs[0]
    case .convolution(let conv):
      return convolve(inputs[0], conv, tensors, to: shape)
    case .dense(let inputChannels, let outputChannels, _):
      let conv = Operation.Convolution(
        kernel: 1, stride: 1, padding: 0, inputChannels: inputChannels,
        outputChannels: outputChannels)
      return convolve(inputs[0], conv, tensors, to: shape)
    case .norm(let norm, let channels):
      return normalize(inputs[0], norm, channels: channels, tensors)
    case .relu:
      return make(shape) { output in
        inputs[0].withPointer { kernels.rectify($0, output, shape.elementCount) }
      }
    case .add:
      return make(shape) { output in
        inputs[0].withPointer { first in
          inputs[1].withPointer { kernels.add(first, $0, output, shape.elementCount) }
        }
      }
    case .maxPool(let pool):
      return self.pool(inputs[0], pool, to: shape, kernels.maxPool)
    case .averagePool(let pool):
      return self.pool(inputs[0], pool, to: shape, kernels.averagePool)
    case .subsample(let stride):
      // A window of one pixel: its largest value is the pixel.
      let pool = Operation.Pool(size: 1, stride: stride, padding: .ignored(0))
      return self.pool(inputs[0], pool, to: shape, kernels.maxPool)
    case .globalAverage:
      return average(inputs[0], to: shape)
    case .softmax:
      return softmax(inputs[0])
    }
  }

  // MARK: - Operations

  private func convolve(
    _ input: Activation, _ conv: Operation.Convolution, _ tensors: [Parameter.Role: TensorData],
    to shape: Shape
  ) -> Activation {
    guard let weight = tensors[.weight] else { return input }
    let matrix = weight.reshaped(
      to: [conv.outputChannels, conv.inputChannels, conv.kernel, conv.kernel])
    let weights =
      (conv.weightStandardizationEpsilon.map { matrix.standardized(epsilon: $0) } ?? matrix)
      .outputChannelsLast()
    let zeros = [Float](repeating: 0, count: conv.inputChannels)
    let bias = tensors[.bias]?.floats()
    let pixels = shape.elementCount / conv.outputChannels
    // A few pixels at a time, so that the threads end together.
    let piece = max(1, min(64, pixels / (pool.threadCount * 4)))
    return make(shape) { output in
      weights.withFloats { weights in
        input.withPointer { source in
          zeros.withUnsafeBufferPointer { zeros in
            bias.withOptionalPointer { bias in
              var work = RNWConvolution(conv, input: input.shape, output: shape)
              work.input = source
              work.weights = weights.baseAddress
              work.zeros = zeros.baseAddress
              work.bias = bias
              work.output = output
              withUnsafePointer(to: work) { work in
                pool.run((pixels + piece - 1) / piece) { index, _ in
                  let start = index * piece
                  kernels.convolveReference(work, start..<min(start + piece, pixels))
                }
              }
            }
          }
        }
      }
    }
  }

  private func normalize(
    _ input: Activation, _ norm: Configuration.Norm, channels: Int,
    _ tensors: [Parameter.Role: TensorData]
  ) -> Activation {
    let scale = tensors[.scale]?.floats() ?? []
    let shift = tensors[.shift]?.floats() ?? []
    let images = input.shape[0]
    let pixels = input.values.count / channels / images
    return make(input.shape) { output in
      input.withPointer { source in
        switch norm {
        case .batch(let epsilon):
          let mean = (tensors[.mean]?.floats() ?? []).map { Double($0) }
          let variance = (tensors[.variance]?.floats() ?? []).map { Double($0) }
          kernels.normalizeReference(
            source, mean, variance, epsilon, scale, shift, output, images * pixels, channels)
        case .group(let count, let epsilon):
          for image in 0..<images {
            let start = image * pixels * channels
            let (mean, variance) = kernels.moments(
              source + start, pixels: pixels, channels: channels, groups: count)
            kernels.normalizeReference(
              source + start, mean, variance, epsilon, scale, shift, output + start, pixels,
              channels)
          }
        }
      }
    }
  }

  private func pool(
    _ input: Activation, _ window: Operation.Pool, to shape: Shape,
    _ kernel: (UnsafePointer<RNWPool>, Range<Int>) -> Void
  ) -> Activation {
    make(shape) { output in
      input.withPointer { source in
        var work = RNWPool(window, input: input.shape, output: shape)
        work.input = source
        work.output = output
        kernel(&work, 0..<shape[0] * shape[1])
      }
    }
  }

  private func average(_ input: Activation, to shape: Shape) -> Activation {
    let pixels = input.shape[1] * input.shape[2]
    let channels = shape[1]
    return make(shape) { output in
      input.withPointer { source in
        for image in 0..<shape[0] {
          kernels.globalAverage(
            source + image * pixels * channels, output + image * channels, pixels, channels)
        }
      }
    }
  }

  private func make(
    _ shape: Shape, _ body: (UnsafeMutablePointer<Float>) -> Void
  ) -> Activation {
    Activation(
      shape: shape,
      values: [Float](unsafeUninitializedCapacity: shape.elementCount) { buffer, count in
        if let start = buffer.baseAddress { body(start) }
        count = shape.elementCount
      })
  }
}

/// Why a node cannot be computed from what it was given.
package struct LayerInputError: Error, CustomStringConvertible {
  package let description: String

  init(node: String, shapes: [Shape]) {
    let shapes = shapes.map(\.description).joined(separator: " and ")
    description = "\(node) cannot be computed from \(shapes)"
  }
}

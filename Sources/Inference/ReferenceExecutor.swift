public import ResNetV2
package import Tensors

/// Computes a network layer by layer, as it is written down, with sums in Double: the oracle of all
/// others.
///
/// Between layers values are float32. Only IEEE additions, multiplications, divisions and square
/// roots in a fixed order are used, so the same bits come out on every machine and for every number
/// of threads; exponentials are made of them as well.
public struct ReferenceExecutor: Executor {
  /// The network that is computed.
  public let graph: Graph

  private let parameters: Parameters
  private let arithmetic: ReferenceArithmetic

  /// Makes an executor of a network's parameters.
  ///
  /// - Parameters:
  ///   - parameters: those of the network that is computed.
  ///   - pool: the threads that compute.
  public init(_ parameters: Parameters, pool: WorkerPool = .shared) {
    self.init(graph: parameters.graph, parameters: parameters, pool: pool)
  }

  /// Makes an executor of parameters that were checked for a network of the same parameters.
  package init(graph: Graph, parameters: Parameters, pool: WorkerPool) {
    self.init(graph: graph, parameters: parameters, pool: pool, instructionSet: .best)
  }

  package init(
    graph: Graph, parameters: Parameters, pool: WorkerPool, instructionSet: InstructionSet
  ) {
    self.graph = graph
    self.parameters = parameters
    arithmetic = ReferenceArithmetic(pool: pool, instructionSet: instructionSet)
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
    let (operation, shape) = try graph.operation(of: node, inputs: inputs)
    let tensors = Dictionary(
      uniqueKeysWithValues: graph.nodes[node].parameters.map { ($0.role, parameters[$0]) })
    switch operation {
    case .input:
      return inputs[0]
    case .convolution(let conv):
      return convolve(inputs[0], conv, tensors, to: shape)
    case .dense:
      guard let weight = tensors[.weight] else { return inputs[0] }
      return arithmetic.convolve(
        inputs[0], ReferenceWeights(weight, .outputsFirst(standardization: nil)),
        bias: tensors[.bias]?.floats(), to: shape)
    case .adjust(let scale, let offset, let reversesChannels):
      return arithmetic.adjust(
        inputs[0],
        Adjustment(
          channels: shape[3], scale: scale, offset: offset, reversesChannels: reversesChannels))
    case .norm(let norm, let channels, _):
      return normalize(inputs[0], norm, channels, tensors)
    case .activation(let activation):
      return arithmetic.apply(activation, to: inputs[0])
    case .add:
      return arithmetic.add(inputs[0], inputs[1])
    case .maxPool(let pool):
      let window = PoolWindow(pool, input: inputs[0].shape, output: shape)
      return arithmetic.maxPool(inputs[0], window, to: shape)
    case .averagePool(let pool):
      let window = PoolWindow(pool, input: inputs[0].shape, output: shape)
      return arithmetic.averagePool(inputs[0], window, to: shape)
    case .subsample(let stride):
      // A window of one pixel: its largest value is the pixel.
      return arithmetic.maxPool(inputs[0], PoolWindow(size: 1, stride: stride), to: shape)
    case .globalAverage:
      return arithmetic.globalAverage(inputs[0], to: shape)
    case .globalMaximum:
      return arithmetic.globalMaximum(inputs[0], to: shape)
    case .flatten(_, _, let channelsFirst):
      return arithmetic.flatten(inputs[0], channelsFirst: channelsFirst, to: shape)
    case .padChannels(let before, _):
      return arithmetic.padChannels(inputs[0], before: before, to: shape)
    }
  }

  // MARK: - Operations with parameters

  private func convolve(
    _ input: Activation, _ conv: Operation.Convolution, _ tensors: [Parameter.Role: TensorData],
    to shape: Shape
  ) -> Activation {
    guard let weight = tensors[.weight] else { return input }
    let border = conv.border(input: input.shape, output: shape)
    let weights = ReferenceWeights(
      weight, .outputsFirst(standardization: conv.weightStandardizationEpsilon))
    return arithmetic.convolve(
      input, weights, bias: tensors[.bias]?.floats(), stride: conv.stride,
      dilation: conv.dilation, top: border.top, left: border.left, to: shape)
  }

  private func normalize(
    _ input: Activation, _ norm: Configuration.Norm, _ channels: Int,
    _ tensors: [Parameter.Role: TensorData]
  ) -> Activation {
    // A norm without scale or variance has 1, one without shift or mean 0.
    func values(_ role: Parameter.Role) -> [Float] {
      let standard: Float = [.scale, .variance].contains(role) ? 1 : 0
      return tensors[role]?.floats() ?? [Float](repeating: standard, count: channels)
    }
    switch norm {
    case .batch(let epsilon):
      return arithmetic.normalize(
        input, mean: values(.mean), variance: values(.variance), epsilon: epsilon,
        scale: values(.scale), shift: values(.shift))
    case .group(let count, let epsilon):
      return arithmetic.normalize(
        input, groups: count, epsilon: epsilon, scale: values(.scale), shift: values(.shift))
    }
  }
}

extension ReferenceExecutor: ParameterHolder {
  /// The tensor of a parameter; `nil` where the network has none of that name.
  package func tensor(of parameter: Parameter) -> TensorData? {
    graph.parameters.contains { $0.name == parameter.name } ? parameters[parameter] : nil
  }
}

import Inference
import ResNetV2
import Tensors

extension Diagnosis {
  /// What is wrong with one parameter of a layer, found by solving for it.
  ///
  /// From the layer's inputs and the values that it should have, a bias and each parameter of a
  /// norm follow if the others are right; of weights a common factor does, and all of them where
  /// there are enough pixels. Where that makes the layer agree, the difference from what is there
  /// is the mistake.
  func solvedParameter(of layer: LayerCase, limit: Double) throws -> Suspicion? {
    let node = comparison.candidate.graph.nodes[layer.node]
    // A norm is solved from what it reads: where that was not compared, it may itself be wrong.
    let input = layer.chain.count == 1 ? node.inputs.first : nil
    let values = try input.flatMap { try layer.input(comparison.candidate.graph.nodes[$0].name) }
    var found: [(explanation: String, isSimple: Bool, error: Double)] = []
    for parameter in node.parameters {
      for tensor in solved(parameter, of: node, input: values, layer: layer) {
        guard let error = try self.error(of: layer, under: .parameters([parameter.role: tensor])),
          error <= limit, error < layer.error / 10
        else { continue }
        // What is solved for is as exact as float32 activations are.
        let change = ValueChange(from: tensor, to: parameters[parameter], tolerance: 1e-4)
        found.append(("\(word(parameter.role)) \(change.explanation)", change.isSimple, error))
        break
      }
    }
    // Several parameters can do the same to a layer: a mistake that is simply said is the likelier
    // one.
    let simple = found.filter(\.isSimple)
    let likely = simple.isEmpty ? found : simple
    guard let error = likely.map(\.error).max() else { return nil }
    return Suspicion(
      explanation: likely.map(\.explanation).joined(separator: ", or "), scaledError: error)
  }

  /// The values of a parameter with which the layer would agree, the simplest change first; none
  /// where they do not follow.
  private func solved(
    _ parameter: Parameter, of node: Node, input: Activation?, layer: LayerCase
  ) -> [TensorData] {
    guard parameter.role == .weight else {
      return [solvedVector(parameter, of: node, input: input, layer: layer)].compactMap { $0 }
    }
    let bias = bias(of: node, channels: parameter.shape[0])
    let values = input.flatMap {
      SolvedWeight(node.operation)?.values(input: $0, output: layer.expected, bias: bias)
    }
    return [
      scaledWeight(parameter, bias: bias, layer: layer),
      values.map { TensorData(shape: parameter.shape, values: $0) },
    ].compactMap { $0 }
  }

  private func solvedVector(
    _ parameter: Parameter, of node: Node, input: Activation?, layer: LayerCase
  ) -> TensorData? {
    let channels = parameter.shape.elementCount
    guard parameter.shape.rank == 1, layer.expected.values.count.isMultiple(of: channels) else {
      return nil
    }
    if parameter.role == .bias {
      let shift = meanDifference(layer.expected, layer.found, channels: channels)
      let bias = parameters[parameter].floats()
      return TensorData(
        shape: parameter.shape, values: zip(bias, shift).map { Float(Double($0) + $1) })
    }
    guard case .norm(.batch(let epsilon), _, _) = node.operation, let input else { return nil }
    let norm = BatchNorm(node, parameters, epsilon: epsilon)
    let values = norm.solved(
      parameter.role, input: input.values, output: layer.expected.values)
    return values.map { TensorData(shape: parameter.shape, values: $0) }
  }

  /// The weights times the factor between what the layer gives and what it should, beside its bias.
  private func scaledWeight(
    _ weight: Parameter, bias: [Double], layer: LayerCase
  ) -> TensorData? {
    let channels = bias.count
    var product = 0.0
    var square = 0.0
    for (index, pair) in zip(layer.found.values, layer.expected.values).enumerated() {
      let found = Double(pair.0) - bias[index % channels]
      product += found * (Double(pair.1) - bias[index % channels])
      square += found * found
    }
    let factor = product / square
    guard factor.isFinite else { return nil }
    return TensorData(
      shape: weight.shape, values: parameters[weight].floats().map { Float(Double($0) * factor) })
  }

  /// What is added to each output channel.
  private func bias(of node: Node, channels: Int) -> [Double] {
    node.parameters.first { $0.role == .bias }.map { parameters[$0].floats().map(Double.init) }
      ?? Array(repeating: 0, count: channels)
  }
}

/// y = (x − mean) / √(variance + ε) · scale + shift, solved for one of its parameters at a time.
private struct BatchNorm {
  private let tensors: [Parameter.Role: [Double]]
  private let epsilon: Double

  init(_ node: Node, _ parameters: Parameters, epsilon: Double) {
    tensors = Dictionary(
      uniqueKeysWithValues: node.parameters.map {
        ($0.role, parameters[$0].floats().map(Double.init))
      })
    self.epsilon = epsilon
  }

  /// The values of a parameter by least squares over all pixels; `nil` where a channel does not
  /// tell.
  func solved(_ role: Parameter.Role, input: [Float], output: [Float]) -> [Float]? {
    guard let mean = tensors[.mean], let variance = tensors[.variance] else { return nil }
    let channels = mean.count
    // A norm without scale or shift has 1 or 0.
    let scale = tensors[.scale] ?? [Double](repeating: 1, count: channels)
    let shift = tensors[.shift] ?? [Double](repeating: 0, count: channels)
    var moments = [Moments](repeating: Moments(), count: channels)
    for index in output.indices {
      let channel = index % channels
      moments[channel].add(Double(input[index]) - mean[channel], Double(output[index]))
    }
    var result: [Float] = []
    for channel in 0..<channels {
      let deviation = (variance[channel] + epsilon).squareRoot()
      let slope = scale[channel] / deviation
      let moments = moments[channel]
      let value: Double
      switch role {
      case .shift: value = (moments.output - slope * moments.input) / moments.count
      case .mean:
        guard slope != 0 else { return nil }
        let offset = (moments.output / moments.count - shift[channel]) / slope
        value = mean[channel] + moments.input / moments.count - offset
      case .scale, .variance:
        guard moments.square > 0 else { return nil }
        let actual = (moments.product - shift[channel] * moments.input) / moments.square
        if role == .scale {
          value = actual * deviation
        } else {
          guard actual != 0, scale[channel] / actual > 0 else { return nil }
          value = scale[channel] * scale[channel] / (actual * actual) - epsilon
        }
      case .weight, .bias: return nil
      }
      guard value.isFinite else { return nil }
      result.append(Float(value))
    }
    return result
  }

  /// Sums over the pixels of one channel: of u = x − mean and y.
  private struct Moments {
    var count = 0.0
    var input = 0.0
    var output = 0.0
    var square = 0.0
    var product = 0.0

    mutating func add(_ u: Double, _ y: Double) {
      count += 1
      input += u
      output += y
      square += u * u
      product += u * y
    }
  }
}

import Comparison
import Inference
import ResNetV2
import Tensors

/// y = (x − mean) / √(variance + ε) · scale + shift, solved for one of its parameters at a time.
struct BatchNorm {
  private let tensors: [Parameter.Role: [Double]]
  private let epsilon: Double

  init(_ node: Node, _ parameters: Parameters, epsilon: Double) {
    tensors = Dictionary(
      uniqueKeysWithValues: node.parameters.map {
        ($0.role, parameters[$0].floats().map(Double.init))
      })
    self.epsilon = epsilon
  }

  /// What is multiplied by and what is added; `nil` where a tensor is missing or spoilt.
  var lines: ChannelLines? {
    guard let scale = tensors[.scale], let shift = tensors[.shift], let mean = tensors[.mean],
      let variance = tensors[.variance]
    else { return nil }
    let slopes = zip(scale, variance).map { $0 / ($1 + epsilon).squareRoot() }
    let offsets = slopes.indices.map { shift[$0] - mean[$0] * slopes[$0] }
    guard offsets.allSatisfy(\.isFinite) else { return nil }
    return ChannelLines(slopes: slopes, offsets: offsets)
  }

  /// The values of a parameter by least squares over all pixels; `nil` where a channel does not
  /// tell.
  func solved(_ role: Parameter.Role, input: [Float], output: [Float]) -> [Float]? {
    let values = solved(role, input: input, output: output, minimumPixels: 1) { _ in true }
    guard let values, values.allSatisfy({ $0 != nil }) else { return nil }
    return values.compactMap(\.self)
  }

  /// The values of a parameter by least squares over the pixels that a ReLU after the norm let through;
  /// `nil` for each channel that has too few of them to prove anything, and where all have.
  func solvedBeforeReLU(
    _ role: Parameter.Role, input: [Float], output: [Float]
  ) -> [Float?]? {
    // One unknown follows from any one value: only a second one proves anything.
    let values = solved(role, input: input, output: output, minimumPixels: 2) { $0 > 0 }
    guard let values, values.contains(where: { $0 != nil }) else { return nil }
    return values
  }

  private func solved(
    _ role: Parameter.Role, input: [Float], output: [Float], minimumPixels: Double,
    where isKnown: (Float) -> Bool
  ) -> [Float?]? {
    guard let mean = tensors[.mean], let variance = tensors[.variance] else { return nil }
    let channels = mean.count
    // A norm without scale or shift has 1 or 0.
    let scale = tensors[.scale] ?? [Double](repeating: 1, count: channels)
    let shift = tensors[.shift] ?? [Double](repeating: 0, count: channels)
    var moments = [Moments](repeating: Moments(), count: channels)
    for index in output.indices where isKnown(output[index]) {
      let channel = index % channels
      moments[channel].add(Double(input[index]) - mean[channel], Double(output[index]))
    }
    return (0..<channels).map { channel in
      guard moments[channel].count >= minimumPixels else { return nil }
      let deviation = (variance[channel] + epsilon).squareRoot()
      let value = moments[channel].value(
        of: role, mean: mean[channel], scale: scale[channel], shift: shift[channel],
        deviation: deviation)
      return value.flatMap {
        let value = role == .variance ? $0 - epsilon : $0
        return value.isFinite ? Float(value) : nil
      }
    }
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

    /// A parameter of the channel if the others are right, of the variance variance + ε; `nil` where the
    /// sums do not tell.
    func value(
      of role: Parameter.Role, mean: Double, scale: Double, shift: Double, deviation: Double
    ) -> Double? {
      let slope = scale / deviation
      switch role {
      case .shift: return (output - slope * input) / count
      case .mean:
        guard slope != 0 else { return nil }
        return mean + input / count - (output / count - shift) / slope
      case .scale, .variance:
        guard square > 0 else { return nil }
        let actual = (product - shift * input) / square
        if role == .scale { return actual * deviation }
        guard actual != 0, scale / actual > 0 else { return nil }
        return scale * scale / (actual * actual)
      case .weight, .bias: return nil
      }
    }
  }
}

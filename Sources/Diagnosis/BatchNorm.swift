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

import Comparison
import Inference
import ResNetV2
import Tensors

/// A few values of a layer that is linear in its weights, by which most wrong weights are told at once.
///
/// Computing the layer costs as much as it costs; this is thousands of times less.
struct WeightProbe {
  private let pixels: [Pixel]
  let sizes: Rearrangement.Sizes

  /// What one output pixel is computed from, and what it should be.
  fileprivate struct Pixel {
    /// In the order IHW.
    let row: [Double]
    let targets: [Target]
    /// The output channel that the others are compared with, where only differences are known.
    let baseline: Int?
  }

  fileprivate struct Target {
    let output: Int
    /// Without the bias.
    let expected: Double
    /// Up to which difference values agree.
    let tolerance: Double
  }

  private static let maximumPixels = 8
  fileprivate static let maximumOutputs = 12

  /// Returns `nil` where the layer's weights are not linear in its output.
  ///
  /// - Parameters:
  ///   - limit: the scaled error up to which values agree.
  ///   - bias: what the layer adds to each channel.
  ///   - isAfterSoftmax: whether what is expected is the softmax of the layer's output.
  init?(
    _ operation: Operation, weight: Shape, input: Activation, expected: Activation, bias: [Double],
    limit: Double, isAfterSoftmax: Bool = false
  ) {
    guard let window = Window(operation), let sizes = Rearrangement.Sizes(weight),
      bias.count == sizes.outputs
    else { return nil }
    self.sizes = sizes
    let count = expected.values.count / sizes.outputs
    let chosen = min(count, Self.maximumPixels)
    guard chosen > 0 else { return nil }
    // Twice the limit: what is let through is measured by the layer itself.
    let tolerance = 2 * limit * Double(expected.values.map(\.magnitude).max() ?? 0)
    pixels = (0..<chosen).map { number in
      // Spread over the value, the first and the last among them.
      let pixel = chosen == 1 ? 0 : number * (count - 1) / (chosen - 1)
      var row = [Double](repeating: 0, count: window.count)
      window.fill(&row, from: input, pixel: pixel, output: expected.shape)
      let start = pixel * sizes.outputs
      let values = expected.values[start..<start + sizes.outputs].map(Double.init)
      return isAfterSoftmax
        ? Pixel(row, probabilities: values, bias: bias, tolerance: tolerance)
        : Pixel(row, values: values, bias: bias, tolerance: tolerance)
    }
  }

  /// Whether weights in the order OIHW may be right.
  func allows(_ weights: UnsafeBufferPointer<Float>) -> Bool {
    let window = sizes.inputs * sizes.height * sizes.width
    return allows { output, tap in weights[output * window + tap] }
  }

  /// Whether weights without a mistake may be right.
  func allows(_ rearrangement: Rearrangement, on weights: UnsafeBufferPointer<Float>) -> Bool {
    let (height, width) = (sizes.height, sizes.width)
    return allows { output, tap in
      weights[
        rearrangement.place(output, tap / (height * width), tap / width % height, tap % width)]
    }
  }

  private func allows(_ weight: (_ output: Int, _ tap: Int) -> Float) -> Bool {
    for pixel in pixels {
      func value(_ output: Int) -> Double {
        var sum = 0.0
        for (tap, value) in pixel.row.enumerated() where value != 0 {
          sum += value * Double(weight(output, tap))
        }
        return sum
      }
      let baseline = pixel.baseline.map(value) ?? 0
      for target in pixel.targets {
        guard (value(target.output) - baseline - target.expected).magnitude <= target.tolerance
        else { return false }
      }
    }
    return true
  }
}

extension WeightProbe.Pixel {
  init(_ row: [Double], values: [Double], bias: [Double], tolerance: Double) {
    self.row = row
    let step = max(values.count / WeightProbe.maximumOutputs, 1)
    targets = stride(from: 0, to: values.count, by: step).map {
      WeightProbe.Target(output: $0, expected: values[$0] - bias[$0], tolerance: tolerance)
    }
    baseline = nil
  }

  /// Of probabilities the logarithms are known, up to a constant: those of the likely classes.
  init(_ row: [Double], probabilities: [Double], bias: [Double], tolerance: Double) {
    self.row = row
    let first = probabilities.indices.max { probabilities[$0] < probabilities[$1] } ?? 0
    let largest = probabilities[first]
    let likely = probabilities.indices.filter { $0 != first && probabilities[$0] > 1e-25 }
    let logarithms = likely.map { naturalLogarithm(probabilities[$0] / largest).magnitude }
    let allowed = tolerance / largest * max(logarithms.max() ?? 1, 1)
    baseline = first
    targets = likely.prefix(WeightProbe.maximumOutputs).map { output in
      WeightProbe.Target(
        output: output,
        expected: naturalLogarithm(probabilities[output] / largest) - bias[output] + bias[first],
        tolerance: 2 * allowed)
    }
  }
}

extension WeightProbe {
  /// The orders of the input channels by a simple rule that may explain the values: reversed, rotated,
  /// or two exchanged.
  func inputOrders(_ weights: UnsafeBufferPointer<Float>) -> [ChannelOrder] {
    let count = sizes.inputs
    guard count > 1 else { return [] }
    let rules =
      [ChannelOrder.reversed(count)] + (1..<count).map { ChannelOrder.rotated(count, by: $0) }
    return rules.filter { allows(.inputs(sizes, in: $0), on: weights) }
      + exchanges(weights).filter { allows(.inputs(sizes, in: $0), on: weights) }
  }

  /// The pairs of input channels whose exchange explains one value of each of some pixels.
  private func exchanges(_ weights: UnsafeBufferPointer<Float>) -> [ChannelOrder] {
    let taps = sizes.height * sizes.width
    let count = sizes.inputs
    var pairs: [(Int, Int)]?
    for (number, pixel) in pixels.enumerated() {
      guard !pixel.targets.isEmpty else { continue }
      let target = pixel.targets[number % pixel.targets.count]
      let own = target.output * count * taps
      let base = pixel.baseline.map { $0 * count * taps }
      // What the weights of one channel make of the values of another.
      func part(_ weight: Int, _ value: Int) -> Double {
        var sum = 0.0
        for tap in 0..<taps {
          let place = weight * taps + tap
          let difference =
            Double(weights[own + place]) - (base.map { Double(weights[$0 + place]) } ?? 0)
          sum += difference * pixel.row[value * taps + tap]
        }
        return sum
      }
      let parts = (0..<count).map { part($0, $0) }
      let missing = target.expected - parts.reduce(0, +)
      func explains(_ first: Int, _ second: Int) -> Bool {
        let change = part(first, second) + part(second, first) - parts[first] - parts[second]
        return (change - missing).magnitude <= target.tolerance
      }
      if let known = pairs {
        pairs = known.filter { explains($0.0, $0.1) }
      } else {
        var found: [(Int, Int)] = []
        for first in 0..<count {
          for second in first + 1..<max(count, first + 1) where explains(first, second) {
            found.append((first, second))
          }
        }
        pairs = found
      }
      if pairs?.isEmpty ?? true { return [] }
    }
    // Many pairs mean that these values do not tell.
    guard let pairs, pairs.count <= 8 else { return [] }
    return pairs.map { ChannelOrder.exchanged(count, $0.0, $0.1) }
  }
}

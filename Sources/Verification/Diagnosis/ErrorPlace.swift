import Inference
import Tensors

extension LayerCase {
  /// Where the error is, when it is in few of the channels, or what the channels were exchanged
  /// for.
  ///
  /// - Parameters:
  ///   - limit: the scaled error up to which values agree.
  ///   - bias: what the layer adds to each channel in the end, whatever was exchanged before.
  func placeOfError(limit: Double, bias: [Float]?) -> Suspicion? {
    let channels = expected.shape[expected.shape.rank - 1]
    guard channels > 1 else { return nil }
    if let order = permutation(limit: limit, bias: bias), order != Array(0..<channels) {
      let moved = order.enumerated().count { $0.offset != $0.element }
      return Suspicion(
        explanation: "its output channels are in another order (\(moved) of \(channels) moved)",
        scaledError: nil)
    }
    let wrong = channelErrors().enumerated().filter { $0.element > limit || $0.element.isNaN }
    guard !wrong.isEmpty, wrong.count * 4 <= channels else { return nil }
    let list = listed(wrong.map { "\($0.offset)" }, atMost: 4)
    return Suspicion(
      explanation: "only \(wrong.count) of \(counted(channels, "output channel")) "
        + "\(wrong.count == 1 ? "is" : "are") wrong: \(list)",
      scaledError: nil)
  }

  /// The largest difference of each channel, in units of the largest value of the layer.
  private func channelErrors() -> [Double] {
    let channels = expected.shape[expected.shape.rank - 1]
    var largest = [Double](repeating: 0, count: channels)
    var scale = 0.0
    for (index, pair) in zip(found.values, expected.values).enumerated() {
      let difference = (Double(pair.0) - Double(pair.1)).magnitude
      let channel = index % channels
      largest[channel] = difference.isNaN ? .infinity : max(largest[channel], difference)
      if pair.1.isFinite { scale = max(scale, Double(pair.1.magnitude)) }
    }
    return largest.map { $0 / (scale > 0 ? scale : 1) }
  }

  /// For every channel the one that has its expected values; `nil` where some channel has none.
  private func permutation(limit: Double, bias: [Float]?) -> [Int]? {
    let channels = expected.shape[expected.shape.rank - 1]
    let bias = bias?.map(Double.init) ?? Array(repeating: 0, count: channels)
    guard bias.count == channels else { return nil }
    let sums = channelSums(found.values, less: bias)
    let scale = Double(expected.values.map(\.magnitude).max() ?? 0)
    let pixels = Double(expected.values.count / channels)
    var candidates = Array(sums.indices).sorted { sums[$0] < sums[$1] }
    var order: [Int] = []
    for (channel, sum) in channelSums(expected.values, less: bias).enumerated() {
      // Sums tell which channels are worth a look at every value.
      let near = candidates.indices.filter {
        (sums[candidates[$0]] - sum).magnitude <= limit * scale * pixels
      }
      guard
        let match = near.first(where: {
          isSame(candidates[$0], channel, bias, tolerance: limit * scale)
        })
      else { return nil }
      order.append(candidates.remove(at: match))
    }
    return order
  }

  private func isSame(
    _ foundChannel: Int, _ expectedChannel: Int, _ bias: [Double], tolerance: Double
  ) -> Bool {
    stride(from: 0, to: expected.values.count, by: bias.count).allSatisfy { start in
      let found = Double(found.values[start + foundChannel]) - bias[foundChannel]
      let expected = Double(expected.values[start + expectedChannel]) - bias[expectedChannel]
      return (found - expected).magnitude <= tolerance
    }
  }

  private func channelSums(_ values: [Float], less bias: [Double]) -> [Double] {
    var sums = [Double](repeating: 0, count: bias.count)
    for (index, value) in values.enumerated() {
      sums[index % bias.count] += Double(value) - bias[index % bias.count]
    }
    return sums
  }
}

import Comparison
import Inference
import Plain
import Tensors

extension LayerCase {
  /// Where the error is, when it is in few of the channels.
  ///
  /// - Parameter limit: the scaled error up to which values agree.
  func placeOfError(limit: Double, isOfEngine: Bool) -> Suspicion? {
    let channels = expected.shape[expected.shape.rank - 1]
    guard channels > 1 else { return nil }
    let wrong = channelErrors().enumerated().filter { $0.element > limit || $0.element.isNaN }
    guard !wrong.isEmpty, wrong.count * 4 <= channels else { return nil }
    let list = listed(wrong.map { "\($0.offset)" }, atMost: 4)
    let place = "\(wrong.count) of \(counted(channels, "output channel"))"
    return Suspicion(
      explanation: isOfEngine
        ? "is wrong in only \(place): \(list)"
        : "only \(place) \(wrong.count == 1 ? "is" : "are") wrong: \(list)",
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
}

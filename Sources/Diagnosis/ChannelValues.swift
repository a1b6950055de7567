import Comparison
import Inference
import Tensors

/// What a layer gives and what it should, channel by channel without what is added to each.
struct ChannelValues {
  private let found: [Double]
  private let expected: [Double]
  private let channels: Int
  private let tolerance: Double

  init(_ found: Activation, _ expected: Activation, bias: [Double]?, limit: Double) {
    let channels = expected.shape[expected.shape.rank - 1]
    func values(_ activation: Activation) -> [Double] {
      activation.values.enumerated().map { Double($1) - (bias?[$0 % channels] ?? 0) }
    }
    let largest = Double(expected.values.map(\.magnitude).max() ?? 0)
    self.init(
      values(found), values(expected), channels: channels, tolerance: limit * largest)
  }

  init(
    _ found: [Double], _ expected: [Double], channels: Int, tolerance: Double
  ) {
    self.found = found
    self.expected = expected
    self.channels = channels
    self.tolerance = tolerance
  }

  /// Whether every channel's values are right where they are.
  var agree: Bool { (0..<channels).allSatisfy { isSame($0, $0) } }

  /// The order of the channels: the simplest, or for every channel the one that has its values; `nil`
  /// where they are in their places, or some channel's values are nowhere.
  func order() -> ChannelOrder? {
    let rules =
      [exchange, .reversed(channels)].compactMap { $0 }
      + (1..<channels).map { ChannelOrder.rotated(channels, by: $0) }
    if let rule = rules.first(where: isRight) { return rule }
    let sums = (channelSums(found), channelSums(expected))
    let order = ChannelOrder.matching(
      channels, key: { $1 ? sums.1[$0] : sums.0[$0] },
      tolerance: tolerance * Double(expected.count / channels), isSame: isSame)
    return order.flatMap { $0.isIdentity ? nil : $0 }
  }

  /// The only two channels that are wrong.
  private var exchange: ChannelOrder? {
    let wrong = (0..<channels).filter { !isSame($0, $0) }
    return wrong.count == 2 ? .exchanged(channels, wrong[0], wrong[1]) : nil
  }

  private func isRight(_ order: ChannelOrder) -> Bool {
    order.places.enumerated().allSatisfy { isSame($1, $0) }
  }

  private func isSame(_ place: Int, _ channel: Int) -> Bool {
    for pixel in stride(from: 0, to: expected.count, by: channels) {
      let difference = found[pixel + place] - expected[pixel + channel]
      guard difference.magnitude <= tolerance else { return false }
    }
    return true
  }

  private func channelSums(_ values: [Double]) -> [Double] {
    var sums = [Double](repeating: 0, count: channels)
    for (index, value) in values.enumerated() { sums[index % channels] += value }
    return sums
  }
}

import Comparison
import Inference
import Plain
import ResNetV2
import Tensors

extension Diagnosis {
  /// What is wrong with several tensors of a norm together: what it multiplies each channel by and what
  /// it adds follow from its input and what it should give.
  func solvedNorm(of layer: LayerCase, input: Activation, limit: Double) throws -> Suspicion? {
    let node = comparison.candidate.graph.nodes[layer.node]
    guard case .norm(.batch(let epsilon), let channels, _) = node.operation,
      let solved = ChannelLines(
        input: input.values, output: layer.expected.values, channels: channels)
    else { return nil }
    let error = layer.error(
      of: Activation(shape: layer.expected.shape, values: solved.applied(to: input.values)))
    guard layer.isExplained(error, limit: limit) else { return nil }
    if !isOfEngine, let text = defaults(of: node) {
      return Suspicion(explanation: text, scaledError: error)
    }
    guard let found = BatchNorm(node, parameters, epsilon: epsilon).lines else { return nil }
    if let order = found.order(of: solved), !order.isIdentity {
      return Suspicion(
        explanation: words(
          "its channels are in another order: \(order.explanation)",
          engine: "has its channels in another order: \(order.inverse.explanation)"),
        scaledError: error)
    }
    let wrong = found.differing(from: solved)
    let place = "in \(wrong) of \(counted(channels, "channel"))"
    return Suspicion(
      explanation: words(
        "more than one of its tensors is wrong, \(place)",
        engine: "has more than one tensor wrong, \(place)"), scaledError: error)
  }

  /// The tensors of a norm that have the values with which frameworks begin: all, the statistics, or what
  /// is trained; `nil` where neither of these is so.
  func defaults(of node: Node, among roles: Set<Parameter.Role>? = nil) -> String? {
    guard case .norm(.batch, _, _) = node.operation else { return nil }
    let initial = Set(
      node.parameters.filter { parameter in
        parameter.isInitial(parameters[parameter].floats())
      }.map(\.role))
    if initial.count == 4, roles?.count ?? 4 >= 2 {
      return "its tensors are at their defaults, 0 and 1: it was never loaded"
    }
    let groups: [(Set<Parameter.Role>, String)] = [
      (
        [.mean, .variance],
        "\(word(.mean)) and \(word(.variance)) are at their defaults, 0 and 1: never loaded"
      ),
      (
        [.scale, .shift],
        "\(word(.scale)) and \(word(.shift)) are at their defaults, 1 and 0: never loaded"
      ),
    ]
    return groups.first { group, _ in
      group.isSubset(of: initial) && roles.map { $0 == group } ?? true
    }?
    .1
  }
}

extension Parameter {
  /// Whether values are those with which frameworks begin.
  func isInitial(_ values: [Float]) -> Bool {
    switch role {
    case .scale, .variance: values.allSatisfy { $0 == 1 }
    case .shift, .mean, .bias: values.allSatisfy { $0 == 0 }
    case .weight: false
    }
  }
}

/// y = slope · x + offset, for each channel.
struct ChannelLines {
  private let slopes: [Double]
  private let offsets: [Double]

  init(slopes: [Double], offsets: [Double]) {
    self.slopes = slopes
    self.offsets = offsets
  }

  /// By least squares; `nil` where there are too few pixels to prove anything.
  init?(input: [Float], output: [Float], channels: Int) {
    let pixels = Double(output.count / channels)
    guard input.count == output.count, pixels > 2 else { return nil }
    var sums = [[Double]](repeating: [0, 0], count: channels)
    for index in output.indices {
      sums[index % channels][0] += Double(input[index])
      sums[index % channels][1] += Double(output[index])
    }
    let means = sums.map { ($0[0] / pixels, $0[1] / pixels) }
    var moments = [[Double]](repeating: [0, 0], count: channels)
    for index in output.indices {
      let channel = index % channels
      let u = Double(input[index]) - means[channel].0
      moments[channel][0] += u * u
      moments[channel][1] += u * (Double(output[index]) - means[channel].1)
    }
    // A channel without any change in it tells what is added, and nothing else.
    slopes = moments.map { $0[0] > 0 ? $0[1] / $0[0] : 0 }
    offsets = zip(means, slopes).map { $0.1 - $1 * $0.0 }
    guard slopes.allSatisfy(\.isFinite), offsets.allSatisfy(\.isFinite) else { return nil }
  }

  func applied(to input: [Float]) -> [Float] {
    input.enumerated().map { index, value in
      let channel = index % slopes.count
      return Float(slopes[channel] * Double(value) + offsets[channel])
    }
  }

  /// The channels in which two differ.
  func differing(from other: ChannelLines) -> Int {
    slopes.indices.count { !isSame($0, as: other, $0) }
  }

  /// The order in which these are the right ones.
  func order(of right: ChannelLines) -> ChannelOrder? {
    let tolerance = 1e-3 * (right.slopes.map(\.magnitude).max() ?? 0)
    return ChannelOrder.matching(
      slopes.count, key: { $1 ? right.slopes[$0] : slopes[$0] }, tolerance: tolerance
    ) { isSame($0, as: right, $1) }
  }

  private func isSame(_ channel: Int, as other: ChannelLines, _ otherChannel: Int) -> Bool {
    let slopeScale = other.slopes.map(\.magnitude).max() ?? 0
    let offsetScale = max(other.offsets.map(\.magnitude).max() ?? 0, slopeScale)
    return (slopes[channel] - other.slopes[otherChannel]).magnitude <= 1e-3 * slopeScale
      && (offsets[channel] - other.offsets[otherChannel]).magnitude <= 1e-3 * offsetScale
  }
}

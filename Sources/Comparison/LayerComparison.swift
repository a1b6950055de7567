package import Families
import Plain
package import ResNetV2
package import Tensors

/// How one layer of the candidate compares with the reference's.
package struct LayerComparison: Hashable, Sendable {
  /// The index of the node in the candidate's graph.
  package let node: Int

  /// The canonical name.
  package let name: String

  /// What the family calls the layer; `nil` where it has no such layer.
  package let familyName: String?

  /// What the layer computes, such as `convolution 3×3, stride 2`.
  package let operation: String

  /// The shape of the value for one input, in the family's layout.
  package let shape: Shape

  /// How the family lays out the value.
  package let layout: LayerNames.Layout

  /// What the largest propagated error that passes is made of.
  package internal(set) var propagatedBound: LayerBound

  /// The same for isolated errors.
  package internal(set) var isolatedBound: LayerBound

  /// The largest propagated error that passes.
  package var propagatedLimit: Double { propagatedBound.limit }

  /// The largest isolated error that passes.
  package var isolatedLimit: Double { isolatedBound.limit }

  /// The differences when both networks run from the same input.
  package internal(set) var propagated: DifferenceStatistics?

  /// The differences when this layer of the candidate is given the reference's values.
  package internal(set) var isolated: DifferenceStatistics?

  /// The channel that is farthest off when both networks run from the same input; `nil` where
  /// channels were not judged.
  package internal(set) var propagatedChannel: ChannelError?

  /// The same when this layer of the candidate is given the reference's values.
  package internal(set) var isolatedChannel: ChannelError?

  /// The largest difference of a channel in its own units when both networks run from the same input, whatever explains
  /// it.
  package internal(set) var unexcusedError = 0.0

  /// Why the values could not be paired, such as two shapes.
  package internal(set) var problem: String?

  /// The differences by which the layer is judged first: propagated where they were measured.
  package var statistics: DifferenceStatistics {
    propagated ?? isolated ?? DifferenceStatistics()
  }

  /// The scaled error by which the layer is judged: of the mode that is closer to its limit, or
  /// farther over it.
  package var scaledError: Double { deciding.error }

  /// The limit of ``scaledError``.
  package var limit: Double { deciding.limit }

  /// The error in units of the limit; up to 1 passes.
  package var timesLimit: Double { max(deciding.times, worstChannel?.times ?? 0) }

  /// Whether every scaled error that was measured is within its limit, that of each channel too.
  package var passes: Bool {
    passesAlone && propagatedBound.allows(propagated?.scaledError ?? 0)
      && propagatedBound.allows(propagatedChannel?.error ?? 0)
  }

  /// The same when the layer is given the reference's values.
  package var passesAlone: Bool {
    isolatedBound.allows(isolated?.scaledError ?? 0)
      && isolatedBound.allows(isolatedChannel?.error ?? 0)
  }

  /// The largest scaled error of the modes that were measured, that of each channel too.
  package var largestError: Double {
    max(
      largestLayerError, propagatedChannel?.error ?? 0, isolatedChannel?.error ?? 0)
  }

  /// The largest scaled error of the modes that were measured, in units of the whole layer.
  package var largestLayerError: Double {
    max(propagated?.scaledError ?? 0, isolated?.scaledError ?? 0)
  }

  /// The channel by which the layer is judged, where it is farther off than the layer as a whole.
  package var decidingChannel: ChannelError? {
    worstChannel.flatMap { $0.times > deciding.times ? $0.channel : nil }
  }

  /// The channel that is farthest off in units of its limit; `nil` where none is.
  package var worstChannelError: ChannelError? { worstChannel?.channel }

  private var worstChannel: (channel: ChannelError, times: Double)? {
    [(propagatedChannel, propagatedLimit), (isolatedChannel, isolatedLimit)]
      .compactMap { channel, limit in
        channel.map { (channel: $0, times: $0.error / limit) }
      }.max { $0.times < $1.times }
  }

  /// The differences that ``scaledError`` comes from.
  package var decidingStatistics: DifferenceStatistics { deciding.statistics }

  private var deciding:
    (statistics: DifferenceStatistics, error: Double, limit: Double, times: Double)
  {
    let measured = [(propagated, propagatedLimit), (isolated, isolatedLimit)]
      .compactMap { statistics, limit in
        statistics.map { (statistics: $0, error: $0.scaledError, limit: limit) }
      }.map { statistics, error, limit in
        (statistics: statistics, error: error, limit: limit, times: error == 0 ? 0 : error / limit)
      }
    // Of equals the first: propagated.
    guard let first = measured.first else {
      return (DifferenceStatistics(), 0, propagatedLimit, 0)
    }
    return measured.dropFirst().reduce(first) { $1.times > $0.times ? $1 : $0 }
  }

  /// The name that people know the layer by.
  package var displayName: String { (familyName ?? name).shortened(to: String.longestName) }

  /// Where the largest difference is, as indices into the family's array; `nil` where there is
  /// none.
  package func position(of statistics: DifferenceStatistics) -> [Int]? {
    guard let index = statistics.maximumIndex, shape.rank > 1, shape.elementCount > 0 else {
      return nil
    }
    // Values are compared with the channels innermost, whatever the family's layout.
    var sizes = Array(shape.dimensions.dropFirst())
    if layout == .nchw, sizes.count == 3 { sizes = [sizes[1], sizes[2], sizes[0]] }
    var rest = index
    var position: [Int] = []
    for size in sizes.reversed() {
      position.insert(rest % size, at: 0)
      rest /= size
    }
    if layout == .nchw, position.count == 3 {
      position = [position[2], position[0], position[1]]
    }
    return [rest] + position
  }

  /// Takes note of a channel of the next input.
  mutating func add(_ channel: ChannelError?, isolated isIsolated: Bool) {
    guard let channel else { return }
    if isIsolated {
      if channel.error > isolatedChannel?.error ?? 0 { isolatedChannel = channel }
    } else if channel.error > propagatedChannel?.error ?? 0 {
      propagatedChannel = channel
    }
  }

  /// Adds the statistics of the next input.
  mutating func add(_ statistics: DifferenceStatistics, isolated isIsolated: Bool) {
    var sum = (isIsolated ? isolated : propagated) ?? DifferenceStatistics()
    sum.merge(statistics)
    if isIsolated {
      isolated = sum
    } else {
      propagated = sum
    }
  }
}

extension LayerComparison {
  /// A layer that was compared before.
  package init(
    node: Int, of graph: Graph, names: LayerNames, shape: Shape,
    propagatedBound: LayerBound, isolatedBound: LayerBound,
    propagated: Measured?, isolated: Measured?, unexcusedError: Double, problem: String?
  ) {
    let name = graph.nodes[node].name
    self.init(
      node: node, name: name, familyName: names.name(of: name),
      operation: graph.nodes[node].operation.title, shape: shape, layout: names.layout,
      propagatedBound: propagatedBound, isolatedBound: isolatedBound,
      propagated: propagated?.statistics, isolated: isolated?.statistics,
      propagatedChannel: propagated?.channel, isolatedChannel: isolated?.channel,
      unexcusedError: unexcusedError, problem: problem)
  }

  /// What was measured in one mode.
  package typealias Measured = (statistics: DifferenceStatistics, channel: ChannelError?)
}

extension Operation {
  /// What the operation is, in a few words.
  package var title: String {
    switch self {
    case .input: "input"
    case .convolution(let conv):
      "convolution \(conv.kernel)×\(conv.kernel)"
        + (conv.stride > 1 ? ", stride \(conv.stride)" : "")
        + (conv.dilation > 1 ? ", dilation \(conv.dilation)" : "")
    case .adjust: "adjusted input"
    case .norm(.batch, _, _): "batch norm"
    case .norm(.group(let count, _), _, _): "group norm, \(count) groups"
    case .activation(let activation): activation.title
    case .maxPool(let pool): "max-pool \(pool.size)×\(pool.size), stride \(pool.stride)"
    case .averagePool(let pool): "average pool \(pool.size)×\(pool.size), stride \(pool.stride)"
    case .subsample(let stride): "subsample, stride \(stride)"
    case .add: "addition"
    case .padChannels(let before, let after): "channels of zeros, \(before) before, \(after) after"
    case .globalAverage: "global average"
    case .globalMaximum: "global maximum"
    case .flatten(_, _, let channelsFirst):
      channelsFirst ? "flatten, channels outermost" : "flatten, channels innermost"
    case .dense: "dense"
    }
  }
}

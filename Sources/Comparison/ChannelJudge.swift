import Inference
import ResNetV2
import Tensors

/// Judges every channel of a layer in its own units, so that large values hide no small ones.
///
/// A difference d of a channel passes where d ≤ carried + limit · scale:
///
/// - *carried* is what the differences of the layer's inputs can become here, |w|·d summed over the
///   inputs: it was judged where it was made;
/// - *scale* is the largest value of the channel, or a fifth of Σ|w|·|x| where that is more: the sum
///   of a channel whose terms cancel has the rounding of its terms, not that of its value.
final class ChannelJudge {
  /// The rounding of a float32 sum is at most this share of the standard limit times the sum of its terms'
  /// magnitudes.
  static let roundingShare = Limits.float32Noise / Limits.float32

  /// Below this share of the layer's largest value a channel has no scale of its own: float32 can
  /// hardly tell it from zero in a sum with the others.
  private static let smallestShare = 1e-7

  private let graph: Graph
  private let spread: ErrorSpread
  private var states: [Int: ChannelMaxima] = [:]
  private var awake: [Int: [Bool]] = [:]
  private var compared: Set<Int> = []

  /// - Parameters:
  ///   - candidate: the executor that is judged.
  ///   - parameter: the tensor of a parameter; `nil` where it is not known.
  init(_ candidate: any Executor, parameter: @escaping (Parameter) throws -> TensorData?) {
    graph = candidate.graph
    spread = ErrorSpread(of: candidate, parameter: parameter)
  }

  /// Starts with the next input.
  func begin(with input: Activation) {
    states = [0: ChannelMaxima(input, input)]
  }

  /// Takes note of a node's value: what reads it is judged by it.
  ///
  /// - Parameters:
  ///   - reference: `nil` where there is none to compare with; then the value is taken to be off by
  ///     all that the limit allows.
  ///   - limit: the layer's limit.
  func note(_ node: Int, _ candidate: Activation, _ reference: Activation?, limit: Double) {
    guard let reference, reference.shape == candidate.shape else {
      var maxima = ChannelMaxima(candidate, candidate)
      let difference = limit * Double(maxima.largest.max() ?? 0)
      maxima.differences = maxima.differences.map { _ in Float(difference) }
      states[node] = maxima
      return
    }
    let maxima = ChannelMaxima(candidate, reference)
    states[node] = maxima
    compared.insert(node)
    guard graph.nodes[node].operation == .relu else { return }
    let now = maxima.largest.map { $0 > 0 }
    awake[node] = awake[node].map { zip($0, now).map { $0 || $1 } } ?? now
  }

  /// The channel of a layer that is farthest off; `nil` where all are the same to the last bit.
  ///
  /// - Parameter alone: the layer's value when it is given the reference's inputs, with the
  ///   reference's value; `nil` for the value that was noted.
  ///
  /// What excuses a difference rests on the limit where the reference lacks what the layer reads:
  /// ``unexcused(_:)`` does not.
  func error(
    of node: Int, alone: (candidate: Activation, reference: Activation)? = nil, limit: Double
  ) throws -> ChannelError? {
    guard let own = alone.map({ ChannelMaxima($0.candidate, $0.reference) }) ?? states[node]
    else { return nil }
    guard graph.nodes[node].inputs.allSatisfy({ states[$0] != nil }) else { return nil }
    let layer = Double(own.largest.max() ?? 0)
    var excuses: ErrorSpread.Node?
    var worst: ChannelError?
    for (channel, difference) in own.differences.enumerated() where difference > 0 {
      let largest = Double(own.largest[channel])
      var scale = max(largest, Self.smallestShare * layer)
      var carried = 0.0
      if Double(difference) > min(limit, Limits.float32Noise) * scale {
        let known =
          try excuses
          ?? spread.node(
            node,
            inputs: graph.nodes[node].inputs.compactMap {
              alone == nil ? states[$0] : try given($0)
            }, layer: own.largest)
        excuses = known
        let excuse = known.excuse(channel)
        scale = max(scale, Self.roundingShare * excuse.magnitude)
        carried = excuse.carried
      }
      let measure = ScaledError(
        difference: max(Double(difference) - carried, 0), largest: scale)
      if measure.value > worst?.error ?? 0 {
        worst = ChannelError(
          channel: channel, error: measure.value, difference: Double(difference), largest: largest)
      }
    }
    return worst
  }

  /// The largest difference of a channel of a noted value in units of its own largest value, whatever explains it.
  func unexcused(_ node: Int) -> Double {
    guard let own = states[node] else { return 0 }
    let smallest = Self.smallestShare * Double(own.largest.max() ?? 0)
    return zip(own.differences, own.largest).reduce(0) { worst, channel in
      let measure = ScaledError(
        difference: Double(channel.0), largest: max(Double(channel.1), smallest))
      return max(worst, measure.value)
    }
  }

  /// What a layer alone is given of a node: the reference's value, or where it has none, what the candidate makes of
  /// those before it, which is off by its rounding.
  private func given(_ node: Int) throws -> ChannelMaxima? {
    guard var maxima = states[node] else { return nil }
    guard node > 0, !compared.contains(node) else {
      maxima.differences = maxima.differences.map { _ in 0 }
      return maxima
    }
    let inputs = try graph.nodes[node].inputs.compactMap(given)
    let known = try spread.node(node, inputs: inputs, layer: maxima.largest)
    maxima.differences = maxima.largest.enumerated().map { channel, largest in
      let excuse = known.excuse(channel)
      return Float(excuse.carried + Limits.float32Noise * max(excuse.magnitude, Double(largest)))
    }
    return maxima
  }

  /// What the differences of a function's input become at most, in units of the largest value; 0 where they are not
  /// multiplied, or were not compared themselves.
  ///
  /// Far from zero a sigmoid is an exponential: the logits −21 and −21.00002 give values that differ by 2e-5 of
  /// themselves, though float32 hardly tells such logits apart.
  func growth(at node: Int) -> Double {
    let node = graph.nodes[node]
    guard case .activation(let function) = node.operation,
      [.sigmoid, .softplus, .silu].contains(function),
      let read = node.inputs.first, compared.contains(read), let input = states[read]
    else { return 0 }
    // No relative slope is more than 1; that of x · sigmoid(x) where it is far from zero no more than 2.
    let slope = function == .silu ? 2.0 : 1
    return exponentialGrowth(slope * Double(input.differences.max() ?? 0))
  }

  /// How many channels of ReLUs no input has woken.
  var sleeping: SleepingChannels {
    SleepingChannels(
      asleep: awake.values.reduce(0) { $0 + $1.count { !$0 } },
      count: awake.values.reduce(0) { $0 + $1.count },
      layers: awake.filter { !$0.value.contains(true) }.keys.sorted())
  }
}

/// The channel of a layer that is farthest off, in units of what it may be.
package struct ChannelError: Hashable, Sendable {
  /// The number of the channel, from 0.
  package let channel: Int
  /// What the layer's inputs and rounding do not explain, in the channel's own units.
  package let error: Double
  /// The largest |a − b| of the channel.
  package let difference: Double
  /// The largest |b| of the channel.
  package let largest: Double

  /// Describes a channel.
  package init(channel: Int, error: Double, difference: Double, largest: Double) {
    (self.channel, self.error) = (channel, error)
    (self.difference, self.largest) = (difference, largest)
  }
}

/// Channels after a ReLU that are zero everywhere: nothing is known of what they do when awake.
package struct SleepingChannels: Hashable, Sendable {
  /// How many sleep.
  package var asleep = 0
  /// How many there are.
  package var count = 0
  /// The nodes in which all sleep.
  package var layers: [Int] = []

  /// Describes channels; none where nothing is said.
  package init(asleep: Int = 0, count: Int = 0, layers: [Int] = []) {
    (self.asleep, self.count, self.layers) = (asleep, count, layers)
  }
}

/// The largest values and differences of each channel.
struct ChannelMaxima {
  /// The largest |b|.
  var largest: [Float]
  /// The largest |a − b|.
  var differences: [Float]

  /// - Precondition: both have the same shape.
  init(_ candidate: Activation, _ reference: Activation) {
    let channels = reference.shape.dimensions.last ?? 1
    largest = [Float](repeating: 0, count: channels)
    differences = largest
    guard channels > 0 else { return }
    largest.withUnsafeMutableBufferPointer { largest in
      differences.withUnsafeMutableBufferPointer { differences in
        candidate.values.withUnsafeBufferPointer { candidate in
          reference.values.withUnsafeBufferPointer { reference in
            for pixel in stride(from: 0, to: reference.count, by: channels) {
              for channel in 0..<channels {
                let b = reference[pixel + channel]
                let difference = (candidate[pixel + channel] - b).magnitude
                if difference > differences[channel] { differences[channel] = difference }
                if b.magnitude > largest[channel] { largest[channel] = b.magnitude }
              }
            }
          }
        }
      }
    }
  }
}

import Inference
import ResNetV2
import Tensors

/// How the differences and magnitudes of a layer's inputs spread over its channels.
///
/// Only what is asked for is computed: a channel whose difference is small needs no excuse.
struct ErrorSpread {
  private let graph: Graph
  private let usesStrassen: (Int) -> Bool
  private let parameter: (Parameter) throws -> TensorData?

  init(of candidate: any Executor, parameter: @escaping (Parameter) throws -> TensorData?) {
    graph = candidate.graph
    let fast = candidate as? FastExecutor
    usesStrassen = { fast?.method(of: $0) == .strassen }
    // The reference's own options may differ: tensors of another shape tell nothing.
    self.parameter = { wanted in
      try parameter(wanted).flatMap { $0.shape == wanted.shape ? $0 : nil }
    }
  }

  /// What explains a difference of a channel.
  struct Excuse {
    /// The sum of the magnitudes of all terms that make a value.
    var magnitude: Double
    /// What the differences of the inputs can become.
    var carried: Double
  }

  /// The excuses of one node's channels.
  struct Node {
    let excuse: (_ channel: Int) -> Excuse
  }

  /// - Parameters:
  ///   - inputs: the maxima of the values that the node reads.
  ///   - layer: the largest values of the node's own channels.
  func node(
    _ index: Int, inputs: [ChannelMaxima], layer: [Float]
  ) throws -> Node {
    let node = graph.nodes[index]
    let largest = inputs.map { $0.largest.map(Double.init) }
    let differences = inputs.map { $0.differences.map(Double.init) }
    let all = Double(layer.max() ?? 0)
    // Where nothing is known of the arithmetic, a channel is measured in units of the layer.
    let anything = Excuse(
      magnitude: all / ChannelJudge.roundingShare,
      carried: 2 * (differences.joined().max() ?? 0))
    let unknown = Node { _ in anything }
    func values(_ role: Parameter.Role) throws -> [Float]? {
      try node.parameters.first { $0.role == role }.flatMap(parameter)?.floats()
    }
    switch node.operation {
    case .input:
      return unknown
    case .convolution, .dense:
      guard let rows = try rows(of: index) else { return unknown }
      let bias = try values(.bias)
      return Node { channel in
        var excuse = rows.excuse(channel, largest[0], differences[0])
        excuse.magnitude += bias.map { Double($0[channel].magnitude) } ?? 0
        return excuse
      }
    case .norm(.batch(let epsilon), let channels, let affine):
      let mean =
        try affine.hasStatistics ? values(.mean) : [Float](repeating: 0, count: channels)
      let variance =
        try affine.hasStatistics ? values(.variance) : [Float](repeating: 1, count: channels)
      guard let mean, let variance else { return unknown }
      let scale =
        try affine.hasScale ? values(.scale) : [Float](repeating: 1, count: channels)
      let shift =
        try affine.hasShift ? values(.shift) : [Float](repeating: 0, count: channels)
      guard let scale, let shift else { return unknown }
      return Node { channel in
        let factor =
          (Double(scale[channel]) / (Double(variance[channel]) + epsilon).squareRoot()).magnitude
        return Excuse(
          magnitude: factor * (largest[0][channel] + Double(mean[channel].magnitude))
            + Double(shift[channel].magnitude),
          carried: factor * differences[0][channel])
      }
    case .norm:
      // A group's moments are made of all its channels.
      return unknown
    case .adjust(let scale, let offset, let reverses):
      return Node { channel in
        let read = reverses ? largest[0].count - 1 - channel : channel
        let factor = scale.isEmpty ? 1 : scale[channel].magnitude
        return Excuse(
          magnitude: factor * largest[0][read] + (offset.isEmpty ? 0 : offset[channel].magnitude),
          carried: factor * differences[0][read])
      }
    case .activation(.relu):
      return Node { Excuse(magnitude: 0, carried: differences[0][$0]) }
    case .add:
      return Node { channel in
        Excuse(
          magnitude: largest.reduce(0) { $0 + $1[channel] },
          carried: differences.reduce(0) { $0 + $1[channel] })
      }
    case .maxPool, .averagePool, .subsample, .globalAverage, .globalMaximum:
      return Node { Excuse(magnitude: largest[0][$0], carried: differences[0][$0]) }
    case .activation(.softmax):
      // exp multiplies: every class changes by a share of itself, which is twice the largest
      // difference of the logits.
      let growth = exponentialGrowth(2 * (differences[0].max() ?? 0))
      return Node { Excuse(magnitude: Double(layer[$0]), carried: growth * Double(layer[$0])) }
    case .activation:
      // No slope is more than two, and what is near zero is a difference of values of the input's size.
      return Node { Excuse(magnitude: largest[0][$0], carried: 2 * differences[0][$0]) }
    case .padChannels, .flatten:
      return unknown
    }
  }

  private func rows(of index: Int) throws -> Rows? {
    let node = graph.nodes[index]
    guard let weight = node.parameters.first(where: { $0.role == .weight }),
      let tensor = try parameter(weight)
    else { return nil }
    var epsilon: Double?
    if case .convolution(let conv) = node.operation { epsilon = conv.weightStandardizationEpsilon }
    return Rows(
      weights: FilterRows(tensor, standardization: epsilon), outputs: tensor.shape[0],
      inputs: tensor.shape[1], usesStrassen: usesStrassen(index))
  }

  /// The weights of each output channel.
  private struct Rows {
    let weights: FilterRows
    let outputs: Int
    let inputs: Int
    let usesStrassen: Bool

    func excuse(_ channel: Int, _ largest: [Double], _ differences: [Double]) -> Excuse {
      let own = magnitudes(channel)
      let carried = zip(own, differences).reduce(0) { $0 + $1.0 * $1.1 }
      guard usesStrassen else {
        return Excuse(
          magnitude: zip(own, largest).reduce(0) { $0 + $1.0 * $1.1 }, carried: carried)
      }
      // Halves of the outputs and of the inputs are added up before they are multiplied: a channel
      // has the rounding of its partner as well.
      let partner = magnitudes((channel + outputs / 2) % outputs)
      let half = inputs / 2
      let magnitude = (0..<half).reduce(0.0) { sum, input in
        let weights = own[input] + own[input + half] + partner[input] + partner[input + half]
        return sum + weights * (largest[input] + largest[input + half])
      }
      return Excuse(magnitude: magnitude, carried: carried)
    }

    /// Σ|w| over the taps, for every input channel.
    private func magnitudes(_ channel: Int) -> [Double] {
      let values = weights.filter(channel)
      let taps = values.count / max(inputs, 1)
      return (0..<inputs).map { input in
        let start = values.startIndex + input * taps
        return (start..<start + taps).reduce(0.0) { $0 + Double(values[$1].magnitude) }
      }
    }
  }
}

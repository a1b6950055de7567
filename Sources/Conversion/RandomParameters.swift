package import ResNetV2
import Tensors
import Threads

extension Parameters {
  /// Random parameters of a network, the same for a seed on every machine.
  ///
  /// Kernels that read what a ReLU gives have the variance 2 / fan-in (He et al., 2015), all others and the head's 1 / fan-in (LeCun et
  /// al., 1998), so that values stay of order 1 through a block and into the logits. Norms are far from the identity: scale and variance in
  /// [0.5, 1.5), shift and mean in [−0.3, 0.3), so that a mistake in any of them shows. Only the last norm of a block's
  /// branch has its scale and shift divided by √blocks, the share that a batch norm leaves a branch when training begins
  /// (De and Smith, 2020): else each addition would double the values, a deep network's softmax would be a single one
  /// among zeros, and its roundings would grow as the values do.
  package static func random(for graph: Graph, seed: UInt64, threads: Int) throws -> Parameters {
    let damped = graph.lastBranchNorms
    let damping = 1 / Float(max(damped.count, 1)).squareRoot()
    let parameters = Array(graph.parameters.enumerated())
    let rectified = graph.rectifiedReaders
    let tensors = try concurrentMap(parameters, threads: threads) { index, parameter in
      // Each tensor has a sequence of its own: one seed more or less changes no other tensor.
      var seeds = SplitMix64(seed: seed &+ UInt64(index) &* 0x9E37_79B9)
      var generator = SplitMix64(seed: seeds.next())
      let values = parameter.randomValues(
        gain: rectified.contains(parameter.node) ? 2 : 1,
        damping: damped.contains(parameter.node) ? damping : 1, from: &generator)
      return (parameter.name, TensorData(shape: parameter.shape, values: values))
    }
    return try Parameters(Dictionary(uniqueKeysWithValues: tensors), for: graph)
  }
}

extension Graph {
  /// The names of the nodes, those of the head aside, that read what a ReLU gives, or a pool of that.
  fileprivate var rectifiedReaders: Set<String> {
    var isRectified = [Bool](repeating: false, count: nodes.count)
    var readers: Set<String> = []
    for (index, node) in nodes.enumerated() {
      let input = node.inputs.first.map { isRectified[$0] } ?? false
      switch node.operation {
      case .activation(.relu): isRectified[index] = true
      case .maxPool, .averagePool, .subsample: isRectified[index] = input
      default: if input, node.place != .head { readers.insert(node.name) }
      }
    }
    return readers
  }

  /// The names of the last norm in the branch of every block that has one.
  fileprivate var lastBranchNorms: Set<String> {
    var last: [Node.Place: String] = [:]
    for node in nodes {
      guard case .norm = node.operation, case .stage(_, _, .main) = node.place else { continue }
      last[node.place] = node.name
    }
    return Set(last.values)
  }
}

extension Parameter {
  /// - Parameters:
  ///   - gain: the variance of a kernel's values times their fan-in.
  ///   - damping: what a norm's scale and shift are multiplied by.
  fileprivate func randomValues(
    gain: Float, damping: Float, from generator: inout SplitMix64
  ) -> [Float] {
    let fanIn = max(shape.elementCount / max(shape.rank > 0 ? shape[0] : 1, 1), 1)
    return (0..<shape.elementCount).map { _ in
      switch role {
      case .weight: generator.nextNormalValue() * (gain / Float(fanIn)).squareRoot()
      case .scale: (1 + 0.5 * generator.nextProbeValue()) * damping
      case .shift: 0.3 * generator.nextProbeValue() * damping
      case .variance: 1 + 0.5 * generator.nextProbeValue()
      case .bias, .mean: 0.3 * generator.nextProbeValue()
      }
    }
  }
}

extension SplitMix64 {
  /// A value of mean 0 and variance 1 that is close to normal: the sum of twelve uniform ones.
  ///
  /// Only additions, so that every machine gives the same bits; a logarithm would not promise that.
  fileprivate mutating func nextNormalValue() -> Float {
    var sum: Float = 0
    for _ in 0..<3 {
      // Four uniform 16-bit numbers of one draw; exact in float32.
      let bits = next()
      let parts = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
      sum += Float(parts) * 0x1p-16
    }
    return sum - 6
  }
}

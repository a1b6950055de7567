import ResNetV2
import Tensors

/// Any network that the options can say, small, from a seed.
struct RandomNetworks {
  private var generator: SplitMix64

  init(seed: UInt64) {
    generator = SplitMix64(seed: seed)
  }

  mutating func next() -> Configuration {
    let order: Configuration.Block.Order = pick([.preActivation, .postActivation])
    let kind: Configuration.Block.Kind = pick([.basic, .bottleneck])
    let isPre = order == .preActivation
    let shortcut: Configuration.Shortcut.Kind = pick([
      .convolution, .convolutionNorm, .averagePoolConvolution, .zeroChannelsAround,
      .zeroChannelsAfter,
    ])
    // Widths grow, for channels of zeros.
    let stages = (0..<pick([1, 2, 3])).map { index in
      let output = 4 + 4 * index + pick([0, 3])
      return Configuration.Stage(
        blocks: pick([1, 2]), innerChannels: kind == .basic ? output : pick([3, 8]),
        outputChannels: output, stride: pick([1, 2, 3]), dilation: pick([1, 1, 2, 3]))
    }
    let hasStatistics = pick([true, true, true, false])
    let hasInnerBiases = flag()
    return Configuration(
      block: .init(
        kind: kind, order: order, stridedConvolution: pick([.first, .spatial]),
        stridedBlock: pick([.first, .last]), hasInnerBiases: hasInnerBiases,
        omitsSpatialBias: kind == .bottleneck && hasInnerBiases && flag(), hasLastBias: flag(),
        firstBlockIsPreActivated: !isPre || flag()),
      stages: stages, stem: stem(),
      shortcut: .init(
        placement: pick([.everyStage, .whereShapeChanges]),
        input: isPre ? pick([.raw, .preActivated]) : .raw, kind: shortcut,
        hasBias: !shortcut.isParameterFree && flag()),
      norm: hasStatistics ? norm() : .batch(epsilon: 0),
      head: head(channels: stages.last?.outputChannels ?? 0), input: input(),
      hasNormScales: flag(), hasNormShifts: flag(), hasNormStatistics: hasStatistics,
      foldsNorms: pick([false, false, true]),
      convolutionPadding: pick([.symmetric, .same]),
      weightStandardizationEpsilon: pick([nil, nil, 1e-5]),
      ending: isPre ? pick([.activation, .norm, .sum]) : pick([.activation, .sum]))
  }

  private mutating func stem() -> Configuration.Stem {
    let count = pick([1, 1, 2])
    return .init(
      convolutions: (0..<count).map { _ in
        .init(
          kernel: pick([2, 3, 5, 7]), stride: pick([1, 2]), outputChannels: 4, hasBias: flag())
      }, hasNorm: flag(),
      pool: pick([
        nil, .init(padding: .zero), .init(padding: .negativeInfinity), .init(padding: .same),
        .init(size: 2, stride: 2, padding: .same), .init(size: 2, stride: 2, padding: .zero),
      ]))
  }

  private mutating func input() -> Configuration.Input {
    let channels = pick([1, 3, 4])
    let hasNorm = flag()
    return .init(
      channels: channels, scale: flag() ? (0..<channels).map { 0.5 + Double($0) } : [],
      offset: flag() ? (0..<channels).map { Double($0) - 0.7 } : [], reversesChannels: flag(),
      hasNorm: hasNorm, hasNormScale: !hasNorm || flag())
  }

  private mutating func norm() -> Configuration.Norm {
    pick([.batch(epsilon: 1e-3), .batch(epsilon: 1e-5), .group(count: 1, epsilon: 1e-2)])
  }

  private mutating func head(channels: Int) -> Configuration.Head {
    var hasOneValue = false
    let layers: [Configuration.Head.Layer] = (0..<pick([0, 1, 3, 5])).map { _ in
      switch pick([0, 1, 2]) {
      case 0:
        let outputs = pick([1, 5, 18])
        hasOneValue = outputs == 1
        return .dense(outputs: outputs, hasBias: flag())
      case 1:
        // The norm of a group of one value is what rounding leaves of zero.
        let norm = hasOneValue ? .batch(epsilon: 1e-5) : norm()
        return .norm(norm, hasScale: flag(), hasShift: flag())
      default: return .activation(pick(ActivationTests.all + [.softmax]))
      }
    }
    // Filled in once the size of the feature map is known.
    let flatten = Configuration.Head.Pooling.flatten(height: 1, width: 1, channelsFirst: flag())
    return .init(pooling: pick([.average, .max, .none, flatten]), layers: layers)
  }

  private mutating func flag() -> Bool { pick([true, false]) }

  private mutating func pick<Value>(_ values: [Value]) -> Value {
    values[Int(generator.next() % UInt64(values.count))]
  }
}

extension Configuration {
  /// The same network for images of a size: what is flattened has the extents that they come to.
  func fitting(_ input: Shape) throws -> Configuration {
    guard case .flatten(_, _, let channelsFirst) = head.pooling else { return self }
    var bare = self
    bare.head = .init(pooling: .none)
    let graph = try Graph(bare)
    let shape = try graph.shapes(for: input)[graph.outputIndex]
    var result = self
    result.head.pooling = .flatten(
      height: shape[1], width: shape[2], channelsFirst: channelsFirst)
    return result
  }
}

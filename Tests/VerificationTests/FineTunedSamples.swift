import Families
import Inference
import ResNetV2
import Tensors
import TestSupport
import Testing

extension Sample {
  /// A network as people have it: pixels of 0 to 255 that the network itself scales, a random backbone, and a head of
  /// several layers.
  static func fineTuned(family id: String, seed: UInt64) throws -> Sample {
    var generator = SplitMix64(seed: seed ^ 0xF17E)
    func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    let backbone = try Sample.random(family: id, seed: seed)
    var configuration = backbone.graph.configuration
    configuration.stages = Array(configuration.stages.prefix(pick(1...2)))
    for index in configuration.stages.indices {
      configuration.stages[index].blocks = min(configuration.stages[index].blocks, 2)
    }
    configuration.input = adjustments[pick(0...adjustments.count - 1)]
    let head = RandomHead(features: configuration.stages.last?.outputChannels ?? 1, &generator)
    configuration.head = head.configuration
    let size: Shape = [pick(1...2), pick(12...20), pick(12...20), 3]
    return try Sample(
      family: try #require(Family.named(id)), configuration: configuration, seed: seed,
      renamed: head.names(in: id),
      input: .probe(seed: seed, shape: size, range: ProbeRange(configuration.input)))
  }

  /// What models do to pixels of 0 to 255: Rescaling, division, normalisation as PyTorch and Caffe do it.
  private static let adjustments: [Configuration.Input] = [
    .init(
      scale: Array(repeating: 1 / 127.5, count: 3), offset: Array(repeating: -1, count: 3)),
    .init(scale: Array(repeating: 1 / 255, count: 3)),
    .init(
      scale: [0.229, 0.224, 0.225].map { 1 / (255 * $0) },
      offset: [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)].map { -$0 / $1 }),
    .init(offset: [-103.939, -116.779, -123.68], reversesChannels: true),
  ]
}

/// A pooling, one to three hidden dense layers of which one may have a norm, a last dense layer, and a function.
private struct RandomHead {
  private(set) var configuration: Configuration.Head

  init(features: Int, _ generator: inout SplitMix64) {
    func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    let hidden: [ActivationFunction] = [
      .relu, .relu, .relu6, .leakyRelu(slope: 0.3), .elu(alpha: 1), .gelu, .silu, .tanh,
    ]
    let last: [ActivationFunction] = [.softmax, .softmax, .sigmoid, .tanh, .softplus]
    configuration = .init(pooling: pick(0...1) == 0 ? .average : .max)
    let count = pick(1...3)
    let keepsSize = pick(0...1) == 0
    let normed = pick(0...count)
    for index in 0..<count {
      configuration.layers.append(
        .dense(outputs: keepsSize ? features : pick(5...12), hasBias: pick(0...3) > 0))
      if index == normed {
        configuration.layers.append(
          .norm(
            .batch(epsilon: pick(0...1) == 0 ? 1e-3 : 1e-5), hasScale: true, hasShift: true))
      }
      configuration.layers.append(.activation(hidden[pick(0...hidden.count - 1)]))
    }
    configuration.layers += [
      .dense(outputs: pick(2...9), hasBias: true), .activation(last[pick(0...last.count - 1)]),
    ]
  }

  /// What a file calls the layers that no family has a name for.
  func names(in family: String) -> [String: String] {
    guard family == "keras" else { return ["input.adjust": "normalize"] }
    var names = ["input.adjust": "rescaling", "head.pool": "global_pooling2d"]
    // A function after a norm is a layer of its own.
    for (index, name) in configuration.layerNames.enumerated().dropFirst() {
      guard case .activation = configuration.layers[index],
        case .norm = configuration.layers[index - 1]
      else { continue }
      names[name] = "activation"
    }
    return names
  }
}

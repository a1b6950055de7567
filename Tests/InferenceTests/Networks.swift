import Inference
import ResNetV2
import Synchronization
import Tensors
import TestSupport
import Testing

/// Small networks that together use every option, with parameters far from the identity.
struct Network: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let configuration: Configuration

  func make(seed: UInt64 = 1) throws -> (Graph, Parameters) {
    let graph = try Graph(configuration)
    return (graph, try .random(for: graph, seed: seed))
  }

  static func input(_ shape: Shape, seed: UInt64 = 9) -> Activation {
    .probe(shape, seed: seed)
  }

  /// What the reference has for every node at an input of a shape, computed once for all tests.
  func referenceValues(for shape: Shape) throws -> [Activation] {
    try Self.known.withLock { known in
      let key = "\(testDescription), \(shape)"
      if let values = known[key] { return values }
      let (graph, parameters) = try make()
      let reference = ReferenceExecutor(
        graph: graph, parameters: parameters, pool: WorkerPool(threads: 2))
      var values: [Activation] = []
      _ = try reference.run(Self.input(shape)) { _, value in values.append(value) }
      known[key] = values
      return values
    }
  }

  private static let known = Mutex<[String: [Activation]]>([:])

  static let all: [Network] = [
    Network(testDescription: "bottleneck, pre-activation, zero-padded pool", configuration: keras),
    Network(testDescription: "basic, pre-activation, norm on the shortcut", configuration: torch),
    Network(testDescription: "bottleneck, post-activation", configuration: postActivation),
    Network(
      testDescription: "deep stem, group norm, standardised weights, average-pooled shortcut",
      configuration: groupNorm),
    Network(testDescription: "no head", configuration: headless),
    wide,
  ]

  /// Its 1×1 convolutions have halves of whole vectors with every instruction set.
  static let wide = Network(
    testDescription: "bottleneck, channels of whole vectors",
    configuration: {
      var configuration = keras
      configuration.stages = [
        .init(blocks: 2, innerChannels: 32, outputChannels: 96, stride: 2),
        .init(blocks: 1, innerChannels: 160, outputChannels: 64, stride: 1),
      ]
      return configuration
    }())

  private static let keras = Configuration(
    block: .init(kind: .bottleneck, order: .preActivation, stridedBlock: .last, hasLastBias: true),
    stages: [
      .init(blocks: 2, innerChannels: 7, outputChannels: 33, stride: 2),
      .init(blocks: 3, innerChannels: 20, outputChannels: 70, stride: 1),
    ],
    stem: .init(
      convolutions: [.init(kernel: 7, stride: 2, outputChannels: 17, hasBias: true)],
      hasNorm: false, poolPadding: .zero),
    shortcut: .init(
      placement: .everyStage, input: .preActivated, kind: .convolution, hasBias: true),
    norm: .batch(epsilon: 1.001e-5), head: .init(classes: 11, hasSoftmax: true))

  private static let torch = Configuration(
    block: .init(kind: .basic, order: .preActivation, stridedBlock: .first),
    stages: [
      .init(blocks: 2, innerChannels: 16, outputChannels: 16, stride: 1),
      .init(blocks: 2, innerChannels: 40, outputChannels: 40, stride: 2),
    ],
    stem: .init(
      convolutions: [.init(kernel: 7, stride: 2, outputChannels: 16, hasBias: false)],
      hasNorm: true, poolPadding: .negativeInfinity),
    shortcut: .init(placement: .whereShapeChanges, input: .raw, kind: .convolutionNorm),
    norm: .batch(epsilon: 1e-5), head: .init(classes: 5, hasSoftmax: false))

  private static let postActivation = Configuration(
    block: .init(
      kind: .bottleneck, order: .postActivation, stridedConvolution: .first, stridedBlock: .first,
      hasInnerBiases: true, hasLastBias: true),
    stages: [
      .init(blocks: 2, innerChannels: 8, outputChannels: 32, stride: 1),
      .init(blocks: 2, innerChannels: 16, outputChannels: 64, stride: 2),
    ],
    stem: .init(
      convolutions: [.init(kernel: 7, stride: 2, outputChannels: 16, hasBias: true)],
      hasNorm: true, poolPadding: .zero),
    shortcut: .init(placement: .everyStage, input: .raw, kind: .convolutionNorm, hasBias: true),
    norm: .batch(epsilon: 1.001e-5), head: .init(classes: 9, hasSoftmax: true))

  private static let groupNorm = Configuration(
    block: .init(kind: .bottleneck, order: .preActivation, stridedBlock: .first),
    stages: [
      .init(blocks: 1, innerChannels: 8, outputChannels: 32, stride: 1),
      .init(blocks: 2, innerChannels: 16, outputChannels: 64, stride: 2),
    ],
    stem: .init(
      convolutions: [
        .init(kernel: 3, stride: 2, outputChannels: 8, hasBias: false),
        .init(kernel: 3, stride: 1, outputChannels: 8, hasBias: false),
        .init(kernel: 3, stride: 1, outputChannels: 16, hasBias: false),
      ], hasNorm: false, poolPadding: .same),
    shortcut: .init(
      placement: .everyStage, input: .preActivated, kind: .averagePoolConvolution),
    norm: .group(count: 4, epsilon: 1e-5), head: .init(classes: 6, hasSoftmax: false),
    weightStandardizationEpsilon: 1e-8)

  private static let headless: Configuration = {
    var configuration = keras
    configuration.head = .init(hasPooling: false, classes: 0, hasSoftmax: false)
    configuration.input.hasNorm = true
    return configuration
  }()
}

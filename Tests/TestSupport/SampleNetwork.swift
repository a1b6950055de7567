package import ResNetV2

/// Small networks that together use every option.
package struct SampleNetwork: Sendable, CustomStringConvertible {
  package let description: String
  package let configuration: Configuration

  package static let all = [preActivation, postActivation, deepGroupNorm]

  package static let preActivation = SampleNetwork(
    description: "bottleneck, pre-activation, stride in the last block",
    configuration: Configuration(
      block: .init(
        kind: .bottleneck, order: .preActivation, stridedBlock: .last, hasLastBias: true),
      stages: [
        .init(blocks: 2, innerChannels: 4, outputChannels: 16, stride: 2),
        .init(blocks: 2, innerChannels: 8, outputChannels: 32, stride: 1),
      ],
      stem: .init(
        convolutions: [.init(kernel: 7, stride: 2, outputChannels: 8, hasBias: true)],
        hasNorm: false, poolPadding: .zero),
      shortcut: .init(
        placement: .everyStage, input: .preActivated, kind: .convolution, hasBias: true),
      norm: .batch(epsilon: 1.001e-5), head: .init(classes: 5, hasSoftmax: true)))

  package static let postActivation = SampleNetwork(
    description: "basic, post-activation, norm on the shortcut",
    configuration: Configuration(
      block: .init(kind: .basic, order: .postActivation, stridedBlock: .first),
      stages: [
        .init(blocks: 2, innerChannels: 8, outputChannels: 8, stride: 1),
        .init(blocks: 1, innerChannels: 16, outputChannels: 16, stride: 2),
      ],
      stem: .init(
        convolutions: [.init(kernel: 7, stride: 2, outputChannels: 8, hasBias: false)],
        hasNorm: true, poolPadding: .negativeInfinity),
      shortcut: .init(placement: .whereShapeChanges, input: .raw, kind: .convolutionNorm),
      norm: .batch(epsilon: 1e-5), head: .init(classes: 5, hasSoftmax: false),
      input: .init(hasNorm: true)))

  package static let deepGroupNorm = SampleNetwork(
    description: "deep stem, average-pooled shortcut, group norm, standardised weights",
    configuration: Configuration(
      block: .init(kind: .bottleneck, order: .preActivation, stridedBlock: .first),
      stages: [
        .init(blocks: 1, innerChannels: 4, outputChannels: 16, stride: 1),
        .init(blocks: 2, innerChannels: 8, outputChannels: 32, stride: 2),
      ],
      stem: .init(
        convolutions: [
          .init(kernel: 3, stride: 2, outputChannels: 4, hasBias: false),
          .init(kernel: 3, stride: 1, outputChannels: 4, hasBias: false),
          .init(kernel: 3, stride: 1, outputChannels: 8, hasBias: false),
        ], hasNorm: false, poolPadding: .same),
      shortcut: .init(
        placement: .everyStage, input: .preActivated, kind: .averagePoolConvolution),
      norm: .group(count: 2, epsilon: 1e-5), head: .init(classes: 5, hasSoftmax: false),
      weightStandardizationEpsilon: 1e-8))
}

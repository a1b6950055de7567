package import ResNetV2

/// Small networks that together use every option, with channels that fill whole vectors and that do not.
package struct SampleNetwork: Sendable, CustomStringConvertible {
  package let description: String
  package let configuration: Configuration

  /// Takes a network for a sample.
  package init(description: String, configuration: Configuration) {
    self.description = description
    self.configuration = configuration
  }

  package static let all = [
    preActivation, basicPreActivation, postActivation, basicPostActivation, deepGroupNorm, headless,
    wide,
  ]

  package static let preActivation = SampleNetwork(
    description: "bottleneck, pre-activation, stride in the last block, zero-padded pool",
    configuration: Configuration(
      block: .init(
        kind: .bottleneck, order: .preActivation, stridedBlock: .last, hasLastBias: true),
      stages: [
        .init(blocks: 2, innerChannels: 7, outputChannels: 33, stride: 2),
        .init(blocks: 3, innerChannels: 20, outputChannels: 70, stride: 1),
      ],
      stem: .init(
        convolutions: [.init(kernel: 7, stride: 2, outputChannels: 17, hasBias: true)],
        hasNorm: false, poolPadding: .zero),
      shortcut: .init(
        placement: .everyStage, input: .preActivated, kind: .convolution, hasBias: true),
      norm: .batch(epsilon: 1.001e-5), head: .init(classes: 11, hasSoftmax: true)))

  package static let basicPreActivation = SampleNetwork(
    description: "basic, pre-activation, norm on the shortcut",
    configuration: Configuration(
      block: .init(kind: .basic, order: .preActivation, stridedBlock: .first),
      stages: [
        .init(blocks: 2, innerChannels: 16, outputChannels: 16, stride: 1),
        .init(blocks: 2, innerChannels: 40, outputChannels: 40, stride: 2),
      ],
      stem: .init(
        convolutions: [.init(kernel: 7, stride: 2, outputChannels: 16, hasBias: false)],
        hasNorm: true, poolPadding: .negativeInfinity),
      shortcut: .init(placement: .whereShapeChanges, input: .raw, kind: .convolutionNorm),
      norm: .batch(epsilon: 1e-5), head: .init(classes: 5, hasSoftmax: false)))

  package static let postActivation = SampleNetwork(
    description: "bottleneck, post-activation",
    configuration: Configuration(
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
      norm: .batch(epsilon: 1.001e-5), head: .init(classes: 9, hasSoftmax: true)))

  package static let basicPostActivation = SampleNetwork(
    description: "basic, post-activation, norm of the input",
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
      weightStandardizationEpsilon: 1e-8))

  package static let headless = preActivation.changed("no head, norm of the input") {
    $0.head = .init(hasPooling: false, classes: 0, hasSoftmax: false)
    $0.input.hasNorm = true
  }

  /// Its 1×1 convolutions have halves of whole vectors with every instruction set.
  package static let wide = preActivation.changed("bottleneck, channels of whole vectors") {
    $0.stages = [
      .init(blocks: 2, innerChannels: 32, outputChannels: 96, stride: 2),
      .init(blocks: 1, innerChannels: 160, outputChannels: 64, stride: 1),
    ]
  }

  private func changed(
    _ description: String, _ change: (inout Configuration) -> Void
  ) -> SampleNetwork {
    var configuration = configuration
    change(&configuration)
    return SampleNetwork(description: description, configuration: configuration)
  }
}

import ResNetV2
import Testing

@testable import Reports

/// The networks that the golden files were made from, spelt out anew.
enum SummaryNetwork {
  private static let depths: [Int: (Configuration.Block.Kind, [Int])] = [
    18: (.basic, [2, 2, 2, 2]), 34: (.basic, [3, 4, 6, 3]), 50: (.bottleneck, [3, 4, 6, 3]),
    101: (.bottleneck, [3, 4, 23, 3]), 152: (.bottleneck, [3, 8, 36, 3]),
  ]

  /// The PyTorch networks: the classes of `resnet_v2.py`, or torchvision's.
  static func pyTorch(
    _ depth: Int, version: Int = 2, classes: Int = 1000
  ) throws -> Graph {
    let (kind, blocks) = try #require(depths[depth])
    return try Graph(
      Configuration(
        block: .init(
          kind: kind, order: version == 2 ? .preActivation : .postActivation, stridedBlock: .first),
        stages: stages(blocks, kind: kind, strides: [1, 2, 2, 2]),
        stem: .init(
          convolutions: [.init(kernel: 7, stride: 2, outputChannels: 64, hasBias: false)],
          hasNorm: true, poolPadding: .negativeInfinity),
        shortcut: .init(placement: .whereShapeChanges, input: .raw, kind: .convolutionNorm),
        norm: .batch(epsilon: 1e-5), head: .init(classes: classes, hasSoftmax: false)))
  }

  /// Keras' ResNet50V2 or ResNet50.
  static func keras50(version: Int) throws -> Graph {
    let isSecond = version == 2
    return try Graph(
      Configuration(
        block: .init(
          kind: .bottleneck, order: isSecond ? .preActivation : .postActivation,
          stridedConvolution: isSecond ? .spatial : .first, stridedBlock: isSecond ? .last : .first,
          hasInnerBiases: !isSecond, hasLastBias: true),
        stages: stages(
          [3, 4, 6, 3], kind: .bottleneck, strides: isSecond ? [2, 2, 2, 1] : [1, 2, 2, 2]),
        stem: .init(
          convolutions: [.init(kernel: 7, stride: 2, outputChannels: 64, hasBias: true)],
          hasNorm: !isSecond, poolPadding: .zero),
        shortcut: .init(
          placement: .everyStage, input: isSecond ? .preActivated : .raw,
          kind: isSecond ? .convolution : .convolutionNorm, hasBias: true),
        norm: .batch(epsilon: 1.001e-5), head: .init(classes: 1000, hasSoftmax: true)))
  }

  private static func stages(
    _ blocks: [Int], kind: Configuration.Block.Kind, strides: [Int]
  ) -> [Configuration.Stage] {
    blocks.enumerated().map { index, blocks in
      let inner = 64 << index
      return .init(
        blocks: blocks, innerChannels: inner,
        outputChannels: kind == .bottleneck ? inner * 4 : inner, stride: strides[index])
    }
  }
}

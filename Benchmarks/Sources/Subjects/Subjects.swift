public import Inference
public import ResNetV2
import Tensors

extension Configuration {
  /// A pre-activation network of bottlenecks like Keras' ResNetV2, of any widths and depths.
  public static func bottlenecks(blocks: [Int], width: Int, classes: Int = 1000) -> Configuration {
    Configuration(
      block: .init(
        kind: .bottleneck, order: .preActivation, stridedBlock: .last, hasLastBias: true),
      stages: blocks.enumerated().map { index, count in
        .init(
          blocks: count, innerChannels: width << index, outputChannels: width * 4 << index,
          stride: index == blocks.count - 1 ? 1 : 2)
      },
      stem: .init(
        convolutions: [.init(kernel: 7, stride: 2, outputChannels: width, hasBias: true)],
        hasNorm: false, poolPadding: .zero),
      shortcut: .init(
        placement: .everyStage, input: .preActivated, kind: .convolution, hasBias: true),
      norm: .batch(epsilon: 1.001e-5), head: .init(classes: classes, hasSoftmax: true))
  }

  /// Keras' ResNet50V2.
  public static var resnet50V2: Configuration { .bottlenecks(blocks: [3, 4, 6, 3], width: 64) }
}

extension Graph {
  /// Parameters of a fixed seed, small enough that values neither grow nor vanish.
  public func randomParameters() throws -> Parameters {
    var generator = SplitMix64(seed: 1)
    var tensors: [String: TensorData] = [:]
    for parameter in parameters {
      let fanIn = Float(parameter.shape.elementCount / max(parameter.shape[0], 1))
      let values = (0..<parameter.shape.elementCount).map { _ in
        let value = generator.nextProbeValue()
        return switch parameter.role {
        case .weight: value * (3 / fanIn).squareRoot()
        case .scale, .variance: 1 + 0.2 * value
        case .bias, .shift, .mean: 0.1 * value
        }
      }
      tensors[parameter.name] = try TensorData(values, shape: parameter.shape.dimensions)
    }
    return try Parameters(tensors, for: self)
  }
}

extension Activation {
  /// The probe of seed 1 in a shape [N, H, W, C].
  public static func probe(shape: [Int]) throws -> Activation {
    var generator = SplitMix64(seed: 1)
    let values = (0..<shape.reduce(1, *)).map { _ in generator.nextProbeValue() }
    return try Activation(values, shape: shape)
  }
}

import Inference
import ResNetV2
import Tensors
import TestSupport

@testable import Comparison

/// Images that a comparison does not see: what a network does with them it should do too.
enum OtherInput: CaseIterable {
  case noise
  case constant
  case extremes
  case edges
  case singlePixel
  case largest

  /// The image, within the range that a network's input has.
  func image(_ shape: Shape, range: ProbeRange, seed: UInt64) -> Activation {
    var generator = SplitMix64(seed: seed ^ 0xA5A5)
    let (height, width, channels) = (shape[1], shape[2], shape[3])
    let level = generator.nextProbeValue()
    let (row, column) = (
      Int.random(in: 0..<height, using: &generator), Int.random(in: 0..<width, using: &generator)
    )
    let values = (0..<height * width * channels).map { index -> Float in
      let (y, x, c) = (index / channels / width, index / channels % width, index % channels)
      return switch self {
      case .noise: generator.nextProbeValue()
      case .constant: level * (c.isMultiple(of: 2) ? 1 : -1)
      case .extremes: generator.nextProbeValue() < 0 ? -1 : 1
      case .edges: (y < row) == (x < column) ? 1 : -1
      case .singlePixel: y == row && x == column ? 1 : -1
      case .largest: 1
      }
    }
    return Activation(
      shape: [1, height, width, channels],
      values: values.enumerated().map { index, value in
        let c = index % channels
        return Float(
          Double(value) * (range.scale.isEmpty ? 1 : range.scale[c])
            + (range.offset.isEmpty ? 0 : range.offset[c]))
      })
  }
}

extension OtherInput {
  /// The first of these images of which a faulty network makes something else than the right one, by more than the limit of
  /// a layer, in any layer; both are computed from the definitions.
  static func tellingApart(
    _ candidate: any Executor, from truth: any Executor, size: Shape, seed: UInt64
  ) throws -> OtherInput? {
    let range = ProbeRange(truth.graph.configuration.input)
    return try allCases.first { kind in
      let image = kind.image(size, range: range, seed: seed)
      let (own, right) = try (values(of: candidate, image), values(of: truth, image))
      return own.indices.contains { node in
        guard let place = candidate.graph.counterpart(of: node, in: truth.graph) else {
          return false
        }
        return own[node].shape != right[place].shape
          || ScaledError(of: own[node].values, from: right[place].values).value > Limits.float32
      }
    }
  }

  private static func values(of executor: any Executor, _ image: Activation) throws -> [Activation]
  {
    var values: [Activation] = []
    _ = try executor.run(image) { values.append($1) }
    return values
  }
}

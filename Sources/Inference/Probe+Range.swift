package import RNW
package import ResNetV2
package import Tensors

/// The values that a probe covers, by channel: [offset − scale, offset + scale).
///
/// A network that takes pixels of 0 to 255 does not show what is wrong with it on values in [−1, 1).
package struct ProbeRange: Hashable, Sendable {
  /// What the uniform values of each channel are multiplied by; empty for 1.
  package let scale: [Double]
  /// What is then added; empty for 0.
  package let offset: [Double]

  /// The range [−1, 1).
  package static let unit = ProbeRange(scale: [], offset: [])

  /// A range; a list is empty, or has a number for each channel.
  package init(scale: [Double], offset: [Double]) {
    (self.scale, self.offset) = (scale, offset)
  }

  /// The values that a network's own adjustment turns into [−1, 1).
  package init(_ input: Configuration.Input) {
    let channels = input.channels
    let scale = input.scale.isEmpty ? Array(repeating: 1, count: channels) : input.scale
    let offset = input.offset.isEmpty ? Array(repeating: 0, count: channels) : input.offset
    let own = zip(scale, offset).map { (scale: 1 / $0, offset: 0 - $1 / $0) }
    let image = input.reversesChannels ? own.reversed() : own
    guard image.contains(where: { $0.scale != 1 || $0.offset != 0 }),
      image.allSatisfy({ Float($0.scale).isNormal && Float($0.offset).isFinite })
    else {
      self = .unit
      return
    }
    self.init(scale: image.map(\.scale), offset: image.map(\.offset))
  }
}

extension Activation {
  /// The probe of a seed in NHWC order, which every language can make: uniform values in [−1, 1), times the scale and
  /// plus the offset of the channel, each rounded to float64, and then to float32.
  package static func probe(
    seed: UInt64, shape: Shape, range: ProbeRange = .unit
  ) -> Activation {
    var generator = SplitMix64(seed: seed)
    return .probe(from: &generator, shape: shape, range: range)
  }

  /// The next values of a probe.
  package static func probe(
    from generator: inout SplitMix64, shape: Shape, range: ProbeRange
  ) -> Activation {
    guard range != .unit else {
      return Activation(
        shape: shape, values: (0..<shape.elementCount).map { _ in generator.nextProbeValue() })
    }
    let channels = shape[shape.rank - 1]
    let values = (0..<shape.elementCount).map { index in
      let product =
        Double(generator.nextProbeValue())
        * (range.scale.isEmpty ? 1 : range.scale[index % channels])
      return Float(product + (range.offset.isEmpty ? 0 : range.offset[index % channels]))
    }
    return Activation(shape: shape, values: values)
  }

  /// The probe of a certificate.
  ///
  /// - Parameter shape: that of the certificate, which was checked.
  package static func probe(_ probe: Certificate.Probe, shape: Shape) -> Activation {
    .probe(
      seed: probe.seed, shape: shape,
      range: ProbeRange(scale: probe.scale ?? [], offset: probe.offset ?? []))
  }
}

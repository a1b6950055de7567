package import Plain
package import ResNetV2
package import Tensors

/// The scaled error that each layer may have.
package struct Limits: Hashable, Sendable {
  /// The limit of every layer that no override names, when errors carry on from layer to layer.
  package var propagated: Double

  /// The same when each layer is given the reference's values.
  package var isolated: Double

  /// Limits of single layers in both modes; the last pattern that matches counts.
  package var overrides: [Override]

  /// Whether every channel is judged in its own units as well.
  ///
  /// Not where weights were rounded: that moves a channel whose terms cancel by more than its value.
  package var judgesChannels = true

  /// A limit for the layers that match a pattern, by canonical or family name.
  package struct Override: Hashable, Sendable {
    /// Which layers.
    package var layers: Glob
    /// Their limit.
    package var limit: Double

    /// Makes an override.
    package init(layers: Glob, limit: Double) {
      self.layers = layers
      self.limit = limit
    }
  }

  /// Makes limits that are the same in both modes.
  package init(standard: Double = Limits.float32, overrides: [Override] = []) {
    propagated = standard
    isolated = standard
    self.overrides = overrides
  }

  /// The limits for a network of float32 weights.
  ///
  /// Between group norms and standardised weights rounding grows faster along the depth: on a random BiT of 50 layers PyTorch's
  /// own float32 is 2.2e-5 away from its float64, while a timm 50d with group norms alone stays within 1.3e-5. A layer by itself
  /// is as exact as any.
  package init(for configuration: Configuration) {
    self.init()
    if case .group = configuration.norm, configuration.weightStandardizationEpsilon != nil {
      propagated = Limits.float32OfStandardizedWeights
    }
  }

  /// The limits for comparing a network with weights rounded to a type with the same network before
  /// that.
  ///
  /// Rounding moves every weight by up to 2⁻¹¹ (float16) or 2⁻⁸ (bfloat16) of itself, or by 1/254
  /// of the largest of its channel (int8). One layer's error is of that size at any depth; carried
  /// on, it grows with the depth. The limits are two to three times the largest error in random
  /// networks of up to 152 layers, which were 6.3e-4, 4.9e-3 and 1.4e-2 isolated, 1.0e-2, 6.7e-2
  /// and 0.16 propagated.
  package init(precision: DType) {
    self.init()
    switch precision {
    case .float16: (propagated, isolated) = (3e-2, 1.5e-3)
    case .bfloat16: (propagated, isolated) = (0.2, 1.2e-2)
    case .int8: (propagated, isolated) = (0.5, 4e-2)
    default: return
    }
    judgesChannels = false
  }

  /// The limit of a layer.
  package func limit(name: String, familyName: String?, isolated isIsolated: Bool) -> Double {
    let override = overrides.last { $0.layers.matches(name: name, familyName: familyName) }
    return override?.limit ?? (isIsolated ? isolated : propagated)
  }
}

extension Limits {
  /// The limit for float32 weights: independent frameworks agree on every layer of every public
  /// ResNetV2 within 4e-6, and the smallest error of a real mapping mistake is 3e-4.
  package static let float32 = 2e-5

  /// The same between group norms and standardised weights, where errors carry on.
  package static let float32OfStandardizedWeights = 5e-5

  /// Up to here a scaled error is what float32 arithmetic in another order gives; it means nothing.
  package static let float32Noise = 4e-6
}

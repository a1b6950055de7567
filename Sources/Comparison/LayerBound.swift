/// What the limit of a layer is made of: only a part of it was asked for.
package struct LayerBound: Hashable, Sendable {
  /// What was asked for.
  package var standard: Double

  /// What the reference itself is off by, as an archive that was rounded is.
  package var allowance = 0.0

  /// What the differences of the layer's input become where the layer multiplies them.
  package var growth = 0.0

  /// The largest scaled error that passes.
  package var limit: Double { standard + allowance + growth }

  /// Describes a bound.
  package init(_ standard: Double, allowance: Double = 0, growth: Double = 0) {
    (self.standard, self.allowance, self.growth) = (standard, allowance, growth)
  }

  /// Whether an error passes; one that is not finite never does, whatever the limit.
  func allows(_ error: Double) -> Bool { error <= limit && error.isFinite }
}

/// The measure of every comparison: ε = max |a − b| / max |b|.
///
/// A reference of zeros has no scale: then ε is max |a − b| itself. A value that is not finite, on
/// either side, makes ε infinite, also where both sides have the same: two NaN prove nothing.
package struct ScaledError: Hashable, Sendable {
  /// The largest |a − b| of the pairs of finite values.
  package var difference: Double

  /// The largest |b| of them.
  package var largest: Double

  /// Whether every value on both sides is finite.
  package var isFinite: Bool

  /// The error of what was measured before.
  package init(difference: Double = 0, largest: Double = 0, isFinite: Bool = true) {
    (self.difference, self.largest, self.isFinite) = (difference, largest, isFinite)
  }

  /// The error of a candidate's values a against a reference's values b; infinite where there are
  /// not as many.
  package init(of candidate: some Collection<Float>, from reference: some Collection<Float>) {
    self.init(isFinite: candidate.count == reference.count)
    for (a, b) in zip(candidate, reference) {
      guard a.isFinite, b.isFinite else {
        isFinite = false
        continue
      }
      difference = max(difference, (Double(a) - Double(b)).magnitude)
      largest = max(largest, Double(b.magnitude))
    }
  }

  /// ε.
  package var value: Double { isFinite ? difference / scale : .infinity }

  /// What differences are measured in: the largest |b|, or 1 where all b are zero.
  package var scale: Double { largest > 0 ? largest : 1 }
}

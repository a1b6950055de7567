import Tensors

/// How far a candidate's values lie from a reference's, over any number of values.
///
/// Everything is a count, a maximum or a sum, so statistics of parts can be merged and inputs can
/// be streamed. Only pairs of finite values are measured. Any other pair makes the error infinite: also
/// two NaN, or the same infinity, prove nothing; but those can be accepted.
package struct DifferenceStatistics: Hashable, Sendable {
  /// The number of pairs.
  package private(set) var count = 0

  /// The largest |a − b|.
  package private(set) var maximum = 0.0

  /// Where the largest |a − b| is, counted through all parts; `nil` where all pairs are equal.
  package private(set) var maximumIndex: Int?

  /// The largest |b|: the scale by which differences are judged.
  package private(set) var maximumReference = 0.0

  /// The number of pairs whose difference is larger than the limit times the largest |b| of their
  /// part; `nil` where they were measured under another limit than that which now counts.
  package private(set) var overLimit: Int? = 0

  /// The values that are not finite.
  package private(set) var nonFinite = NonFiniteCounts()

  /// Whether two NaN, or the same infinity, are accepted as equal.
  package private(set) var acceptsNotFinite = false

  /// The largest distance of two values in the order of float32, in units in the last place; `nil` where nobody asked.
  package private(set) var largestULP: Int?

  /// How the differences are spread; `nil` where nobody asked.
  package private(set) var detail: DifferenceDetail?

  /// Σ |a − b|.
  package private(set) var sumOfDifferences = 0.0
  /// Σ (a − b)².
  package private(set) var sumOfSquaredDifferences = 0.0
  /// Σ b².
  package private(set) var sumOfSquaredReferences = 0.0
  /// Σ (a − b)·b, from which the cosine follows without cancellation.
  package private(set) var sumOfProducts = 0.0

  /// Statistics of no values.
  package init() {}

  /// Statistics of one part: a value of a layer, or a piece of one.
  ///
  /// - Parameters:
  ///   - candidate: the values a.
  ///   - reference: the values b, as many.
  ///   - limit: the scaled error above which a value is counted in ``overLimit``.
  ///   - channels: the number of channels, innermost, where ``detail`` is wanted.
  ///   - acceptsNotFinite: whether two NaN, or the same infinity, are accepted as equal.
  ///   - measuresULP: whether ``largestULP`` is wanted.
  package init(
    candidate: UnsafeBufferPointer<Float>, reference: UnsafeBufferPointer<Float>, limit: Double,
    channels: Int? = nil, acceptsNotFinite: Bool = false, measuresULP: Bool = false
  ) {
    precondition(candidate.count == reference.count)
    count = reference.count
    self.acceptsNotFinite = acceptsNotFinite
    let sums = DifferenceSums(candidate, reference)
    maximum = sums.maximum
    maximumIndex = sums.maximumIndex
    maximumReference = sums.maximumReference
    nonFinite = sums.nonFinite
    sumOfDifferences = sums.differences
    sumOfSquaredDifferences = sums.squaredDifferences
    sumOfSquaredReferences = sums.squaredReferences
    sumOfProducts = sums.products
    let larger =
      maximum > limit * scale
      ? countDifferences(candidate, reference, over: limit * scale) : 0
    overLimit = larger + unproven
    if measuresULP { largestULP = largestULPDistance(candidate, reference) }
    detail = channels.map {
      DifferenceDetail(candidate: candidate, reference: reference, channels: $0)
    }
  }

  /// Statistics of values that cannot be paired, such as two values of different shapes.
  package init(incomparable count: Int) {
    self.count = count
    nonFinite.mismatched = count
    overLimit = count
  }

  /// Adds the statistics of the part that follows.
  package mutating func merge(_ next: DifferenceStatistics) {
    if next.maximum > maximum {
      maximum = next.maximum
      maximumIndex = next.maximumIndex.map { $0 + count }
    }
    count += next.count
    maximumReference = max(maximumReference, next.maximumReference)
    overLimit = overLimit.flatMap { own in next.overLimit.map { own + $0 } }
    nonFinite.merge(next.nonFinite)
    acceptsNotFinite = acceptsNotFinite || next.acceptsNotFinite
    largestULP = [largestULP, next.largestULP].compactMap { $0 }.max()
    if let detail = next.detail {
      if self.detail == nil { self.detail = detail } else { self.detail?.merge(detail) }
    }
    sumOfDifferences += next.sumOfDifferences
    sumOfSquaredDifferences += next.sumOfSquaredDifferences
    sumOfSquaredReferences += next.sumOfSquaredReferences
    sumOfProducts += next.sumOfProducts
  }

  /// Forgets how many differences are over the limit: another one counts.
  mutating func forgetOverLimit() { overLimit = nil }
}

extension DifferenceStatistics {
  /// The sums that a report keeps beside its figures.
  package struct Sums: Hashable, Sendable {
    /// Σ |a − b|.
    package var differences: Double
    /// Σ (a − b)².
    package var squaredDifferences: Double
    /// Σ b².
    package var squaredReferences: Double
    /// Σ (a − b)·b.
    package var products: Double

    package init(
      differences: Double, squaredDifferences: Double, squaredReferences: Double, products: Double
    ) {
      self.differences = differences
      self.squaredDifferences = squaredDifferences
      self.squaredReferences = squaredReferences
      self.products = products
    }
  }

  /// The sums that every mean comes from.
  package var sums: Sums {
    Sums(
      differences: sumOfDifferences, squaredDifferences: sumOfSquaredDifferences,
      squaredReferences: sumOfSquaredReferences, products: sumOfProducts)
  }

  /// Statistics that were measured before; `nil` where no values can have them.
  package init?(
    count: Int, maximum: Double, maximumIndex: Int?, maximumReference: Double, overLimit: Int?,
    nonFinite: NonFiniteCounts, acceptsNotFinite: Bool, largestULP: Int?, sums: Sums
  ) {
    self.count = count
    self.maximum = maximum
    self.maximumIndex = maximumIndex
    self.maximumReference = maximumReference
    self.overLimit = overLimit
    self.nonFinite = nonFinite
    self.acceptsNotFinite = acceptsNotFinite
    self.largestULP = largestULP
    sumOfDifferences = sums.differences
    sumOfSquaredDifferences = sums.squaredDifferences
    sumOfSquaredReferences = sums.squaredReferences
    sumOfProducts = sums.products
    guard isPossible else { return nil }
  }

  /// Whether there can be values with these statistics, as far as that is seen without them.
  private var isPossible: Bool {
    let counts = nonFinite
    let singles = [
      counts.candidateNaN, counts.candidateInfinite, counts.referenceNaN, counts.referenceInfinite,
    ]
    guard count > 0, singles.allSatisfy({ (0...counts.pairs).contains($0) }),
      (0...count).contains(counts.pairs), (0...count).contains(counts.mismatched),
      (0...count).contains(overLimit ?? 0), maximumIndex.map({ (0..<count).contains($0) }) ?? true
    else { return false }
    if let largestULP, (largestULP > 0) != (maximum > 0) || largestULP > 1 << 32 { return false }
    let sums = [sumOfDifferences, sumOfSquaredDifferences, sumOfSquaredReferences]
    // Sums of terms that are not negative are never less than the largest term, however they are rounded.
    return (maximum > 0) == (maximumIndex != nil) && maximum >= 0 && maximumReference >= 0
      && sums.allSatisfy(\.isFinite) && sumOfProducts.isFinite && sumOfDifferences >= maximum
      && sumOfSquaredDifferences >= maximum * maximum
      && sumOfSquaredReferences >= maximumReference * maximumReference
      && (maximum > 0 || sumOfDifferences == 0)
  }
}

extension DifferenceStatistics {
  /// The scaled error ε.
  package var scaledError: Double { measure.value }

  private var measure: ScaledError {
    ScaledError(difference: maximum, largest: maximumReference, isFinite: unproven == 0)
  }

  /// The number of pairs by which nothing is proven.
  private var unproven: Int {
    acceptsNotFinite ? nonFinite.mismatched : max(nonFinite.pairs, nonFinite.mismatched)
  }

  /// The number of pairs of finite values.
  package var finiteCount: Int { count - nonFinite.pairs }

  /// Whether there are values, and no pair of them could be measured: then there is no difference to speak of.
  private var isImmeasurable: Bool {
    count > 0 && (finiteCount == 0 || nonFinite.mismatched == count)
  }

  /// The largest |a − b|, NaN where no pair could be measured.
  package var maximumDifference: Double { isImmeasurable ? .nan : maximum }

  /// The mean of |a − b|; NaN likewise.
  package var meanDifference: Double {
    isImmeasurable ? .nan : finiteCount > 0 ? sumOfDifferences / Double(finiteCount) : 0
  }

  /// The root of the mean of (a − b)²; NaN likewise.
  package var rootMeanSquare: Double {
    guard !isImmeasurable else { return .nan }
    return finiteCount > 0 ? (sumOfSquaredDifferences / Double(finiteCount)).squareRoot() : 0
  }

  /// The cosine of the angle between all a and all b; 1 where both are zero, 0 where one of them
  /// is, NaN where no pair could be measured.
  package var cosine: Double {
    guard !isImmeasurable else { return .nan }
    let candidate =
      sumOfSquaredReferences + 2 * sumOfProducts + sumOfSquaredDifferences
    guard sumOfSquaredReferences > 0, candidate > 0 else {
      return sumOfSquaredDifferences == 0 ? 1 : 0
    }
    let product = sumOfSquaredReferences + sumOfProducts
    return min(max(product / (sumOfSquaredReferences * candidate).squareRoot(), -1), 1)
  }

  /// The signal-to-quantisation-noise ratio 10·log₁₀(Σ b² / Σ (a − b)²) in decibels; infinite
  /// without noise, NaN where no pair could be measured.
  package var signalToNoise: Double {
    guard !isImmeasurable else { return .nan }
    guard sumOfSquaredDifferences > 0 else { return .infinity }
    return 10 * decimalLogarithm(sumOfSquaredReferences / sumOfSquaredDifferences)
  }

  /// What differences are measured in: the largest |b|, or 1 where all b are zero.
  package var scale: Double { measure.scale }
}

/// How many values are not finite, on either side.
package struct NonFiniteCounts: Hashable, Sendable {
  /// The candidate's values that are NaN.
  package var candidateNaN = 0
  /// The reference's values that are NaN.
  package var referenceNaN = 0
  /// The candidate's values that are infinite.
  package var candidateInfinite = 0
  /// The reference's values that are infinite.
  package var referenceInfinite = 0
  /// The pairs with a value that is not finite.
  package var pairs = 0
  /// Those of the pairs whose values are not the same.
  package var mismatched = 0

  /// Counts of nothing.
  package init() {}

  mutating func merge(_ other: NonFiniteCounts) {
    candidateNaN += other.candidateNaN
    referenceNaN += other.referenceNaN
    candidateInfinite += other.candidateInfinite
    referenceInfinite += other.referenceInfinite
    pairs += other.pairs
    mismatched += other.mismatched
  }
}

extension DifferenceStatistics {
  /// The differences of two lists of values of one length, with no limit.
  package init(_ candidate: [Float], _ reference: [Float]) {
    self = candidate.withUnsafeBufferPointer { candidate in
      reference.withUnsafeBufferPointer { reference in
        DifferenceStatistics(candidate: candidate, reference: reference, limit: .infinity)
      }
    }
  }
}

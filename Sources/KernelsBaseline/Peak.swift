extension Kernels {
  /// Multiplies and adds in registers only, as many as the processor can: the peak that other rates
  /// are shares of.
  ///
  /// - Returns: a value that depends on every operation, so that none is left out. Each iteration does
  ///   ``peakOperations`` floating-point operations.
  package static func multiplyAddPeak(iterations: Int, seed: Float) -> Float {
    let factor = Vector(repeating: 0.999)
    // Far from zero: sums that fall below the normal numbers take a hundred times as long on some processors.
    let term = Vector(repeating: 1 + seed.magnitude)
    var (sum0, sum1, sum2, sum3) = (term, term + 1, term + 2, term + 3)
    var (sum4, sum5, sum6, sum7) = (term + 4, term + 5, term + 6, term + 7)
    var (sum8, sum9) = (term + 8, term + 9)
    for _ in 0..<iterations {
      sum0 = multiplyAdd(term, sum0, factor)
      sum1 = multiplyAdd(term, sum1, factor)
      sum2 = multiplyAdd(term, sum2, factor)
      sum3 = multiplyAdd(term, sum3, factor)
      sum4 = multiplyAdd(term, sum4, factor)
      sum5 = multiplyAdd(term, sum5, factor)
      sum6 = multiplyAdd(term, sum6, factor)
      sum7 = multiplyAdd(term, sum7, factor)
      sum8 = multiplyAdd(term, sum8, factor)
      sum9 = multiplyAdd(term, sum9, factor)
    }
    let sum = sum0 + sum1 + sum2 + sum3 + sum4 + sum5 + sum6 + sum7 + sum8 + sum9
    return sum[0] + sum[lanes - 1]
  }

  /// The floating-point operations of one iteration of ``multiplyAddPeak(iterations:seed:)``.
  package static var peakOperations: Int { 10 * 2 * lanes }
}

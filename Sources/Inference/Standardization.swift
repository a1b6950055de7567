package import Tensors

extension TensorData {
  /// Standardised kernels: (W − mean) / √(variance + ε) per output channel, biased variance, in
  /// Double.
  ///
  /// Qiao et al., “Micro-Batch Training with Batch-Channel Normalization and Weight
  /// Standardization”, 2019.
  ///
  /// - Parameter pool: the threads among which the filters are divided; the bits are the same without.
  package func standardized(epsilon: Double, pool: WorkerPool? = nil) -> TensorData {
    withFloats { source in
      TensorData(shape: shape) { target in
        guard let source = source.baseAddress, let target = target.baseAddress else { return }
        standardize(
          source, filters: shape[0], length: shape.elementCount / max(shape[0], 1),
          epsilon: epsilon, to: target, pool: pool)
      }
    }
  }
}

/// Standardises any number of filters, eight on each thread at a time.
func standardize(
  _ source: UnsafePointer<Float>, filters: Int, length: Int, epsilon: Double,
  to target: UnsafeMutablePointer<Float>, pool: WorkerPool?
) {
  let pieces = (filters + filtersAtOnce - 1) / filtersAtOnce
  let piece = { (index: Int) in
    let first = index * filtersAtOnce
    standardize(
      source + first * length, filters: min(filtersAtOnce, filters - first), length: length,
      epsilon: epsilon, to: target + first * length)
  }
  guard let pool else { return (0..<pieces).forEach(piece) }
  pool.run(pieces) { index, _ in piece(index) }
}

/// So many filters are standardised side by side.
private let filtersAtOnce = 8

/// Standardises at most eight filters, each by sums in Double in the order of its weights.
///
/// An addition waits for the one before it, so that eight sums take little more time than one.
func standardize(
  _ source: UnsafePointer<Float>, filters: Int, length: Int, epsilon: Double,
  to target: UnsafeMutablePointer<Float>
) {
  // What takes the place of filters that are not there is the last one once more.
  let rows = (0..<filtersAtOnce).map { source + min($0, filters - 1) * length }
  let mean = eightSums(rows, length) { $0 } / Double(length)
  let variance = eightSums(rows, length) { ($0 - mean) * ($0 - mean) } / Double(length)
  for filter in 0..<filters {
    let (from, to) = (source + filter * length, target + filter * length)
    let (mean, deviation) = (mean[filter], (variance[filter] + epsilon).squareRoot())
    for index in 0..<length { to[index] = Float((Double(from[index]) - mean) / deviation) }
  }
}

@inline(__always)
private func eightSums(
  _ rows: [UnsafePointer<Float>], _ length: Int,
  _ term: (SIMD8<Double>) -> SIMD8<Double>
) -> SIMD8<Double> {
  let (a, b, c, d) = (rows[0], rows[1], rows[2], rows[3])
  let (e, f, g, h) = (rows[4], rows[5], rows[6], rows[7])
  var sums = SIMD8<Double>.zero
  for index in 0..<length {
    sums += term(
      SIMD8(
        Double(a[index]), Double(b[index]), Double(c[index]), Double(d[index]),
        Double(e[index]), Double(f[index]), Double(g[index]), Double(h[index])))
  }
  return sums
}

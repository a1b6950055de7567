/// Exponentials and their relatives in Double, from additions, multiplications and divisions in a fixed
/// order: the same bits on every machine, whatever its mathematical library is.
///
/// The results are within a few units of the last place of a Double, far below what is left of them
/// in float32.
enum Elementary {
  /// exp(x).
  ///
  /// x = k · ln 2 + r with |r| ≤ ln 2 / 2; exp(r) is its Taylor series, whose remainder is below
  /// 2⁻⁵⁶.
  static func exp(_ x: Double) -> Double {
    guard x < 710 else { return x.isNaN ? x : .infinity }
    guard x > -746 else { return x.isNaN ? x : 0 }
    let k = (x * 1.4426950408889634).rounded(.toNearestOrEven)
    // ln 2 in two parts: the first has so few bits that its product with k is exact.
    let r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10
    var sum = 1.0
    for coefficient in exponentialSeries { sum = sum * r * coefficient + 1 }
    // In two steps: 2ᵏ alone may be too small or too large for a Double.
    let half = Int(k) / 2
    return sum * power(half) * power(Int(k) - half)
  }

  /// exp(x) − 1, also where exp(x) is nearly 1.
  static func expMinusOne(_ x: Double) -> Double {
    guard x.magnitude < 1e-5 else { return exp(x) - 1 }
    return x + x * x / 2 + x * x * x / 6
  }

  /// log(1 + x) for x of 0…1.
  ///
  /// It is 2 · artanh(s) with s = x / (2 + x) ≤ 1/3, by its series.
  static func logOnePlus(_ x: Double) -> Double {
    let s = x / (2 + x)
    let square = s * s
    var sum = 0.0
    for degree in stride(from: 35, through: 1, by: -2) { sum = sum * square + 1 / Double(degree) }
    return 2 * s * sum
  }

  /// (exp(x) − exp(−x)) / (exp(x) + exp(−x)).
  static func tanh(_ x: Double) -> Double {
    guard x.magnitude < 22 else { return x.isNaN ? x : x < 0 ? -1 : 1 }
    let value = expMinusOne(2 * x.magnitude)
    let result = value / (value + 2)
    return x < 0 ? -result : result
  }

  /// 1 / (1 + exp(−x)).
  static func sigmoid(_ x: Double) -> Double {
    1 / (1 + exp(-x))
  }

  /// The probability that a normally distributed value is below x.
  static func normalDistribution(_ x: Double) -> Double {
    guard !x.isNaN else { return x }
    let z = x.magnitude * 0.7071067811865476
    guard z < 27.5 else { return x < 0 ? 0 : 1 }
    // 1 − erf(z), or erf(z) where it is small.
    if z < 2.5 {
      let half = erf(z) / 2
      return x < 0 ? 0.5 - half : 0.5 + half
    }
    let tail = complementaryErf(z) / 2
    return x < 0 ? tail : 1 - tail
  }

  /// 2 / √π · exp(−z²) · Σ (2 z²)ⁿ z / (1 · 3 · 5 … (2n + 1)); no term is negative.
  private static func erf(_ z: Double) -> Double {
    let doubled = 2 * z * z
    var (term, sum, denominator) = (z, z, 1.0)
    while term > sum * 1e-17 {
      denominator += 2
      term = term * doubled / denominator
      sum += term
    }
    return 1.1283791670955126 * exp(-z * z) * sum
  }

  /// Laplace's continued fraction of 1 − erf(z), for z ≥ 2.5.
  private static func complementaryErf(_ z: Double) -> Double {
    var fraction = z
    for level in stride(from: 60, through: 1, by: -1) {
      fraction = z + Double(level) / 2 / fraction
    }
    return 0.5641895835477563 * exp(-z * z) / fraction
  }

  /// 1/14, 1/13, … 1: each factor of the series in Horner's form.
  private static let exponentialSeries = (1...14).reversed().map { 1 / Double($0) }

  private static func power(_ exponent: Int) -> Double {
    Double(bitPattern: UInt64(exponent + 1023) << 52)
  }
}

/// The one pass over two values that every statistic comes from.
///
/// Differences and sums are Double, eight lanes at a time, in an order that depends on nothing but
/// the number of values: the same bits on every machine.
struct DifferenceSums {
  private(set) var maximum = 0.0
  private(set) var maximumIndex: Int?
  private(set) var maximumReference = 0.0
  private(set) var differences = 0.0
  private(set) var squaredDifferences = 0.0
  private(set) var squaredReferences = 0.0
  private(set) var products = 0.0
  private(set) var nonFinite = NonFiniteCounts()

  /// Pieces small enough that the second look at one, for the place of the maximum or for NaN, hits
  /// the cache.
  private static let blockSize = 2048

  /// - Precondition: both buffers have the same number of values.
  init(_ candidate: UnsafeBufferPointer<Float>, _ reference: UnsafeBufferPointer<Float>) {
    let count = reference.count
    guard count > 0, let candidate = candidate.baseAddress, let reference = reference.baseAddress
    else { return }
    for start in stride(from: 0, to: count, by: Self.blockSize) {
      addBlock(
        candidate + start, reference + start, start: start,
        count: min(Self.blockSize, count - start))
    }
  }

  private mutating func addBlock(
    _ candidate: UnsafePointer<Float>, _ reference: UnsafePointer<Float>, start: Int, count: Int
  ) {
    var lanes = Lanes()
    let whole = count / 8 * 8
    for index in stride(from: 0, to: whole, by: 8) {
      lanes.add(eight(candidate + index), eight(reference + index))
    }
    if whole < count {
      lanes.add(
        fewer(candidate + whole, count: count - whole),
        fewer(reference + whole, count: count - whole))
    }
    let sum = lanes.differences.sum()
    guard sum.isFinite, lanes.squaredReferences.sum().isFinite else {
      addCarefully(candidate, reference, start: start, count: count)
      return
    }
    differences += sum
    squaredDifferences += lanes.squaredDifferences.sum()
    squaredReferences += lanes.squaredReferences.sum()
    products += lanes.products.sum()
    maximumReference = max(maximumReference, lanes.maximumReference.max())
    let blockMaximum = lanes.maximum.max()
    if blockMaximum > maximum {
      maximum = blockMaximum
      maximumIndex = (0..<count).first {
        (Double(candidate[$0]) - Double(reference[$0])).magnitude == blockMaximum
      }.map { $0 + start }
    }
  }

  /// The same for a block with values that are not finite.
  private mutating func addCarefully(
    _ candidate: UnsafePointer<Float>, _ reference: UnsafePointer<Float>, start: Int, count: Int
  ) {
    for index in 0..<count {
      let a = candidate[index]
      let b = reference[index]
      guard a.isFinite, b.isFinite else {
        nonFinite.add(a, b)
        continue
      }
      let difference = Double(a) - Double(b)
      differences += difference.magnitude
      squaredDifferences += difference * difference
      squaredReferences += Double(b) * Double(b)
      products += difference * Double(b)
      maximumReference = max(maximumReference, Double(b.magnitude))
      if difference.magnitude > maximum {
        maximum = difference.magnitude
        maximumIndex = start + index
      }
    }
  }
}

/// How many pairs of finite values differ by more than a threshold.
///
/// - Precondition: both buffers have the same number of values.
func countDifferences(
  _ candidate: UnsafeBufferPointer<Float>, _ reference: UnsafeBufferPointer<Float>,
  over threshold: Double
) -> Int {
  var result = 0
  for index in reference.indices {
    let difference = (Double(candidate[index]) - Double(reference[index])).magnitude
    if difference > threshold, difference.isFinite { result += 1 }
  }
  return result
}

/// Eight running maxima and sums side by side.
private struct Lanes {
  var maximum = SIMD8<Double>.zero
  var maximumReference = SIMD8<Double>.zero
  var differences = SIMD8<Double>.zero
  var squaredDifferences = SIMD8<Double>.zero
  var squaredReferences = SIMD8<Double>.zero
  var products = SIMD8<Double>.zero

  @inline(__always)
  mutating func add(_ candidate: SIMD8<Double>, _ reference: SIMD8<Double>) {
    let difference = candidate - reference
    let magnitude = difference.absolute
    let referenceMagnitude = reference.absolute
    maximum.replace(with: magnitude, where: magnitude .> maximum)
    maximumReference.replace(
      with: referenceMagnitude, where: referenceMagnitude .> maximumReference)
    differences += magnitude
    squaredDifferences += difference * difference
    squaredReferences += reference * reference
    products += difference * reference
  }
}

extension SIMD8<Double> {
  @inline(__always)
  fileprivate var absolute: SIMD8<Double> {
    let bits = unsafeBitCast(self, to: SIMD8<UInt64>.self)
    return unsafeBitCast(bits & 0x7FFF_FFFF_FFFF_FFFF, to: SIMD8<Double>.self)
  }
}

@inline(__always)
private func eight(_ values: UnsafePointer<Float>) -> SIMD8<Double> {
  SIMD8<Double>(
    Double(values[0]), Double(values[1]), Double(values[2]), Double(values[3]),
    Double(values[4]), Double(values[5]), Double(values[6]), Double(values[7]))
}

/// Fewer than eight values, followed by zeros, which change no sum and no maximum.
private func fewer(_ values: UnsafePointer<Float>, count: Int) -> SIMD8<Double> {
  var result = SIMD8<Double>.zero
  for index in 0..<count { result[index] = Double(values[index]) }
  return result
}

extension NonFiniteCounts {
  /// Adds a pair of which at least one value is not finite.
  fileprivate mutating func add(_ candidate: Float, _ reference: Float) {
    pairs += 1
    if candidate.isNaN { candidateNaN += 1 }
    if reference.isNaN { referenceNaN += 1 }
    if candidate.isInfinite { candidateInfinite += 1 }
    if reference.isInfinite { referenceInfinite += 1 }
    let agrees = candidate.isNaN && reference.isNaN || candidate == reference
    if !agrees { mismatched += 1 }
  }
}

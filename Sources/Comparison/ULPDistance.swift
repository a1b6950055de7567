import Tensors

/// The largest number of float32 values from one finite value to the other: the distance of their places in the order of all.
///
/// - Precondition: both buffers have the same number of values.
func largestULPDistance(
  _ candidate: UnsafeBufferPointer<Float>, _ reference: UnsafeBufferPointer<Float>
) -> Int {
  var largest: Int64 = 0
  for index in reference.indices where candidate[index].isFinite && reference[index].isFinite {
    let distance = place(of: candidate[index]) - place(of: reference[index])
    largest = max(largest, distance < 0 ? -distance : distance)
  }
  return Int(largest)
}

/// The place of a value among all of float32, from −2³¹ to 2³¹; 0 for both zeros.
@inline(__always)
private func place(of value: Float) -> Int64 {
  let magnitude = Int64(value.bitPattern & 0x7FFF_FFFF)
  return value.sign == .minus ? -magnitude : magnitude
}

extension DifferenceStatistics {
  /// The largest |a − b| in units in the last place of the largest |b|; NaN where no pair could be measured.
  package var differenceInULPOfLargest: Double {
    maximumDifference / Double(Float(scale).ulp)
  }
}

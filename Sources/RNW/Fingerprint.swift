import CFingerprints

/// Sixteen sums of a layer's values with random signs: enough to tell how far another engine's values of the same layer
/// are away, and nothing of where.
///
/// The difference of two such sums is a sum of the differences with random signs, and its square is on average the sum of
/// their squares.
package struct Fingerprint: Hashable, Sendable {
  /// The largest |value|.
  package let largest: Float

  /// The sums.
  package let sums: [Double]

  /// The sums of one image's values in the order H, W, C.
  ///
  /// - Returns: `nil` where there are more or fewer values than the shape has.
  package init?(_ values: UnsafeBufferPointer<Float>, shape: LayerShape, layout: LayerLayout) {
    guard values.count == shape.count, let start = values.baseAddress else { return nil }
    let (pixels, channels) = (shape.pixels, shape.channels)
    var sums = [Double](repeating: 0, count: Self.count)
    let isLast = layout == .channelsLast
    largest = sums.withUnsafeMutableBufferPointer { sums in
      guard let sums = sums.baseAddress else { return .infinity }
      return rnw_fingerprint(
        start, pixels, channels, isLast ? channels : 1, isLast ? 1 : pixels, sums)
    }
    self.sums = sums
  }

  /// How many sums there are.
  static let count = Int(RNW_FINGERPRINT_SUMS)

  /// Whether all values were finite: else the sums mean nothing.
  var isFinite: Bool { largest.isFinite && sums.allSatisfy(\.isFinite) }
}

// MARK: - As bytes

extension Fingerprint {
  /// The bytes that one takes: an exponent, the upper half of the largest value, and three for each sum.
  static let byteCount = 3 + 3 * count

  /// The sums as whole multiples of the least power of two by which they take 24 bits.
  ///
  /// - Returns: zeros but for an infinite largest value where that cannot be.
  var bytes: [UInt8] {
    guard isFinite, let exponent else { return Self.none }
    let unit = Double(sign: .plus, exponent: exponent, significand: 1)
    let upper = Self.upperHalf(of: largest)
    let integers = sums.map { Int32(($0 / unit).rounded(.toNearestOrEven)) }
    guard upper < Self.infinity else { return Self.none }
    return [UInt8(bitPattern: Int8(exponent)), UInt8(truncatingIfNeeded: upper), UInt8(upper >> 8)]
      + integers.flatMap { integer in
        (0..<3).map { UInt8(truncatingIfNeeded: integer >> (8 * $0)) }
      }
  }

  /// Reads what ``bytes`` gives; `nil` for a layer that has no fingerprint.
  ///
  /// - Precondition: there are as many as one takes.
  init?(bytes: ArraySlice<UInt8>) {
    precondition(bytes.count == Self.byteCount)
    let bytes = Array(bytes)
    let upper = UInt32(bytes[1]) | UInt32(bytes[2]) << 8
    guard upper < Self.infinity else { return nil }
    largest = Float(bitPattern: upper << 16)
    let unit = Double(
      sign: .plus, exponent: Int(Int8(bitPattern: bytes[0])), significand: 1)
    sums = stride(from: 3, to: bytes.count, by: 3).map { place in
      let integer =
        UInt32(bytes[place]) | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2]) << 16
      return Double(Int32(bitPattern: integer << 8) >> 8) * unit
    }
  }

  /// The largest of 24 bits and a sign.
  private static let largestInteger = Double((1 << 23) - 1)
  /// The upper half of an infinite float32.
  private static let infinity: UInt32 = 0x7F80
  private static let none: [UInt8] = [0, 0x80, 0x7F] + [UInt8](repeating: 0, count: 3 * count)

  /// Rounded up, so that nothing looks farther off than it is.
  private static func upperHalf(of value: Float) -> UInt32 { (value.bitPattern + 0xFFFF) >> 16 }

  /// The least exponent from −128 to 127 for which all sums are at most 2²³ − 1 after rounding; `nil` where there is none.
  private var exponent: Int? {
    let most = sums.map(\.magnitude).max() ?? 0
    return (-128...127).first {
      (most / Double(sign: .plus, exponent: $0, significand: 1)).rounded(.toNearestOrEven)
        <= Self.largestInteger
    }
  }
}

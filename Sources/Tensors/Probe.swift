/// The input that everyone can make: uniform float32 values in [−1, 1) from a stated seed.
///
/// x = (s >> 40)·2⁻²³ − 1, with s the outputs of SplitMix64 (Steele, Lea and Flood, 2014) in NHWC
/// order.
///
/// ```swift
/// var generator = SplitMix64(seed: certificate.probe.seed)
/// let values = (0..<shape.elementCount).map { _ in generator.nextProbeValue() }
/// ```
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Starts the sequence of a seed.
  public init(seed: UInt64) {
    state = seed
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// The next value of the probe, in [−1, 1).
  public mutating func nextProbeValue() -> Float {
    Float(next() >> 40) * 0x1p-23 - 1
  }
}

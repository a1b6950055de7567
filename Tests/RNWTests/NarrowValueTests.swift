import Tensors
import Testing

@testable import RNW

@Suite("Float32 tensors that hold 16-bit values")
struct NarrowValueTests {
  /// Every 16-bit pattern: zeros of both signs, subnormals, infinities, every NaN.
  static let patterns = (0...UInt16.max).map { $0 }
  static let types: [DType] = [.float16, .bfloat16]

  @Test("Every value comes back bit for bit", arguments: types)
  func everyPattern(_ type: DType) throws {
    let wide = Self.patterns.map { Self.widened($0, type) }
    let tensor = TensorData(shape: [wide.count], values: wide)
    let stream = try Planes.encode(tensor, threads: 1)
    let bytes = stream.parts.flatMap { $0 }
    let decoded = try #require(
      try bytes.withUnsafeBytes {
        try Planes.decode($0, dtype: .float32, shape: tensor.shape, threads: 1)
      })
    #expect(decoded.tensor.floats().map(\.bitPattern) == wide.map(\.bitPattern))
  }

  @Test("They take little more than the same values in 16 bits", arguments: types)
  func isNarrow(_ type: DType) throws {
    // Some are subnormal in float16.
    let values = Sample.normal(300_000, deviation: 0.02).enumerated().map {
      $0.offset % 100 == 0 ? $0.element * 0x1p-15 : $0.element
    }
    let bits = values.map { type == .float16 ? $0.halfBits : $0.bfloat16Bits }
    let narrow = TensorData(
      dtype: type, shape: [bits.count], bytes: bits.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] })
    let wide = TensorData(shape: [bits.count], values: bits.map { Self.widened($0, type) })
    let sizes = try [narrow, wide].map { Double(try Planes.encode($0, threads: 2).byteCount) }
    // A float16's exponent and highest mantissa bits share a plane, a float32's do not.
    #expect(sizes[1] <= sizes[0] * (type == .float16 ? 1.025 : 1.001), "\(sizes[1] / sizes[0])")
  }

  private static func widened(_ bits: UInt16, _ type: DType) -> Float {
    type == .float16 ? Float(halfBits: bits) : Float(bfloat16Bits: bits)
  }
}

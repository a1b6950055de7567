import Tensors
import TestSupport
import Testing

@testable import RNW

@Suite("Codes that blocks share")
struct SharedCodesTests {
  private static let block = 1 << 17

  @Test("Blocks of like values have one code, which costs next to nothing")
  func sharesCodes() throws {
    let values = Sample.normal(2 * Self.block, deviation: 0.02)
    let together = try Self.encode(values)
    let apart =
      try Self.encode(Array(values[..<Self.block])).byteCount
      + Self.encode(Array(values[Self.block...])).byteCount
    #expect(together.byteCount <= apart + apart / 1024)
    // The header of a code: what the first blocks' streams begin with.
    #expect(together.parts[1].prefix(20) == together.parts[2].prefix(20))
    try Self.expectRoundTrip(together, values)
  }

  @Test("Blocks of unlike values keep their own codes")
  func keepsOwnCodes() throws {
    // Powers of two near 1 in the first block, of any size in the second.
    let near = Sample.normal(Self.block, deviation: 1).map {
      1 + abs($0).truncatingRemainder(dividingBy: 1)
    }
    let wide = Sample.normal(Self.block, deviation: 1).enumerated().map { index, value in
      value * Float(sign: .plus, exponent: index % 64 - 32, significand: 1)
    }
    let together = try Self.encode(near + wide)
    let apart = try Self.encode(near).byteCount + Self.encode(wide).byteCount
    #expect(together.byteCount <= apart + apart / 1024)
    try Self.expectRoundTrip(together, near + wide)
  }

  private static func encode(_ values: [Float]) throws -> Planes.Stream {
    try Planes.encode(TensorData(shape: [values.count], values: values), threads: 2)
  }

  private static func expectRoundTrip(_ stream: Planes.Stream, _ values: [Float]) throws {
    let bytes = stream.parts.flatMap { $0 }
    let decoded = try bytes.withUnsafeBytes {
      try Planes.decode($0, dtype: .float32, shape: [values.count], threads: 2)
    }
    #expect(decoded?.tensor.floats().map(\.bitPattern) == values.map(\.bitPattern))
    #expect(decoded?.storedChecksum == stream.storedChecksum)
  }
}

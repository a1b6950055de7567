import Tensors
import Testing

@testable import RNW

@Suite("The certificate")
struct CertificateTests {
  @Test("The error is the largest difference, relative to the largest certified value")
  func scaledError() {
    let record = Self.record(values: [1, -4])
    #expect(record.scaledError(of: [1, -4]) == 0)
    #expect(record.scaledError(of: [1.5, -4]) == 0.125)
    #expect(record.scaledError(of: [-4, 1]) == 1.25)
  }

  @Test("Zeros have no scale: then the error is the difference itself")
  func zeros() {
    #expect(Self.record(values: [0, 0]).scaledError(of: [0, 0.25]) == 0.25)
  }

  @Test(
    "A value that is not finite agrees with nothing, not even with itself",
    arguments: [Float.nan, .infinity, -.infinity])
  func nonFinite(_ value: Float) {
    let record = Self.record(values: [value, 2])
    #expect(record.scaledError(of: [value, 2]) == .infinity)
    #expect(record.scaledError(of: [0, 2]) == .infinity)
    #expect(Self.record(values: [1]).scaledError(of: [value]) == .infinity)
  }

  @Test("Without values, limit or probe it certifies nothing")
  func possible() {
    #expect(Self.record(values: [1]).isPossible)
    #expect(!Self.record(values: []).isPossible)
    #expect(!Self.record(values: [1], shape: [1, 0, 8, 3]).isPossible)
    for limit in [Double.nan, .infinity, -1] {
      #expect(!Self.record(values: [1], limit: limit).isPossible)
    }
  }

  @Test("Another number of values is no agreement")
  func count() {
    #expect(Self.record(values: [1, 2]).scaledError(of: [1]) == .infinity)
    #expect(Self.record(values: []).scaledError(of: [1]) == .infinity)
  }

  @Test(
    "A probe that no conversion makes has no shape",
    arguments: [[1, 224, 224], [1, 0, 224, 3], [1, -1, 4, 3], [1, 1 << 30, 1 << 30, 3], []])
  func impossibleProbe(_ shape: [Int]) {
    #expect(Self.record(values: [1], shape: shape).probeShape == nil)
  }

  @Test("A probe that a conversion makes has its shape")
  func probe() {
    #expect(Self.record(values: [1], shape: [1, 224, 224, 3]).probeShape == [1, 224, 224, 3])
  }

  @Test(
    "A probe's scale and offset have a finite number for each channel",
    arguments: [nil, [1, 2, 3], [1, 2], [], [1, 2, 3, 4], [1, .infinity, 3], [1, .nan, 3]])
  func range(_ numbers: [Double]?) {
    let isPossible = numbers == nil || numbers == [1, 2, 3]
    #expect(Self.record(values: [1], scale: numbers).isPossible == isPossible)
    #expect(Self.record(values: [1], offset: numbers).isPossible == isPossible)
  }

  private static func record(
    values: [Float], shape: [Int] = [1, 8, 8, 3], scale: [Double]? = nil, offset: [Double]? = nil,
    limit: Double = 2e-5
  ) -> Certificate {
    Certificate(
      probe: .init(seed: 1, shape: shape, scale: scale, offset: offset), node: "head.dense",
      values: values, limit: limit, assumptions: nil)
  }
}

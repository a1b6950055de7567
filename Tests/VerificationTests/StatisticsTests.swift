import Foundation
import Plain
import Tensors
import Testing

@testable import Comparison
@testable import Diagnosis

@Suite("Difference statistics")
struct DifferenceStatisticsTests {
  @Test("Figures equal the formulas in Double", arguments: [0, 1, 7, 8, 9, 2047, 2048, 5003])
  func formulas(count: Int) {
    let (a, b) = pair(count: count, seed: 5)
    let statistics = DifferenceStatistics(a, b, limit: 1e-3)
    let pairs = zip(a, b).map { (Double($0), Double($1)) }
    let differences = pairs.map { abs($0 - $1) }
    let largest = pairs.map { abs($0.1) }.max() ?? 0
    let squares = differences.map { $0 * $0 }.reduce(0, +)
    let signal = pairs.map { $0.1 * $0.1 }.reduce(0, +)
    #expect(statistics.count == count)
    #expect(statistics.maximum == differences.max() ?? 0)
    #expect(statistics.maximumReference == largest)
    #expect(statistics.overLimit == differences.count { $0 > 1e-3 * largest })
    guard count > 0 else { return }
    #expect(statistics.maximumIndex == differences.firstIndex(of: differences.max() ?? 0))
    #expect(statistics.scaledError == (differences.max() ?? 0) / largest)
    #expect(close(statistics.meanDifference, differences.reduce(0, +) / Double(count)))
    #expect(close(statistics.rootMeanSquare, (squares / Double(count)).squareRoot()))
    #expect(close(statistics.signalToNoise, 10 * log10(signal / squares)))
    let dot = pairs.map { $0 * $1 }.reduce(0, +)
    let norms = (pairs.map { $0.0 * $0.0 }.reduce(0, +) * signal).squareRoot()
    #expect(close(statistics.cosine, dot / norms))
  }

  @Test("Parts merged are the whole", arguments: [1, 100, 2048, 3000, 4999])
  func merging(cut: Int) {
    let (a, b) = pair(count: 5000, seed: 11)
    let whole = DifferenceStatistics(a, b, limit: 1)
    var merged = DifferenceStatistics()
    merged.merge(DifferenceStatistics(Array(a[..<cut]), Array(b[..<cut]), limit: 1))
    merged.merge(DifferenceStatistics(Array(a[cut...]), Array(b[cut...]), limit: 1))
    #expect(merged.count == whole.count)
    #expect(merged.maximum == whole.maximum)
    #expect(merged.maximumIndex == whole.maximumIndex)
    #expect(merged.scaledError == whole.scaledError)
    #expect(close(merged.meanDifference, whole.meanDifference))
    #expect(close(merged.rootMeanSquare, whole.rootMeanSquare))
    #expect(close(merged.cosine, whole.cosine))
    #expect(close(merged.signalToNoise, whole.signalToNoise))
  }

  private static let step = Float.ulpOfOne
  private static let least = Float.leastNonzeroMagnitude
  private static let most = Float.greatestFiniteMagnitude

  static let units: [([Float], [Float], Int)] = [
    ([1], [1], 0), ([1], [1 + step], 1), ([1], [1 - step / 2], 1), ([0], [-0.0], 0),
    ([-least], [least], 2), ([-most], [most], 0xFEFF_FFFE),
    ([Float.nan, Float.infinity, 2], [1, 1, 2 + 4 * step], 2), ([1, 3], [1, 3 - 4 * step], 2),
    ([Float(2).nextDown], [2], 1), ([1e-9], [0], 0x3089_705F),
  ]

  @Test("Units in the last place are the distance in the order of float32", arguments: units)
  func unitsInTheLastPlace(a: [Float], b: [Float], distance: Int) {
    func statistics(_ measuresULP: Bool) -> DifferenceStatistics {
      a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
          DifferenceStatistics(candidate: a, reference: b, limit: 1, measuresULP: measuresULP)
        }
      }
    }
    #expect(statistics(true).largestULP == distance)
    #expect(statistics(false).largestULP == nil)
    var merged = statistics(true)
    merged.merge(statistics(false))
    #expect(merged.largestULP == distance)
  }

  @Test(
    "The largest difference in units of the largest value", arguments: [1, 1.5, 1024, 0] as [Float])
  func unitsOfLargest(value: Float) {
    let scale: Float = value == 0 ? 1 : value
    let statistics = DifferenceStatistics([value + 3 * scale.ulp], [value], limit: 1)
    #expect(statistics.differenceInULPOfLargest == 3)
  }

  @Test("Merging with nothing changes nothing")
  func mergingWithNothing() {
    let (a, b) = pair(count: 10, seed: 1)
    let statistics = DifferenceStatistics(a, b, limit: 1)
    var left = DifferenceStatistics()
    left.merge(statistics)
    var right = statistics
    right.merge(DifferenceStatistics())
    #expect(left == statistics)
    #expect(right == statistics)
  }

  @Test("The spread counts every difference once, by size, sign and channel", arguments: [0, 300])
  func detail(cut: Int) throws {
    let (a, b) = pair(count: 600, seed: 5)
    let channels = 6
    var detail = self.detail(Array(a[..<cut]), Array(b[..<cut]), channels: channels)
    detail.merge(self.detail(Array(a[cut...]), Array(b[cut...]), channels: channels))
    let differences = zip(a, b).map { $0 - $1 }
    for channel in 0..<channels {
      let own = stride(from: channel, to: 600, by: channels).map { differences[$0].magnitude }
      #expect(detail.channelMaxima[channel] == own.max())
    }
    let (first, above, below) = detail.sizes
    for (index, count) in above.enumerated() {
      let exponent = first + index
      #expect(count == differences.count { $0 > 0 && Int($0.exponent) == exponent })
      #expect(below[index] == differences.count { $0 < 0 && Int($0.exponent) == exponent })
    }
    #expect(detail.equal == differences.count { $0 == 0 })
    #expect(detail.equal + above.reduce(0, +) + below.reduce(0, +) == 600)
    #expect(detail.broken == 0)
  }

  @Test("In the spread, the same NaN or infinity on both sides is equal, any other pair broken")
  func brokenDetail() {
    let detail = detail(
      [.nan, .infinity, .nan, 1, .infinity, 2], [.nan, .infinity, 1, 1, -.infinity, 1], channels: 3)
    #expect(detail.equal == 3)
    #expect(detail.broken == 2)
    #expect(detail.channelMaxima == [0, .infinity, .infinity])
  }

  private func detail(_ a: [Float], _ b: [Float], channels: Int) -> DifferenceDetail {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer {
        DifferenceDetail(candidate: a, reference: $0, channels: channels)
      }
    }
  }

  @Test("Equal values have no error, a cosine of 1 and no noise")
  func equalValues() {
    let (a, _) = pair(count: 3000, seed: 2)
    let statistics = DifferenceStatistics(a, a, limit: 0)
    #expect(statistics.scaledError == 0)
    #expect(statistics.maximumIndex == nil)
    #expect(statistics.cosine == 1)
    #expect(statistics.signalToNoise == .infinity)
    #expect(statistics.overLimit == 0)
  }

  @Test("A reference of zeros is judged by the difference itself")
  func zeroReference() {
    let zeros = [Float](repeating: 0, count: 20)
    var values = zeros
    values[3] = 0.5
    #expect(DifferenceStatistics(values, zeros, limit: 1).scaledError == 0.5)
    #expect(DifferenceStatistics(values, zeros, limit: 1).cosine == 0)
    #expect(DifferenceStatistics(zeros, zeros, limit: 1).scaledError == 0)
    #expect(DifferenceStatistics(zeros, zeros, limit: 1).cosine == 1)
  }

  @Test(
    "Values that are not finite prove nothing; the same ones on both sides can be accepted",
    arguments: [
      (Float.nan, Float.nan, true), (.infinity, .infinity, true), (-.infinity, -.infinity, true),
      (.nan, 1, false), (1, .nan, false), (.infinity, -.infinity, false), (.infinity, 1, false),
      (1, -.infinity, false), (.nan, .infinity, false),
    ] as [(Float, Float, Bool)])
  func nonFinite(candidate: Float, reference: Float, agrees: Bool) {
    var (a, b) = pair(count: 5000, seed: 3)
    let expected = DifferenceStatistics(a, b, limit: 1)
    a.insert(candidate, at: 2500)
    b.insert(reference, at: 2500)
    let statistics = DifferenceStatistics(a, b, limit: 1)
    #expect(statistics.nonFinite.pairs == 1)
    #expect(statistics.nonFinite.mismatched == (agrees ? 0 : 1))
    #expect(statistics.nonFinite.candidateNaN == (candidate.isNaN ? 1 : 0))
    #expect(statistics.nonFinite.referenceNaN == (reference.isNaN ? 1 : 0))
    #expect(statistics.nonFinite.candidateInfinite == (candidate.isInfinite ? 1 : 0))
    #expect(statistics.nonFinite.referenceInfinite == (reference.isInfinite ? 1 : 0))
    #expect(statistics.scaledError == .infinity)
    #expect(statistics.overLimit == 1)
    let accepted = a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer {
        DifferenceStatistics(candidate: a, reference: $0, limit: 1, acceptsNotFinite: true)
      }
    }
    #expect(accepted.scaledError == (agrees ? expected.scaledError : .infinity))
    #expect(accepted.overLimit == (agrees ? 0 : 1))
    #expect(statistics.maximum == expected.maximum)
    #expect(close(statistics.rootMeanSquare, expected.rootMeanSquare))
  }

  @Test("Where no pair is finite there is no difference to speak of, and no likeness either")
  func nothingFinite() {
    let statistics = DifferenceStatistics([.nan, .infinity], [1, 2], limit: 1)
    #expect(statistics.scaledError == .infinity)
    let figures = [
      statistics.maximumDifference, statistics.meanDifference, statistics.rootMeanSquare,
      statistics.cosine, statistics.signalToNoise,
    ]
    #expect(figures.allSatisfy { $0.isNaN })
    #expect(figure(statistics.cosine) == "–" && fixed(statistics.cosine, decimals: 3) == "–")
  }

  @Test("Values near the ends of float32 neither overflow nor vanish")
  func extremes() {
    let largest = Float.greatestFiniteMagnitude
    let statistics = DifferenceStatistics([largest, 0], [-largest, 0], limit: 1)
    #expect(statistics.scaledError == 2)
    #expect(statistics.nonFinite.pairs == 0)
    #expect(close(statistics.cosine, -1))
    let tiny = Float.leastNonzeroMagnitude
    #expect(DifferenceStatistics([tiny], [2 * tiny], limit: 1).scaledError == 0.5)
  }

  @Test("Values that cannot be paired fail at any limit")
  func incomparable() {
    #expect(DifferenceStatistics(incomparable: 4).scaledError == .infinity)
    #expect(DifferenceStatistics(incomparable: 4).overLimit == 4)
  }

  private func pair(count: Int, seed: UInt64) -> ([Float], [Float]) {
    var generator = SplitMix64(seed: seed)
    let b = (0..<count).map { _ in 3 * generator.nextProbeValue() }
    let a = b.map { $0 + 0.01 * generator.nextProbeValue() }
    return (a, b)
  }

  private func close(_ value: Double, _ expected: Double) -> Bool {
    abs(value - expected) <= 1e-12 * max(abs(expected), 1)
  }
}

extension DifferenceStatistics {
  init(_ candidate: [Float], _ reference: [Float], limit: Double) {
    self = candidate.withUnsafeBufferPointer { candidate in
      reference.withUnsafeBufferPointer { reference in
        DifferenceStatistics(candidate: candidate, reference: reference, limit: limit)
      }
    }
  }
}

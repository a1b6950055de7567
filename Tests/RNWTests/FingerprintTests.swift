import Foundation
import Tensors
import TestSupport
import Testing

@testable import RNW

@Suite("Fingerprints")
struct FingerprintTests {
  @Test("The sums are those that the page of the format gives as an example")
  func golden() throws {
    let print = try fingerprint([1, -2, 3], [1, 3])
    #expect(print.sums == [4, 4, -2, -4, 0, 6, 0, -4, 2, -2, -4, 6, 4, 6, 2, -2])
    #expect(print.largest == 3)
    let hex = print.bytes.map { String(format: "%02x", $0) }.joined()
    #expect(
      hex == "ec4040" + "000040" + "000040" + "0000e0" + "0000c0" + "000000" + "000060" + "000000"
        + "0000c0" + "000020" + "0000e0" + "0000c0" + "000060" + "000040" + "000060" + "000020"
        + "0000e0")
  }

  @Test("What is read is what was written, to 24 bits of the largest sum", arguments: 0..<20)
  func roundTrip(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let size = Float(
      sign: .plus, exponent: Int.random(in: -90...90, using: &generator), significand: 1)
    let values = (0..<300).map { _ in generator.nextProbeValue() * size }
    let print = try fingerprint(values, [1, 5, 6, 10])
    let read = try #require(Fingerprint(bytes: print.bytes[...]))
    #expect(read.largest >= print.largest && read.largest <= print.largest * 1.008)
    let most = try #require(print.sums.map(\.magnitude).max())
    for (a, b) in zip(read.sums, print.sums) { #expect(abs(a - b) <= most * 0x1p-23) }
    #expect(read.bytes == print.bytes)
  }

  @Test("A layer of zeros has one; one with values that are not finite has none")
  func extremes() throws {
    let zeros = try #require(Fingerprint(bytes: try fingerprint([0, -0, 0], [1, 3]).bytes[...]))
    #expect(zeros.error(of: try fingerprint([0, 0, 0], [1, 3]), count: 3) == 0)
    #expect(zeros.error(of: try fingerprint([0, 1, 0], [1, 3]), count: 3) > 0.5)
    for value in [Float.nan, .infinity, -.infinity] {
      let print = try fingerprint([1, value, 3], [1, 3])
      #expect(Fingerprint(bytes: print.bytes[...]) == nil)
      #expect(zeros.error(of: print, count: 3) == .infinity)
    }
    let huge = try fingerprint([Float](repeating: .greatestFiniteMagnitude, count: 4), [1, 4])
    #expect(Fingerprint(bytes: huge.bytes[...]) == nil)
    let least = try fingerprint([.leastNonzeroMagnitude, 0], [1, 2])
    #expect(Fingerprint(bytes: least.bytes[...]) != nil)
  }

  @Test("Both layouts of an image give the same sums")
  func layouts() throws {
    let (first, last) = Self.image
    let shape = try #require(LayerShape([1, 3, 4, 5]))
    let a = first.withUnsafeBufferPointer {
      Fingerprint($0, shape: shape, layout: .channelsFirst)
    }
    #expect(a == (try fingerprint(last, [1, 3, 4, 5])))
  }

  @Test(
    "One value that is off by d counts as d over the square root of all, in units of the largest")
  func oneValue() throws {
    var values = (0..<100).map { Float($0) / 128 }
    let right = try fingerprint(values + [2], [1, 101])
    values[17] += 0.5
    let error = right.error(of: try fingerprint(values + [2], [1, 101]), count: 101)
    #expect(abs(error - 0.5 / 2 / 101.0.squareRoot()) < 1e-12)
  }

  @Test("Differences everywhere are estimated to within some 18 %")
  func estimate() throws {
    var ratios: [Double] = []
    for seed in 0..<UInt64(200) {
      var generator = SplitMix64(seed: 1000 + seed)
      let right = (0..<500).map { _ in generator.nextProbeValue() }
      let wrong = right.map { $0 + generator.nextProbeValue() * 1e-3 }
      let squares = zip(right, wrong).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
      let print = try fingerprint(right, [1, 500])
      let exact = (squares / 500).squareRoot() / Double(print.largest)
      ratios.append(print.error(of: try fingerprint(wrong, [1, 500]), count: 500) / exact)
    }
    let mean = ratios.reduce(0, +) / 200
    let deviation = (ratios.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 200).squareRoot()
    #expect(abs(mean - 1) < 0.05 && abs(deviation - 0.18) < 0.04, "\(mean) \(deviation)")
    #expect(ratios.allSatisfy { $0 > 0.4 && $0 < 2 }, "\(ratios.sorted())")
  }

  @Test(
    "The first wrong layer is the first in the order of computation, under either name and layout")
  func check() throws {
    let fingerprints = try #require(try Self.fingerprints())
    #expect(fingerprints.layers.map(\.name) == ["stem.conv", "pool", "head"])
    let (first, last) = Self.image
    let features: [Float] = [1, 2, 3]
    let right = [
      "conv1": tensor(first, [1, 5, 3, 4]), "pool": tensor(last + last, [2, 3, 4, 5]),
      "head": tensor(features, [1, 3]), "other": tensor([1], [1]), "input": tensor([1], [1]),
    ]
    // Two layouts in one archive are a mistake of one of them; the first decides where as many tell of both.
    for layout in [LayerLayout.channelsFirst, .channelsLast] {
      let own = layout == .channelsFirst ? "conv1" : "pool"
      let check = fingerprints.check(
        right.filter { [own, "head", "other", "input"].contains($0.key) })
      #expect(check.passes && check.layers.count == 2, "\(check)")
      #expect(check.missing.count == 1 && check.unknown == ["other"])
    }
    var wrong = right
    wrong["conv1"] = tensor(last, [1, 3, 4, 5])
    #expect(fingerprints.check(wrong).passes)
    wrong["head"] = tensor([1, 2, 3.0002], [1, 1, 1, 3])
    #expect(fingerprints.check(wrong).firstWrong?.name == "head")
    #expect(fingerprints.check(wrong, tolerance: 1e-4).passes)
    wrong["pool"] = tensor(last, [1, 4, 3, 5])
    #expect(fingerprints.check(wrong).firstWrong?.error == .infinity)
    #expect(fingerprints.check(wrong).firstWrong?.familyName == nil)
    wrong["conv1"] = tensor(first, [1, 3, 4, 5])
    #expect(fingerprints.check(wrong).firstWrong?.familyName == "conv1")
    #expect(!fingerprints.check([:]).passes)
  }

  @Test("Values kept as float16 are right, with an error there they are not")
  func halfPrecision() throws {
    let fingerprints = try #require(try Self.fingerprints())
    let (_, last) = Self.image
    func half(_ values: [Float]) -> TensorData {
      TensorData(
        dtype: .float16, shape: [1, 3, 4, 5],
        bytes: values.flatMap { withUnsafeBytes(of: $0.halfBits) { Array($0) } })
    }
    #expect(fingerprints.check(["pool": half(last)]).passes)
    #expect(!fingerprints.check(["pool": tensor(last.map { $0 * 1.0002 }, [1, 3, 4, 5])]).passes)
    #expect(!fingerprints.check(["pool": half(last.map { $0 * 1.002 })]).passes)
  }

  @Test("A layer that multiplies the differences of what it reads has a limit of its own")
  func ownLimit() throws {
    var (record, compared) = try #require(try Self.record())
    record.limits = ["head": 1e-3]
    let fingerprints = try #require(Fingerprints(record, compared: compared, limit: 2e-5))
    #expect(fingerprints.check(["head": tensor([1, 2, 3.001], [1, 3])]).passes)
    #expect(!fingerprints.check(["head": tensor([1, 2, 3.02], [1, 3])]).passes)
    #expect(fingerprints.layer(named: "fc")?.limit == 1e-3)
    #expect(fingerprints.layer(named: "pool")?.limit == 2e-5)
  }

  @Test("A layer by itself is checked by the address of its values")
  func single() throws {
    let fingerprints = try #require(try Self.fingerprints())
    let (first, last) = Self.image
    func check(_ name: String, _ values: [Float], _ layout: LayerLayout) -> LayerCheck? {
      values.withUnsafeBufferPointer { fingerprints.check(name, values: $0, layout: layout) }
    }
    #expect(check("conv1", first, .channelsFirst)?.passes == true)
    #expect(check("stem.conv", last, .channelsLast)?.passes == true)
    #expect(check("stem.conv", last, .channelsFirst)?.passes == false)
    #expect(check("stem.conv", Array(last.dropLast()), .channelsLast)?.error == .infinity)
    #expect(check("nothing", last, .channelsLast) == nil)
  }

  @Test("A record that no conversion writes is none", arguments: Broken.allCases)
  func hostile(_ broken: Broken) throws {
    var (record, compared) = try #require(try Self.record())
    #expect(Fingerprints(record, compared: compared, limit: 1) != nil)
    broken.change(&record, &compared)
    #expect(Fingerprints(record, compared: compared, limit: 1) == nil)
  }

  enum Broken: CaseIterable {
    case noShapes, oneShapeMore, shortSums, notBase64, spaces, noPadding, bitsLeft, twiceTheSame,
      outOfRange
    case shape3, batch, zero, overflow, negative, names, empty, unknownLimit, negativeLimit, noLimit

    func change(_ record: inout Fingerprints.Record, _ compared: inout [String: [Int]]?) {
      switch self {
      case .noShapes: compared = nil
      case .oneShapeMore: compared?["x"] = [1, 2]
      case .shortSums: record.sums = String(record.sums.dropLast(4))
      case .notBase64: record.sums = "-" + record.sums.dropFirst()
      case .spaces: record.sums = " " + record.sums
      // Three layers: six bytes of places.
      case .noPadding: record.order += "="
      case .bitsLeft: record.order = "AQACAAB="
      case .twiceTheSame: record.order = Data([0, 0, 0, 0, 1, 0]).base64EncodedString()
      case .outOfRange: record.order = Data([0, 0, 3, 0, 1, 0]).base64EncodedString()
      case .shape3: compared?["pool"] = [1, 3, 20]
      case .batch: compared?["pool"] = [2, 3, 4, 5]
      case .zero: compared?["pool"] = [1, 3, 4, 0]
      case .overflow: compared?["pool"] = [1, 1 << 29, 1 << 29, 1 << 29]
      case .negative: compared?["pool"] = [1, -3, -4, 5]
      case .names: record.names = ["a"]
      case .unknownLimit: record.limits = ["x": 1]
      case .negativeLimit: record.limits = ["pool": -1]
      case .noLimit: record.limits = ["pool": .infinity]
      case .empty: (record.sums, record.order, record.layers) = ("", "", [:])
      }
    }
  }

  @Test("Swift finds the figures that Python and C find, to six digits")
  func sharedFigures() throws {
    let file = try RNWFile(path: Fixture.path("fingerprints/shared.rnw"))
    let fingerprints = try #require(try file.fingerprints())
    let lines = try #require(file.metadata["checks"]).split(separator: "\n")
    #expect(lines.count == 15)
    for (number, line) in lines.enumerated() {
      let words = line.split(separator: " ").map(String.init)
      let layer = try #require(fingerprints.layer(named: words[0]))
      let (count, channels) = (layer.dimensions.reduce(1, *), layer.dimensions.last ?? 1)
      var right = SplitMix64(seed: 31 + UInt64(number / 5))
      var noise = SplitMix64(seed: try #require(UInt64(words[1])))
      let size = try #require(Float(words[2]))
      let last = (0..<count).map { _ in right.nextProbeValue() + size * noise.nextProbeValue() }
      let pixels = count / channels
      let isFirst = words[3] == "NCHW"
      let values =
        isFirst ? (0..<count).map { last[$0 % pixels * channels + $0 / pixels] } : last
      let check = try #require(
        values.withUnsafeBufferPointer {
          fingerprints.check(
            layer.name, values: $0, layout: isFirst ? .channelsFirst : .channelsLast)
        })
      #expect(check.error.formatted(digits: 6) == words[4], "\(line)")
      #expect(check.passes == (check.error <= (layer.name == "head.dense" ? 1e-3 : 2e-5)))
    }
  }

  // MARK: - Samples

  /// An image of random values with channels first, and the same with channels last.
  private static let image: ([Float], [Float]) = {
    var generator = SplitMix64(seed: 4)
    let first = (0..<60).map { _ in generator.nextProbeValue() }
    let last = (0..<60).map { first[$0 % 5 * 12 + $0 / 5] }
    return (first, last)
  }()

  private static func record() throws -> (Fingerprints.Record, [String: [Int]]?)? {
    func entry(
      _ name: String, _ family: String?, _ shape: [Int], _ values: [Float]
    ) throws -> (String, String?, [Int], Fingerprint) {
      (name, family, shape, try FingerprintTests().fingerprint(values, shape))
    }
    let image = [1, 3, 4, 5]
    let compared = ["stem.conv": image, "pool": image, "head": [1, 3]]
    return Fingerprints.record(
      of: [
        try entry("stem.conv", "conv1", image, Self.image.1),
        try entry("pool", nil, image, Self.image.1),
        try entry("head", "fc", [1, 3], [1, 2, 3]),
      ], compared: compared
    ).map { ($0, compared) }
  }

  private static func fingerprints() throws -> Fingerprints? {
    try record().flatMap { Fingerprints($0, compared: $1, limit: 2e-5) }
  }

  private func fingerprint(_ values: [Float], _ shape: [Int]) throws -> Fingerprint {
    let shape = try #require(LayerShape(shape))
    return try #require(
      values.withUnsafeBufferPointer { Fingerprint($0, shape: shape, layout: .channelsLast) })
  }

  private func tensor(_ values: [Float], _ shape: [Int]) -> TensorData {
    TensorData(shape: Shape(shape), values: values)
  }
}

extension Double {
  /// As C prints it with `%.5e`.
  fileprivate func formatted(digits: Int) -> String {
    String(format: "%.\(digits - 1)e", self)
  }
}

import Files
import Foundation
import Tensors
import TestSupport
import Testing

@testable import RNW

@Suite("Golden files")
struct GoldenFileTests {
  @Test("Every value is what the Python reader found when the file was made", arguments: names)
  func holdsItsValues(_ name: String) throws {
    let expected = try #require(try Self.checksums()[name])
    let file = try RNWFile(path: Fixture.path("rnw/\(name)"))
    #expect(file.metadata["rnw.version"] == (name.hasPrefix("version2") ? "2.0" : "1.0"))
    #expect(Set(expected.keys).isSubset(of: file.tensors.map(\.name)))
    for (tensor, checksum) in expected {
      let values = try file.tensor(named: tensor).floats()
      #expect(values.withUnsafeBytes { Checksum.crc32(of: $0) } == checksum, "\(tensor)")
    }
  }

  @Test("One of the files has tensors that are stored once, with scales of their own")
  func hasDuplicates() throws {
    let file = try RNWFile(path: Fixture.path("rnw/repeated.int8.planes.rnw"))
    let records = try #require(file.metadata["rnw.tensors"])
    #expect(records.contains(#""encoding":"same""#) && records.contains(#""sameAs":"#))
  }

  @Test("A flipped bit is noticed by opening, or by reading its tensor", arguments: names)
  func noticesFlips(_ name: String) throws {
    let folder = try TemporaryFolder()
    let good = try Fixture.bytes("rnw/\(name)")
    var generator = SplitMix64(seed: 5)
    // With RNW_FLIPS=1112 it is 11,120 places in ten files.
    let count = ProcessInfo.processInfo.environment["RNW_FLIPS"].flatMap { Int($0) } ?? 60
    for _ in 0..<count {
      let bit = Int(generator.next() % UInt64(good.count * 8))
      var bytes = good
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      let path = try folder.write(bytes, to: "damaged.rnw")
      #expect(throws: InputError.self, "bit \(bit)") {
        let file = try RNWFile(path: path)
        for tensor in file.tensors { _ = try file.tensor(named: tensor.name) }
      }
    }
  }

  static let names =
    ["none", "planes"].flatMap { codec in
      ["float32", "float16", "bfloat16", "int8"].map { "narrow.\($0).\(codec).rnw" }
    } + ["repeated.int8.planes.rnw", "version2.planes.rnw"]

  static func checksums() throws -> [String: [String: UInt32]] {
    try JSONDecoder().decode(
      [String: [String: UInt32]].self, from: Data(try Fixture.bytes("rnw/checksums.json")))
  }
}

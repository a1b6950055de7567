import Files
import Foundation
import Safetensors
import Tensors
import TestSupport
import Testing

@testable import RNW

@Suite("Tensors that are the same")
struct DuplicateTests {
  static let integers: [UInt8] = (0..<200).map { UInt8(truncatingIfNeeded: $0 * 37 % 251) }
  static let values = Sample.normal(500, deviation: 1)
  static let tensors: [(name: String, data: TensorData)] = [
    ("a", TensorData(shape: [500], values: values)),
    ("b", TensorData(shape: [500], values: values)),
    // Of another shape or type they are other tensors.
    ("c", TensorData(shape: [20, 25], values: values)),
    ("d", TensorData(dtype: .float16, shape: [100], bytes: integers)),
    ("e", TensorData(dtype: .bfloat16, shape: [100], bytes: integers)),
    ("f", TensorData(dtype: .bfloat16, shape: [100], bytes: integers)),
    ("q1", quantized([1, 2])), ("q2", quantized([1, 3])), ("q3", quantized([1, 2])),
    ("empty", TensorData(shape: [0], values: [])), ("none", TensorData(shape: [0], values: [])),
  ]

  @Test("They are stored once with planes, and read like any other")
  func storedOnce() throws {
    let folder = try TemporaryFolder()
    let path = try Self.write(to: folder.file("x.rnw"), codec: .planes)
    let plain = try SafetensorsFile(MappedFile(path: path))
    #expect(
      Set(plain.tensors.map(\.name))
        == ["a", "c", "d", "e", "q1", "q1.scales", "q2.scales", "empty", "none"])
    let file = try RNWFile(path: path)
    #expect(file.tensors.map(\.name) == Self.tensors.map(\.name).sorted())
    for (name, data) in Self.tensors {
      let read = try file.tensor(named: name)
      #expect(read.shape == data.shape && read.dtype == data.dtype, "\(name)")
      #expect(Sample.bytes(read) == Sample.bytes(data), "\(name)")
      #expect(read.channelScales == data.channelScales, "\(name)")
      #expect(try file.mappedTensor(named: name) == nil || data.shape.elementCount == 0)
      try file.verify(tensorNamed: name)
    }
  }

  @Test("Without codec every reader of safetensors finds each")
  func storedEach() throws {
    let folder = try TemporaryFolder()
    let path = try Self.write(to: folder.file("x.rnw"), codec: .none)
    let plain = try SafetensorsFile(MappedFile(path: path))
    for (name, data) in Self.tensors {
      #expect(Sample.bytes(try plain.tensor(named: name)) == Sample.bytes(data))
    }
  }

  @Test("Damage of the stored one is noticed by a read of each")
  func damage() throws {
    let folder = try TemporaryFolder()
    let path = try Self.write(to: folder.file("x.rnw"), codec: .planes)
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
    let plain = try SafetensorsFile(MappedFile(path: path))
    let stored = Sample.bytes(try plain.tensor(named: "a"))
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: stored) })
    bytes[place + stored.count / 2] ^= 4
    let file = try RNWFile(path: try folder.write(bytes, to: "y.rnw"))
    for name in ["a", "b"] {
      let error = #expect(throws: InputError.self) { try file.tensor(named: name) }
      #expect(error?.place == name)
    }
    #expect(Sample.bytes(try file.tensor(named: "c")) == Sample.bytes(Self.tensors[2].data))
  }

  @Test(
    "A record that is the same as nothing that fits is refused",
    arguments: [
      #""same","sameAs":"absent""#, #""same","sameAs":"x""#, #""same","sameAs":"y""#,
      #""same","sameAs":"raw""#, #""same""#, #""planes","sameAs":"a""#, #""raw","sameAs":"a""#,
      #""same","sameAs":"a","storedCRC32":1"#, #""same","sameAs":"shape""#,
      #""same","sameAs":"type""#, #""same","sameAs":"other""#,
    ])
  func misfits(_ encoding: String) throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: InputError.self) {
      try RNWFile(path: try Self.writeBroken(#""encoding":\#(encoding)"#, to: folder))
    }
    #expect(error?.place == "x")
  }

  @Test("An entry of its own beside another's is refused, and a chain of two as well")
  func contradictions() throws {
    let folder = try TemporaryFolder()
    // "a" has an entry.
    let path = try Self.writeBroken(
      #""encoding":"same","sameAs":"type""#, named: "a", to: folder)
    let error = #expect(throws: InputError.self) { try RNWFile(path: path) }
    #expect(error?.place == "a")
    let fitting = try Self.writeBroken(#""encoding":"same","sameAs":"a""#, to: folder)
    #expect(Sample.bytes(try RNWFile(path: fitting).tensor(named: "x")) == [0, 0, 0x80, 0x3F])
  }

  private static func quantized(_ scales: [Float]) -> TensorData {
    TensorData(dtype: .int8, shape: [2, 100], bytes: integers).scaled(byChannel: scales)
  }

  private static func write(to path: String, codec: RNWCodec) throws -> String {
    let output = try OutputFile(path: path, replacing: true)
    let draft = try RNWDraft(
      tensors, codec: codec, records: Sample.records, certificateBytes: 0, to: output, threads: 2)
    try draft.commit(Sample.records)
    return path
  }

  /// A file with the tensors that a record names, and a record "x" with the rest of it given.
  private static func writeBroken(
    _ encoding: String, named name: String = "x", to folder: TemporaryFolder
  ) throws -> String {
    let one = try Planes.encode(TensorData(shape: [1], values: [1]), threads: 1)
    let other = try Planes.encode(TensorData(shape: [1], values: [2]), threads: 1)
    func record(
      _ shape: String, _ stream: Planes.Stream, _ encoding: String, dtype: String = "F32"
    ) -> String {
      #"{"dtype":"\#(dtype)","shape":\#(shape),"crc32":\#(stream.checksum),\#(encoding)}"#
    }
    func planes(_ stream: Planes.Stream) -> String {
      #""encoding":"planes","storedCRC32":\#(stream.storedChecksum)"#
    }
    var records = [
      "a": record("[1]", one, planes(one)), "other": record("[1]", other, planes(other)),
      "shape": record("[1,1]", one, planes(one)),
      "type": record("[2]", one, planes(one), dtype: "F16"),
      "raw": record("[1]", one, #""encoding":"raw""#),
      // A chain and, where "x" names it, a cycle.
      "y": record(
        "[1]", one, #""encoding":"same","sameAs":"\#(encoding.contains("\"y\"") ? "x" : "a")""#),
    ]
    records[name] = record("[1]", one, encoding)
    let json = records.map { #""\#($0.key)":\#($0.value)"# }.joined(separator: ",")
    let metadata = Sample.metadata(["rnw.tensors": "{\(json)}"])
    let output = try OutputFile(path: folder.file("broken.rnw"), replacing: true)
    func stored(_ stream: Planes.Stream) -> TensorData {
      let bytes = stream.parts.flatMap { $0 }
      return TensorData(dtype: .uint8, shape: [bytes.count], bytes: bytes)
    }
    try SafetensorsWriter.write(
      [
        ("a", stored(one)), ("other", stored(other)), ("shape", stored(one)),
        ("type", stored(one)), ("raw", TensorData(shape: [1], values: [1])),
      ], metadata: metadata, to: output)
    try output.commit()
    return output.path
  }
}

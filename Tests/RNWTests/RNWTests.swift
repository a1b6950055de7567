import Files
import Foundation
import Safetensors
import Tensors
import TestSupport
import Testing

@testable import RNW

@Suite("The .rnw file")
struct RNWTests {
  @Test("What is written is read back, bit for bit", arguments: RNWCodec.allCases)
  func roundTrip(_ codec: RNWCodec) throws {
    let folder = try TemporaryFolder()
    let path = try Sample.write(to: folder.file("x.rnw"), codec: codec)
    let file = try RNWFile(path: path)
    #expect(file.tensors.map(\.name) == Sample.tensors.map(\.name).sorted())
    for (name, data) in Sample.tensors {
      let read = try file.tensor(named: name, threads: 2)
      #expect(read.shape == data.shape && read.dtype == data.dtype, "\(name)")
      #expect(Sample.bytes(read) == Sample.bytes(data), "\(name)")
      #expect(read.channelScales == data.channelScales, "\(name)")
      try file.verify(tensorNamed: name)
      #expect(file.isMapped(tensorNamed: name) || codec == .planes, "\(name)")
    }
    #expect(file.isMapped(tensorNamed: "normal") == (codec == .none))
    #expect(try file.configuration(as: [String: Int].self) == ["depth": 50])
    #expect(try file.certificate(as: [String: Int].self) == ["seed": 1])
  }

  @Test("With codec none every safetensors reader sees the tensors as they are")
  func isSafetensors() throws {
    let folder = try TemporaryFolder()
    let path = try Sample.write(to: folder.file("x.rnw"), codec: .none)
    let plain = try SafetensorsFile(MappedFile(path: path))
    for (name, data) in Sample.tensors {
      #expect(Sample.bytes(try plain.tensor(named: name)) == Sample.bytes(data))
    }
  }

  @Test(
    "The same tensors give the same bytes for any number of threads", arguments: RNWCodec.allCases)
  func isDeterministic(_ codec: RNWCodec) throws {
    let folder = try TemporaryFolder()
    let files = try [1, 2, 5].map { threads in
      let path = try Sample.write(to: folder.file("\(threads).rnw"), codec: codec, threads: threads)
      let file = try MappedFile(path: path)
      return file.bytes(at: 0, count: file.count)
    }
    #expect(files[0] == files[1] && files[1] == files[2])
  }

  @Test("Gaussian weights take no more than 83.1 % with planes")
  func compresses() throws {
    let folder = try TemporaryFolder()
    let data = TensorData(shape: [300_000], values: Sample.normal(300_000, deviation: 0.02))
    let output = try OutputFile(path: folder.file("x.rnw"), replacing: false)
    let draft = try RNWDraft(
      [("w", data)], codec: .planes, records: Sample.records, certificateBytes: 0, to: output,
      threads: 2)
    #expect(Double(draft.byteCount) <= 0.831 * 1_200_000 + 1024)
  }

  @Test("Every flipped bit is noticed", arguments: RNWCodec.allCases)
  func noticesFlips(_ codec: RNWCodec) throws {
    let folder = try TemporaryFolder()
    let path = try Sample.write(to: folder.file("x.rnw"), codec: codec)
    let file = try MappedFile(path: path)
    let good = try #require(file.bytes(at: 0, count: file.count))
    for bit in stride(from: 0, to: good.count * 8, by: Thorough.step(7)) {
      var bytes = good
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: InputError.self, "bit \(bit)") {
        let damaged = try RNWFile(MappedFile(path: try folder.write(bytes, to: "damaged.rnw")))
        for tensor in damaged.tensors { try damaged.verify(tensorNamed: tensor.name) }
      }
    }
  }

  @Test("No truncation and no changed byte of the header brings the reader down")
  func survivesDamage() throws {
    let folder = try TemporaryFolder()
    let file = try MappedFile(path: try Sample.write(to: folder.file("x.rnw"), codec: .planes))
    let good = try #require(file.bytes(at: 0, count: file.count))
    for length in stride(from: 0, to: good.count, by: Thorough.step(97)) {
      let path = try folder.write(Array(good[..<length]), to: "t.rnw")
      #expect(throws: InputError.self) { try RNWFile(path: path) }
    }
    for position in stride(from: 0, to: good.count, by: Thorough.step(3)) {
      var bytes = good
      bytes[position] = bytes[position] &+ 1
      let path = try folder.write(bytes, to: "t.rnw")
      if let read = try? RNWFile(path: path) {
        for tensor in read.tensors { _ = try? read.tensor(named: tensor.name) }
      }
    }
  }

  @Test(
    "Scales that do not fit their tensor are refused",
    arguments: [
      #"{"w":{"dtype":"I8","shape":[2,3],"encoding":"raw","crc32":0,"scales":"none"}}"#,
      #"{"w":{"dtype":"I8","shape":[2,3],"encoding":"raw","crc32":0,"scales":"w"}}"#,
      #"{"w":{"dtype":"I8","shape":[2,3],"encoding":"raw","crc32":0,"scales":"s3"}}"#,
      #"{"w":{"dtype":"I8","shape":[2,3],"encoding":"raw","crc32":0,"scales":"h2"}}"#,
      #"{"s3":{"dtype":"F32","shape":[3],"encoding":"raw","crc32":0,"scales":"s2"}}"#,
    ])
  func misfittingScales(_ record: String) throws {
    let folder = try TemporaryFolder()
    let tensors = [
      ("w", TensorData(dtype: .int8, shape: [2, 3], bytes: [1, 2, 3, 4, 5, 6])),
      ("s2", TensorData(shape: [2], values: [1, 2])),
      ("s3", TensorData(shape: [3], values: [1, 2, 3])),
      ("h2", TensorData(dtype: .float16, shape: [2], bytes: [0, 0, 0, 0])),
    ]
    var records = try #require(
      JSONSerialization.jsonObject(with: Data(record.utf8)) as? [String: Any])
    for (name, data) in tensors where records[name] == nil {
      records[name] = [
        "dtype": data.dtype.rawValue, "shape": data.shape.dimensions, "encoding": "raw",
        "crc32": 0,
      ]
    }
    let json = try JSONSerialization.data(withJSONObject: records)
    try Self.write(
      tensors, ["rnw.version": "1.0", "rnw.tensors": String(decoding: json, as: UTF8.self)],
      to: folder.file("x.rnw"))
    let error = #expect(throws: InputError.self) { try RNWFile(path: folder.file("x.rnw")) }
    #expect(error?.problem == "has a tensor whose scales do not fit it")
  }

  @Test("The scales of a tensor are part of it: not listed, read and verified with it")
  func scales() throws {
    let folder = try TemporaryFolder()
    let file = try RNWFile(path: try Sample.write(to: folder.file("x.rnw"), codec: .none))
    #expect(!file.tensors.contains { $0.name.hasSuffix(".scales") })
    let quantized = try file.tensor(named: "quantized")
    #expect(quantized.floats() == [0.25, -31.75, 31.75, 0, -1e-3, 2e-3])
    let plain = try SafetensorsFile(MappedFile(path: folder.file("x.rnw")))
    #expect(try plain.tensor(named: "quantized.scales").floats() == [0.25, 1e-3])
  }

  @Test("A newer version is refused by name, unknown metadata is passed over")
  func versions() throws {
    let folder = try TemporaryFolder()
    try Self.writeEmpty(["rnw.version": "3.0"], to: folder.file("x.rnw"))
    let error = #expect(throws: InputError.self) { try RNWFile(path: folder.file("x.rnw")) }
    #expect(error?.problem == "is a .rnw of version 3.0")
    try Self.writeEmpty(
      ["rnw.version": "1.9", "rnw.unheard": "of"], to: folder.file("y.rnw"))
    #expect(try RNWFile(path: folder.file("y.rnw")).tensors.isEmpty)
  }
}

extension RNWTests {
  fileprivate static func writeEmpty(_ metadata: [String: String], to path: String) throws {
    try write([], metadata, to: path)
  }

  fileprivate static func write(
    _ tensors: [(String, TensorData)], _ metadata: [String: String], to path: String
  ) throws {
    let metadata = Sample.metadata(metadata)
    let output = try OutputFile(path: path, replacing: false)
    try SafetensorsWriter.write(tensors, metadata: metadata, to: output)
    try output.commit()
  }
}

/// Tensors that are hard to keep.
enum Sample {
  static let tensors: [(name: String, data: TensorData)] = [
    ("normal", TensorData(shape: [3, 7, 11], values: normal(231, deviation: 0.05))),
    (
      "special",
      TensorData(
        shape: [8],
        values: [
          .nan, -.nan, .infinity, -.infinity, -0.0, 0, .leastNonzeroMagnitude,
          Float(bitPattern: 0x7FA0_1234),
        ])
    ),
    ("zeros", TensorData(shape: [1000], values: [Float](repeating: 0, count: 1000))),
    ("scalar", TensorData(shape: [], values: [3])),
    ("empty", TensorData(shape: [0], values: [])),
    ("half", TensorData(dtype: .float16, shape: [3], bytes: [1, 2, 3, 4, 5, 6])),
    ("bfloat", TensorData(dtype: .bfloat16, shape: [2], bytes: [0x80, 0xBF, 1, 0])),
    (
      "quantized",
      TensorData(dtype: .int8, shape: [2, 3], bytes: [1, 0x81, 0x7F, 0, 0xFF, 2])
        .scaled(byChannel: [0.25, 1e-3])
    ),
    ("counter", TensorData(dtype: .int64, shape: [1], bytes: [1, 0, 0, 0, 0, 0, 0, 0])),
  ]

  static var records: RNWDraft.Records {
    .init(configuration: #"{"depth":50}"#, preprocessing: "{}", source: "{}")
  }

  /// The metadata of a file of no tensors, with some of it replaced.
  static func metadata(_ own: [String: String]) -> [String: String] {
    var metadata = own.merging([
      "format": "rnw", "rnw.version": "1.0", "rnw.tensors": "{}", "rnw.configuration": "{}",
      "rnw.preprocessing": "{}", "rnw.source": "{}",
    ]) { own, _ in own }
    metadata["rnw.metadata-crc32"] = MetadataChecksum.text(
      of: metadata.map { (key: $0.key, value: $0.value) })
    return metadata
  }

  static func write(to path: String, codec: RNWCodec, threads: Int = 2) throws -> String {
    let output = try OutputFile(path: path, replacing: true)
    let draft = try RNWDraft(
      tensors, codec: codec, records: records, certificateBytes: 100, to: output, threads: threads)
    // The draft is a whole file before it has its certificate.
    _ = try RNWFile(path: draft.path)
    var final = records
    final.certificate = #"{"seed":1}"#
    try draft.commit(final)
    return path
  }

  static func bytes(_ data: TensorData) -> [UInt8] { data.withUnsafeBytes { Array($0) } }

  static func normal(_ count: Int, deviation: Float) -> [Float] {
    var generator = SplitMix64(seed: 3)
    return (0..<count).map { _ in
      (0..<12).reduce(Float(0)) { sum, _ in sum + generator.nextProbeValue() } * deviation / 2
    }
  }
}

import Files
import Tensors
import TestSupport
import Testing

@testable import Safetensors

@Suite("Safetensors")
struct SafetensorsTests {
  @Test("What is written is read back, bit for bit, and large tensors are aligned")
  func roundTrip() throws {
    let folder = try TemporaryFolder()
    let tensors: [(name: String, data: TensorData)] = [
      ("odd", TensorData(shape: [3], values: [.nan, -0.0, .leastNonzeroMagnitude])),
      ("scalar", TensorData(shape: [], values: [7])),
      ("empty", TensorData(shape: [0, 4], values: [])),
      ("aligned \"and\\quoted\"\n", TensorData(shape: [4, 8], values: (0..<32).map(Float.init))),
      ("half", TensorData(dtype: .float16, shape: [2], bytes: [1, 2, 3, 4])),
    ]
    let output = try OutputFile(path: folder.file("x.safetensors"), replacing: false)
    try SafetensorsWriter.write(tensors, metadata: ["a": "ä\u{1}"], to: output)
    try output.commit()
    let mapped = try MappedFile(path: folder.file("x.safetensors"))
    let file = try SafetensorsFile(mapped)
    #expect(file.metadata == ["a": "ä\u{1}"])
    for (name, data) in tensors {
      let read = try file.tensor(named: name)
      #expect(read.shape == data.shape && read.dtype == data.dtype)
      #expect(read.withUnsafeBytes { Array($0) } == data.withUnsafeBytes { Array($0) })
    }
    let header = try SafetensorsHeader(mapped)
    #expect(header.dataOffset % 64 == 0)
    for entry in header.entries where entry.range.count.isMultiple(of: 64) {
      #expect(entry.range.lowerBound % 64 == 0, "\(entry.info.name)")
    }
  }

  @Test("Every broken rule is named", arguments: Broken.all)
  func refuses(_ broken: Broken) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(broken.bytes, to: "broken.safetensors")
    let file = try MappedFile(path: path)
    let error = #expect(throws: InputError.self) { try SafetensorsFile(file) }
    #expect(error?.problem.contains(broken.expected) == true, "\(error.map(\.description) ?? "")")
  }

  @Test("A good file is read, so that the broken ones are broken by their fault alone")
  func acceptsTheModel() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Broken.file(Broken.goodEntry, data: 8), to: "good.safetensors")
    #expect(try SafetensorsFile(MappedFile(path: path)).tensors.count == 1)
  }

  @Test("No truncation and no changed byte of the header brings the reader down")
  func damage() throws {
    let folder = try TemporaryFolder()
    let good = Broken.file(Broken.goodEntry, data: 8)
    for length in stride(from: 0, to: good.count, by: Thorough.step(1)) {
      let path = try folder.write(Array(good[..<length]), to: "t")
      let file = try MappedFile(path: path)
      #expect(throws: InputError.self) { try SafetensorsFile(file) }
    }
    for position in stride(from: 0, to: good.count, by: Thorough.step(1)) {
      for value in [0, 0x22, 0x5C, 0x7B, 0xFF, good[position] ^ 1] {
        var bytes = good
        bytes[position] = value
        let file = try MappedFile(path: try folder.write(bytes, to: "t"))
        // Either it is refused or what it lists can be read.
        if let read = try? SafetensorsFile(file) {
          for tensor in read.tensors { _ = try read.tensor(named: tensor.name) }
        }
      }
    }
  }

  /// A file that breaks one rule.
  struct Broken: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let expected: String
    let bytes: [UInt8]

    static let goodEntry = #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#

    static let all: [Broken] = [
      .init(
        "length beyond the file", "larger than the file",
        [0xFF, 0xFF, 0, 0, 0, 0, 0, 0] + Array("{}".utf8)),
      .init(
        "length of 2⁶³", "larger than the file", [0, 0, 0, 0, 0, 0, 0, 0x80] + Array("{}".utf8)),
      .init("no header", "too short", [1, 2, 3]),
      .init(
        "overlap", "hole or an overlap",
        file(goodEntry + #","b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}"#, data: 12)),
      .init(
        "hole", "hole or an overlap",
        file(#""a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}"#, data: 16)),
      .init("bytes after the end", "after its last tensor", file(goodEntry, data: 9)),
      .init("truncated data", "it is truncated", file(goodEntry, data: 7)),
      .init(
        "size and shape differ", "do not fit its shape",
        file(#""a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}"#, data: 8)),
      .init(
        "shape overflows", "impossible shape",
        file(#""a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}"#, data: 8)),
      .init(
        "zero hides a huge dimension", "impossible shape",
        file(
          #""a":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}"#, data: 0)),
      .init(
        "number too large", "number that is too large",
        file(#""a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}"#, data: 8)),
      .init(
        "negative dimension", "no number",
        file(#""a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}"#, data: 8)),
      .init(
        "unknown type", "type F8_E4M3",
        file(#""a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}"#, data: 8)),
      .init(
        "two entries of one name", "two entries named a", file(goodEntry + "," + goodEntry, data: 8)
      ),
      .init(
        "two metadata entries", "two entries named k",
        file(#""__metadata__":{"k":"1","k":"2"},"# + goodEntry, data: 8)),
      .init(
        "second metadata", "two entries named __metadata__",
        file(#""__metadata__":{},"__metadata__":{},"# + goodEntry, data: 8)),
      .init(
        "unknown field", "unexpected extra",
        file(#""a":{"dtype":"F32","shape":[2],"extra":1,"data_offsets":[0,8]}"#, data: 8)),
      .init(
        "field twice", "two entries named dtype",
        file(#""a":{"dtype":"F32","shape":[2],"dtype":"F32","data_offsets":[0,8]}"#, data: 8)),
      .init(
        "space before the brace", "does not begin with {", raw(" {" + goodEntry + "}", data: 8)),
      .init("text after the brace", "goes on after", raw("{" + goodEntry + "}x", data: 8)),
      .init(
        "empty name", "empty",
        file(#""":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#, data: 8)),
      .init(
        "NUL in a name", "holds a NUL",
        file(#""a\u0000b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#, data: 8)),
      .init(
        "half a surrogate", "half a character",
        file(#""\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#, data: 8)),
      .init(
        "nested deeper", "lacks a \"", file(#""__metadata__":{"k":{"k":{}}},"# + goodEntry, data: 8)
      ),
    ]

    private init(_ name: String, _ expected: String, _ bytes: [UInt8]) {
      testDescription = name
      self.expected = expected
      self.bytes = bytes
    }

    static func file(_ entries: String, data: Int) -> [UInt8] { raw("{\(entries)}", data: data) }

    static func raw(_ json: String, data: Int) -> [UInt8] {
      let count = UInt64(json.utf8.count)
      let length = (0..<8).map { UInt8(truncatingIfNeeded: count >> UInt64(8 * $0)) }
      return length + Array(json.utf8) + [UInt8](repeating: 1, count: data)
    }
  }
}

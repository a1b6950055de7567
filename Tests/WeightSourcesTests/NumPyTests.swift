import Files
import Tensors
import TestSupport
import Testing

@testable import WeightSources

@Suite("NumPy files")
struct NumPyTests {
  @Test("What is written is read back, bit for bit")
  func roundTrip() throws {
    let folder = try TemporaryFolder()
    let arrays: [(String, TensorData)] = [
      ("a", TensorData(shape: [2, 3], values: [1, -0.0, .nan, 4, 5, 6])),
      ("scalar", TensorData(shape: [], values: [2])), ("none", TensorData(shape: [0], values: [])),
      ("half", TensorData(dtype: .float16, shape: [3], bytes: [1, 2, 3, 4, 5, 6])),
    ]
    let output = try OutputFile(path: folder.file("x.npz"), replacing: false)
    var writer = NPZWriter(to: output)
    for (name, data) in arrays { try writer.append(name, data) }
    try writer.finish()
    try output.commit()
    let source = try WeightFile.open(folder.file("x.npz"))
    #expect(source.tensors.map(\.name) == arrays.map(\.0))
    for (name, data) in arrays {
      let read = try source.tensor(named: name)
      #expect(read.shape == data.shape)
      #expect(read.withUnsafeBytes { Array($0) } == data.withUnsafeBytes { Array($0) })
    }
  }

  @Test(
    "Orders of bytes and indices are brought into one", arguments: ["<f4", ">f4", "<i2", ">i2"])
  func orders(_ descr: String) throws {
    let folder = try TemporaryFolder()
    // [[1, 2, 3], [4, 5, 6]], column after column.
    let columns = [1, 4, 2, 5, 3, 6]
    let data = columns.flatMap { value -> [UInt8] in
      let little: [UInt8] =
        descr.hasSuffix("f4")
        ? (0..<4).map { UInt8(truncatingIfNeeded: Float(value).bitPattern >> UInt32(8 * $0)) }
        : [UInt8(value), 0]
      return descr.hasPrefix(">") ? little.reversed() : little
    }
    let path = try folder.write(
      NPY.file(header: "{'descr': '\(descr)', 'fortran_order': True, 'shape': (2, 3), }", data),
      to: "x.npy")
    let source = try WeightFile.open(path)
    #expect(source.container == "npy")
    #expect(try source.tensor(named: "array").floats() == [1, 2, 3, 4, 5, 6])
  }

  @Test(
    "Arrays that are none of numbers, or lie about their size, are refused", arguments: NPY.broken)
  func refuses(_ broken: NPY) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(broken.bytes, to: "x.npy")
    let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
    #expect(error?.problem.contains(broken.expected) == true, "\(error.map(\.description) ?? "")")
  }
}

/// A `.npy` file and what must be said of it.
struct NPY: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let expected: String
  let bytes: [UInt8]

  static let broken: [NPY] = [
    .init("objects", "type |O", "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8),
    .init("text", "type <U4", "{'descr': '<U4', 'fortran_order': False, 'shape': (1,), }", 16),
    .init("complex", "type <c8", "{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", 8),
    .init("missing key", "damaged .npy header", "{'descr': '<f4', 'shape': (1,), }", 4),
    .init(
      "key twice", "damaged .npy header",
      "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 4),
    .init(
      "another key", "damaged .npy header",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1, }", 4),
    .init("code", "damaged .npy header", "__import__('os').system('x')", 4),
    .init(
      "negative", "damaged .npy header",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 4),
    .init(
      "2⁴⁰ elements", "does not fit its size",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,), }", 4),
    .init(
      "overflow", "impossible shape",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", 4),
    .init(
      "bytes left over", "does not fit its size",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 5),
    .init(
      "bytes missing", "does not fit its size",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 3),
  ]

  private init(_ name: String, _ expected: String, _ header: String, _ count: Int) {
    testDescription = name
    self.expected = expected
    bytes = Self.file(header: header, [UInt8](repeating: 0, count: count))
  }

  static func file(header: String, _ data: [UInt8]) -> [UInt8] {
    let count = header.utf8.count + 1
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(count & 0xFF), UInt8(count >> 8)]
      + Array(header.utf8) + [0x0A] + data
  }
}

@Suite("Zip archives")
struct ZipTests {
  @Test(
    "Archives of Python, stored and deflated, are read",
    arguments: ["narrow.npz", "narrow.activations.npz"])
  func pythonArchives(_ name: String) throws {
    let source = try WeightFile.open(Fixture.path("keras/\(name)"))
    #expect(source.container == "npz")
    for tensor in source.tensors { _ = try source.tensor(named: tensor.name) }
  }

  @Test("No truncation and no changed byte brings the reader down or goes unnoticed")
  func damage() throws {
    let folder = try TemporaryFolder()
    let output = try OutputFile(path: folder.file("x.npz"), replacing: false)
    var writer = NPZWriter(to: output)
    try writer.append("a", TensorData(shape: [2], values: [1, 2]))
    try writer.append("b", TensorData(shape: [1], values: [3]))
    try writer.finish()
    try output.commit()
    let good = try #require(
      try {
        let file = try MappedFile(path: folder.file("x.npz"))
        return file.bytes(at: 0, count: file.count)
      }())
    for length in stride(from: 0, to: good.count, by: Thorough.step(1)) {
      let path = try folder.write(Array(good[..<length]), to: "t.npz")
      #expect(throws: InputError.self) { try WeightFile.open(path) }
    }
    for position in good.indices {
      var bytes = good
      bytes[position] ^= 0xFF
      let path = try folder.write(bytes, to: "t.npz")
      guard let source = try? WeightFile.open(path) else { continue }
      for tensor in source.tensors { _ = try? source.tensor(named: tensor.name) }
    }
  }

  @Test(
    "A member that claims to be larger than deflate can make it is refused before it is inflated")
  func bomb() throws {
    let folder = try TemporaryFolder()
    var bytes = try Fixture.bytes("keras/narrow.deflated.keras")
    // The size field of the first entry of the directory, and of its local header.
    let directory = try #require(Self.find([0x50, 0x4B, 0x01, 0x02], in: bytes))
    for offset in [directory + 24, 22] {
      for (index, byte) in [0, 0, 0, 0x70].enumerated() { bytes[offset + index] = UInt8(byte) }
    }
    let file = try MappedFile(path: try folder.write(bytes, to: "bomb.npz"))
    let error = #expect(throws: InputError.self) { try ZipArchive(file) }
    #expect(error?.problem == "has a member of an impossible size")
  }

  private static func find(_ pattern: [UInt8], in bytes: [UInt8]) -> Int? {
    bytes.indices.dropLast(pattern.count).first {
      bytes[$0..<$0 + pattern.count].elementsEqual(pattern)
    }
  }
}

import Files
import Tensors
import TestSupport
import Testing

@testable import WeightSources

@Suite("Files of MXNet's parameters")
struct MXNetTests {
  @Test(
    "All forms of records that MXNet has written hold the same arrays",
    arguments: [("v0", "V0"), ("v1", "V1"), ("v3", "V3")])
  func forms(_ ending: String, _ form: String) throws {
    let truth = try WeightFile.open(Fixture.path("mxnet/basic.params"))
    #expect(truth.container == "mxnet-params")
    #expect(truth.metadata == ["mxnet.records": "V2"])
    let other = try WeightFile.open(Fixture.path("mxnet/basic.\(ending).params"))
    #expect(other.metadata == ["mxnet.records": form])
    #expect(Set(other.tensors) == Set(truth.tensors))
    for tensor in truth.tensors {
      let (first, second) = (
        try truth.tensor(named: tensor.name), try other.tensor(named: tensor.name)
      )
      #expect(first.floats() == second.floats())
    }
  }

  @Test("Types and shapes are read as they were written")
  func types() throws {
    let folder = try TemporaryFolder()
    let records: [(String, [UInt8])] = [
      ("a", Record(form: .v2, type: 1, sizes: [2], data: [UInt8](repeating: 0, count: 16)).bytes),
      ("b", Record(form: .v2, type: 12, sizes: [1, 2], data: [0x80, 0x3F, 0, 0x40]).bytes),
      ("scalar", Record(form: .v3, type: 0, sizes: [], data: [0, 0, 0x80, 0x3F]).bytes),
      ("none", Record(form: .v3, type: 6, sizes: [0, 3], data: []).bytes),
    ]
    let source = try WeightFile.open(try folder.write(Self.list(records), to: "x"))
    #expect(source.tensors.map(\.dtype) == [.float64, .bfloat16, .float32, .int64])
    #expect(source.tensors.map(\.shape) == [[2], [1, 2], [], [0, 3]])
    #expect(try source.tensor(named: "b").floats() == [1, 2])
    #expect(try source.tensor(named: "scalar").floats() == [1])
    let error = #expect(throws: InputError.self) { try source.tensor(named: "c") }
    #expect(error?.reason == .noSuchTensor)
  }

  @Test("A list that breaks a rule is refused", arguments: Broken.all)
  func refuses(_ broken: Broken) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(broken.bytes, to: "x.params")
    let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
    #expect(error?.kind == .badData)
    #expect(error?.problem.contains(broken.expected) == true, "\(error?.description ?? "")")
  }

  @Test("A file that ends at any byte is refused")
  func cutOff() throws {
    let folder = try TemporaryFolder()
    let whole = Self.list([
      ("a", Record(form: .v2, type: 0, sizes: [1, 2]).bytes),
      ("b", Record(form: .v1, type: 2, sizes: [2]).bytes),
      ("c", Record(form: .v0, type: 0, sizes: [1]).bytes),
    ])
    for count in 8..<whole.count {
      let path = try folder.write(Array(whole[..<count]), to: "x\(count)")
      #expect(throws: InputError.self, "\(count)") { try WeightFile.open(path) }
    }
  }

  @Test("A file in which any byte is another one is read or refused, and nothing else")
  func changed() throws {
    let folder = try TemporaryFolder()
    let good = try Fixture.bytes("mxnet/bottleneck.params")
    for offset in stride(from: 0, to: 600, by: 3) {
      var bytes = good
      bytes[offset] ^= 0xFF
      let path = try folder.write(bytes, to: "x\(offset)")
      guard let source = try? WeightFile.open(path) else { continue }
      for tensor in source.tensors { _ = try source.tensor(named: tensor.name) }
    }
  }

  /// A list of arrays as MXNet writes it.
  static func list(_ records: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    var bytes = word(0x112) + word(0) + word(UInt64(records.count))
    for record in records { bytes += record.bytes }
    bytes += word(UInt64(records.count))
    for record in records {
      bytes += word(UInt64(record.name.utf8.count)) + Array(record.name.utf8)
    }
    return bytes
  }

  static func word<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  /// One array in the file.
  struct Record {
    enum Form: UInt32 {
      case v0 = 0
      case v1 = 0xF993_FAC8
      case v2, v3
    }

    var form: Form
    var type: UInt32
    var sizes: [Int64]
    var storage: UInt32 = 0
    /// The elements; zeros where `nil`.
    var data: [UInt8]?

    var bytes: [UInt8] {
      var bytes = form == .v0 ? [] : word(form.rawValue)
      if form == .v2 || form == .v3 { bytes += word(storage) }
      bytes += word(UInt32(sizes.count))
      for size in sizes {
        bytes += form == .v0 ? word(UInt32(truncatingIfNeeded: size)) : word(size)
      }
      bytes += word(UInt32(1)) + word(UInt32(0)) + word(type)
      let width = type == 2 ? 2 : 4
      let count = sizes.reduce(1) { $0 &* Int($1) }
      return bytes + (data ?? [UInt8](repeating: 0, count: min(max(count &* width, 0), 64)))
    }
  }

  /// A file and what must be said of it.
  struct Broken: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let expected: String
    let bytes: [UInt8]

    init(_ name: String, _ expected: String, _ bytes: [UInt8]) {
      (testDescription, self.expected, self.bytes) = (name, expected, bytes)
    }

    static let all: [Broken] = {
      let good = Record(form: .v2, type: 0, sizes: [2])
      func one(_ change: (inout Record) -> Void) -> [UInt8] {
        var record = good
        change(&record)
        return list([("a", record.bytes)])
      }
      return [
        .init("sparse", "stored sparsely", one { $0.storage = 1 }),
        .init("type", "unknown type 99", one { $0.type = 99 }),
        .init("dimensions", "33 dimensions", one { $0.sizes = [Int64](repeating: 1, count: 33) }),
        .init("product", "impossible shape", one { $0.sizes = [1 << 40, 1 << 40] }),
        .init("bytes overflow", "cut off", one { $0.sizes = [1 << 62] }),
        .init("beyond the end", "cut off", one { $0.sizes = [1 << 40] }),
        .init("old, beyond the end", "cut off", one { ($0.form, $0.sizes) = (.v0, [1 << 31]) }),
        .init(
          "negative", "without a shape",
          list([
            ("a", word(UInt32(0xF993_FACA)) + word(UInt32(0)) + word(UInt32(1)) + word(Int64(-1)))
          ])),
        .init("no shape", "without a shape", list([("a", word(UInt32(0)))])),
        .init(
          "count", "cut off", word(UInt64(0x112)) + word(UInt64(0)) + word(UInt64.max) + good.bytes),
        .init(
          "no names", "without names",
          word(UInt64(0x112)) + word(UInt64(0)) + word(UInt64(1)) + good.bytes + word(UInt64(0))),
        .init(
          "too few names", "another number of names",
          word(UInt64(0x112)) + word(UInt64(0)) + word(UInt64(1)) + good.bytes + word(UInt64(2))),
        .init(
          "one name twice", "two arrays of one name", list([("a", good.bytes), ("a", good.bytes)])),
        .init(
          "long name", "damaged name",
          word(UInt64(0x112)) + word(UInt64(0)) + word(UInt64(1)) + good.bytes + word(UInt64(1))
            + word(UInt64.max)),
        .init("rest", "bytes after its last name", one { _ in } + [0]),
        .init(
          "not UTF-8", "damaged name",
          Array(one { _ in }.dropLast()) + [0xFF]),
      ]
    }()
  }
}

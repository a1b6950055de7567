import Files
import Tensors
import TestSupport
import Testing

@testable import WeightSources

@Suite("Tables that lie")
struct HostileTableTests {
  typealias Made = MadeTable

  @Test("What a test makes is read as TensorFlow's is")
  func sound() throws {
    let source = try Self.open(Self.index())
    #expect(source.tensors == [TensorInfo(name: "a", dtype: .float32, shape: [2])])
    #expect(try source.tensor(named: "a").floats() == [0, 0])
    let list = Made.field(1, Made.field(1, Array("a".utf8)) + Made.field(3, 9))
    let value = Made.field(2, Made.field(1, Array("a".utf8)) + Made.field(3, Made.field(10, [5])))
    let first = try Self.open(Made([("", Made.field(1, list)), ("x", value)]), as: "x.ckpt")
    #expect(first.tensors == [TensorInfo(name: "a", dtype: .int64, shape: [])])
    let number = try first.tensor(named: "a").withUnsafeBytes { Array($0) }
    #expect(number == [5, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test("An index that breaks a rule is refused", arguments: Case.indexes)
  func index(_ broken: Case) throws {
    let error = #expect(throws: InputError.self) { try Self.open(broken.table) }
    #expect(error?.problem.contains(broken.expected) == true, "\(error?.description ?? "")")
  }

  @Test("A checkpoint of the first form that breaks a rule is refused", arguments: Case.first)
  func first(_ broken: Case) throws {
    let error = #expect(throws: InputError.self) {
      try Self.open(broken.table, as: "x.ckpt")
    }
    #expect(error?.problem.contains(broken.expected) == true, "\(error?.description ?? "")")
  }

  @Test("Blocks that overlap, lie outside or end at any byte are refused")
  func blocks() throws {
    let folder = try TemporaryFolder()
    let good = Self.index().bytes
    for count in 48..<good.count {
      // The end is whole, the blocks before it are not.
      let cut = Array(good.dropFirst(good.count - count))
      let path = try folder.write(cut, to: "x\(count).index")
      #expect(throws: InputError.self) { try WeightFile.open(path) }
    }
    var twice = Self.index()
    twice.blocks.append(twice.blocks[0])
    let error = #expect(throws: InputError.self) { try Self.open(twice) }
    #expect(error?.problem.contains("out of order") == true)
    for handle in [[0, 1 << 62], [1 << 62, 8], [Int.max, Int.max]] {
      let one = Made.number(handle[0]) + Made.number(handle[1])
      let numbers = one + one
      let footer = numbers + [UInt8](repeating: 0, count: max(40 - numbers.count, 0)) + Made.mark
      let path = try folder.write(good + footer, to: "far.index")
      let far = #expect(throws: InputError.self) { try WeightFile.open(path) }
      #expect(far?.problem.contains("cut off") == true)
    }
  }

  static func header(_ fields: [UInt8] = Made.field(1, 1)) -> (String, [UInt8]) { ("", fields) }

  static func entry(
    type: Int = 1, sizes: [Int] = [2], shard: Int = 0, offset: Int = 0, count: Int = 8,
    rest: [UInt8] = []
  ) -> [UInt8] {
    let sum = [UInt8](repeating: 0, count: 8).withUnsafeBytes(CRC32C.checksum)
    return Made.field(1, type) + Made.field(2, Made.shape(sizes)) + Made.field(3, shard)
      + Made.field(4, offset) + Made.field(5, count) + Made.number(6 << 3 | 5)
      + Made.word(CRC32C.masked(sum)) + rest
  }

  static func index(_ entries: [(String, [UInt8])] = [("a", entry())]) -> MadeTable {
    MadeTable([header()] + entries)
  }

  static func open(_ table: MadeTable, as name: String = "x.index") throws -> any WeightSource {
    let folder = try TemporaryFolder()
    _ = try folder.write([UInt8](repeating: 0, count: 8), to: "x.data-00000-of-00001")
    return try WeightFile.open(try folder.write(table.bytes, to: name))
  }

  /// A table and what must be said of it.
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let expected: String
    let table: MadeTable

    init(_ name: String, _ expected: String, _ table: MadeTable) {
      (testDescription, self.expected, self.table) = (name, expected, table)
    }

    static let indexes: [Case] = {
      var unsound = index()
      unsound.isSound = false
      var kind = index()
      kind.kind = 7
      var snappy = index()
      snappy.kind = 1
      return [
        .init("checksum", "checksum differs", unsound),
        .init("kind of block", "unknown kind 7", kind),
        .init("not Snappy", "damaged block of Snappy's", snappy),
        .init("nothing", "checkpoint of nothing", MadeTable([])),
        .init("no header", "no checkpoint of TensorFlow's", MadeTable([("a", entry())])),
        .init("damaged header", "damaged header", MadeTable([header([8])])),
        .init("no files", "damaged header", MadeTable([header(Made.field(1, 0))])),
        .init("many files", "damaged header", MadeTable([header(Made.field(1, 1 << 40))])),
        .init(
          "byte order", "other byte order", MadeTable([header(Made.field(1, 1) + Made.field(2, 1))])
        ),
        .init("keys", "out of order", index([("b", entry()), ("a", entry())])),
        .init("one key twice", "out of order", index([("a", entry()), ("a", entry())])),
        .init("damaged entry", "damaged entry", index([("a", [1, 2, 3])])),
        .init("shard", "damaged entry", index([("a", entry(shard: 1))])),
        .init("product", "damaged entry", index([("a", entry(sizes: [1 << 40, 1 << 40]))])),
        .init("negative", "damaged entry", index([("a", entry(sizes: [-1]))])),
        .init("size", "does not fit its size", index([("a", entry(sizes: [3]))])),
        .init("huge", "does not fit its size", index([("a", entry(sizes: [1 << 62]))])),
        .init("beyond the end", "cut off", index([("a", entry(offset: 1))])),
        .init("far", "cut off", index([("a", entry(offset: .max))])),
        .init(
          "bytes of others", "more data than its files hold",
          index([("a", entry()), ("b", entry())])),
        .init("slices", "in parts", index([("a", entry(rest: Made.field(7, [])))])),
        .init("slice", "in parts", index([("\0a", entry())])),
      ]
    }()

    static let first: [Case] = {
      func list(_ fields: [UInt8]) -> (String, [UInt8]) {
        ("", Made.field(1, Made.field(1, fields)))
      }
      let name = Made.field(1, Array("a".utf8))
      let plain = name + Made.field(2, Made.shape([2])) + Made.field(3, 1)
      func value(_ data: [UInt8], name: [UInt8] = name) -> (String, [UInt8]) {
        ("x", Made.field(2, name + Made.field(3, data)))
      }
      let zeros = Made.field(5, [UInt8](repeating: 0, count: 8))
      return [
        .init("no list", "no checkpoint", MadeTable([("a", Made.field(1, []))])),
        .init("type", "of the type 7", MadeTable([list(name + Made.field(3, 7))])),
        .init("no name", "damaged list", MadeTable([list(Made.field(3, 1))])),
        .init(
          "slices", "in parts", MadeTable([list(plain + Made.field(4, []) + Made.field(4, []))])),
        .init("missing", "does not hold", MadeTable([list(plain)])),
        .init(
          "other", "damaged entry",
          MadeTable([list(plain), value(zeros, name: Made.field(1, [98]))])),
        .init(
          "size", "does not fit its type", MadeTable([list(plain), value(Made.field(5, [0]))])),
        .init("damaged data", "does not fit its type", MadeTable([list(plain), value([5])])),
        .init(
          "too many numbers", "does not fit its type",
          MadeTable([
            list(name + Made.field(2, Made.shape([2])) + Made.field(3, 9)),
            value(Made.field(10, [1, 2, 3])),
          ])),
      ]
    }()
  }
}

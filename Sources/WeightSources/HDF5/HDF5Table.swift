import Files
import Tensors

/// What `rnw-hdf5 list` says of a file, checked: nothing here is believed because a program of ours
/// wrote it.
struct HDF5Table: Sendable {
  /// A dataset.
  struct Dataset: Sendable {
    /// The path from the root, such as `conv1_conv/conv1_conv/kernel:0`.
    let path: String
    /// The type and shape, or `nil` where ``problem`` says why it cannot be read.
    let info: TensorInfo?
    /// Where plain little-endian data lies, from the start of the HDF5 file; `nil` where it must be
    /// decoded.
    let offset: Int?
    /// Why the data cannot be read.
    let problem: String?
  }

  /// The texts of an attribute.
  enum Attribute: Sendable {
    case scalar(String)
    case list([String])
  }

  private(set) var datasets: [Dataset] = []
  private(set) var groups: Set<String> = []
  private var attributes: [String: [String: Attribute]] = [:]

  /// Reads the table of a file of `length` bytes.
  ///
  /// - Throws: ``Fault`` where the table contradicts itself or the file's size.
  init(_ bytes: [UInt8], length: Int) throws(Fault) {
    var reader = TableReader(bytes)
    guard reader.isHeaderRight else { throw Fault(problem: "its table has no header", place: "") }
    var paths: Set<String> = []
    while true {
      switch reader.tag {
      case "G":
        groups.insert(try reader.text())
      case "A":
        let path = try reader.text()
        let name = try reader.text()
        attributes[path, default: [:]][name] = try reader.attribute()
      case "D":
        let dataset = try reader.dataset(length: length)
        guard paths.insert(dataset.path).inserted else {
          throw Fault(problem: "two datasets of one name", place: dataset.path)
        }
        datasets.append(dataset)
      case "E" where reader.isAtEnd:
        return
      default:
        throw Fault(problem: "its table is damaged", place: "")
      }
    }
  }

  /// The text of a scalar attribute of an object.
  func text(_ name: String, of path: String) -> String? {
    switch attributes[path]?[name] {
    case .scalar(let text): text
    case .list(let texts): texts.count == 1 ? texts[0] : nil
    case nil: nil
    }
  }

  /// The texts of an attribute, also where it is split into numbered parts (`layer_names0`, …), as
  /// Keras does above 64 kB.
  func texts(_ name: String, of path: String) -> [String]? {
    guard let all = attributes[path] else { return nil }
    func list(_ name: String) -> [String]? {
      switch all[name] {
      case .scalar(let text): [text]
      case .list(let texts): texts
      case nil: nil
      }
    }
    if let whole = list(name) { return whole }
    var result: [String] = []
    var part = 0
    while let texts = list("\(name)\(part)") {
      result += texts
      part += 1
    }
    return part > 0 ? result : nil
  }

  /// What is wrong with a table.
  struct Fault: Error {
    let problem: String
    let place: String
  }
}

/// Takes a table apart.
private struct TableReader {
  private var reader: ByteReader

  init(_ bytes: [UInt8]) {
    reader = ByteReader(bytes)
  }

  var isHeaderRight: Bool {
    mutating get { reader.readText(count: 4) == "RNWH" && reader.read(UInt32.self) == 1 }
  }

  var isAtEnd: Bool { reader.remaining == 0 }

  var tag: Character? {
    mutating get { reader.read(UInt8.self).map { Character(Unicode.Scalar($0)) } }
  }

  mutating func text() throws(HDF5Table.Fault) -> String {
    guard let count = reader.read(UInt32.self), let count = Int(exactly: count),
      let text = reader.readText(count: count)
    else { throw HDF5Table.Fault(problem: "a name is not UTF-8 text", place: "") }
    return text
  }

  mutating func attribute() throws(HDF5Table.Fault) -> HDF5Table.Attribute {
    let isScalar = try number(UInt8.self) == 1
    let count = Int(try number(UInt32.self))
    // Each text takes at least the four bytes of its count.
    guard count <= reader.remaining / 4 else { throw truncated }
    var texts: [String] = []
    for _ in 0..<count { texts.append(try text()) }
    return isScalar && count == 1 ? .scalar(texts[0]) : .list(texts)
  }

  mutating func dataset(length: Int) throws(HDF5Table.Fault) -> HDF5Table.Dataset {
    let path = try text()
    let kind = Character(Unicode.Scalar(try number(UInt8.self)))
    let size = Int(try number(UInt8.self))
    var dimensions: [Int] = []
    for _ in 0..<(try number(UInt8.self)) {
      guard let dimension = Int(exactly: try number(UInt64.self)) else {
        throw HDF5Table.Fault(problem: "has an impossible shape", place: path)
      }
      dimensions.append(dimension)
    }
    let offset = try number(UInt64.self)
    _ = try number(UInt64.self)
    let note = try text()
    guard note.isEmpty, let dtype = Self.dtype(kind, size: size) else {
      let problem = note.isEmpty ? "has elements that are not numbers" : note
      return .init(path: path, info: nil, offset: nil, problem: problem)
    }
    guard let shape = Shape(validating: dimensions),
      case let info = TensorInfo(name: path, dtype: dtype, shape: shape),
      let bytes = info.byteCount
    else { throw HDF5Table.Fault(problem: "has an impossible shape", place: path) }
    guard offset != .max else { return .init(path: path, info: info, offset: nil, problem: nil) }
    guard let start = Int(exactly: offset), start <= length, bytes <= length - start else {
      throw HDF5Table.Fault(problem: "lies outside the file", place: path)
    }
    return .init(path: path, info: info, offset: start, problem: nil)
  }

  private mutating func number<Value: FixedWidthInteger & UnsignedInteger>(
    _ type: Value.Type
  ) throws(HDF5Table.Fault) -> Value {
    guard let value = reader.read(type) else { throw truncated }
    return value
  }

  private var truncated: HDF5Table.Fault { .init(problem: "its table ended early", place: "") }

  /// Two opaque bytes are how h5py stores a bfloat16; nothing else in a Keras file is opaque.
  private static func dtype(_ kind: Character, size: Int) -> DType? {
    switch (kind, size) {
    case ("f", 2): .float16
    case ("f", 4): .float32
    case ("f", 8): .float64
    case ("b", 2), ("o", 2): .bfloat16
    case ("i", 1): .int8
    case ("i", 2): .int16
    case ("i", 4): .int32
    case ("i", 8): .int64
    case ("u", 1): .uint8
    case ("u", 2): .uint16
    case ("u", 4): .uint32
    case ("u", 8): .uint64
    default: nil
    }
  }
}

import Files
import Tensors

/// The header of an array file of NumPy: a Python dictionary of exactly three keys.
///
/// It is read by a parser of a few lines that knows these keys and nothing else; nothing is
/// evaluated. Layout: NumPy Enhancement Proposal 1 and `numpy/lib/format.py`, versions 1.0 to 3.0.
struct NPYHeader: Sendable {
  /// NumPy's own limit for a header that it did not check before.
  static let maximumHeaderBytes = 10_000

  /// The type of the elements.
  let dtype: DType
  /// Whether multi-byte elements are stored with the most significant byte first.
  let isBigEndian: Bool
  /// Whether the first index runs fastest.
  let isFortranOrder: Bool
  /// The dimensions.
  let shape: Shape
  /// Where the elements begin.
  let dataOffset: Int

  /// How the elements are stored.
  var elements: NumPyElements {
    NumPyElements(
      dtype: dtype, shape: shape, isBigEndian: isBigEndian, isFortranOrder: isFortranOrder)
  }

  /// Why a header is refused: what is wrong, and what was expected.
  struct Fault: Error {
    let problem: String
    let expected: String
  }

  /// Whether bytes begin as an array file does.
  static func isNPY(_ prefix: [UInt8]) -> Bool {
    prefix.starts(with: [0x93] + Array("NUMPY".utf8))
  }

  /// Reads the header at the start of an array file.
  ///
  /// - Parameter bytes: at least the header; ``maximumHeaderBytes`` and a few more are enough.
  init(_ bytes: [UInt8]) throws(Fault) {
    var reader = ByteReader(bytes)
    guard let magic = reader.read(count: 6), Self.isNPY(Array(magic)),
      let major = reader.read(UInt8.self), reader.read(UInt8.self) == 0
    else { throw Fault(problem: "is not a .npy array", expected: "it begins otherwise") }
    guard (1...3).contains(major) else {
      throw Fault(problem: "is a .npy array of version \(major)", expected: "1 to 3 are read")
    }
    let declared =
      major == 1 ? reader.read(UInt16.self).map(Int.init) : reader.read(UInt32.self).map(Int.init)
    guard let count = declared, count <= Self.maximumHeaderBytes,
      let text = reader.readText(count: count)
    else { throw Fault(problem: "has a damaged .npy header", expected: "its length is wrong") }
    var parser = DictionaryParser(text)
    guard let fields = parser.fields() else {
      throw Fault(
        problem: "has a damaged .npy header", expected: "descr, fortran_order and shape once each")
    }
    guard let (dtype, isBigEndian) = Self.types(fields.descr) else {
      throw Fault(
        problem: "has elements of type \(fields.descr)",
        expected: "floats of 2, 4 or 8 bytes, integers or booleans")
    }
    guard let shape = Shape(validating: fields.shape) else {
      throw Fault(problem: "has an impossible shape", expected: "shape \(fields.shape)")
    }
    self.dtype = dtype
    self.isBigEndian = isBigEndian
    isFortranOrder = fields.isFortranOrder
    self.shape = shape
    dataOffset = reader.offset
  }

  private static func types(_ descr: String) -> (DType, isBigEndian: Bool)? {
    guard let order = descr.first, "<>|=".contains(order),
      let dtype = dtype(ofCode: descr.dropFirst()), order != "|" || dtype.byteWidth == 1
    else { return nil }
    return (dtype, order == ">" && dtype.byteWidth > 1)
  }

  /// The type of NumPy's code of it, such as `f4`; `nil` for one that is none of numbers.
  static func dtype(ofCode code: some StringProtocol) -> DType? {
    switch code {
    case "f8": .float64
    case "f4": .float32
    case "f2": .float16
    case "i8": .int64
    case "i4": .int32
    case "i2": .int16
    case "i1": .int8
    case "u8": .uint64
    case "u4": .uint32
    case "u2": .uint16
    case "u1": .uint8
    case "b1": .bool
    default: nil
    }
  }
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }` and refuses everything else.
private struct DictionaryParser {
  struct Fields {
    var descr: String
    var isFortranOrder: Bool
    var shape: [Int]
  }

  private let characters: [Character]
  private var position = 0

  init(_ text: String) {
    characters = Array(text)
  }

  mutating func fields() -> Fields? {
    var descr: String?
    var isFortranOrder: Bool?
    var shape: [Int]?
    guard take("{") else { return nil }
    while !take("}") {
      guard let key = quoted(), take(":") else { return nil }
      switch key {
      case "descr" where descr == nil: descr = quoted()
      case "fortran_order" where isFortranOrder == nil: isFortranOrder = boolean()
      case "shape" where shape == nil: shape = tuple()
      default: return nil
      }
      if !take(",") {
        guard take("}") else { return nil }
        break
      }
    }
    skipSpace()
    guard position == characters.count, let descr, let isFortranOrder, let shape else { return nil }
    return Fields(descr: descr, isFortranOrder: isFortranOrder, shape: shape)
  }

  private mutating func skipSpace() {
    while position < characters.count, characters[position].isWhitespace { position += 1 }
  }

  private mutating func take(_ character: Character) -> Bool {
    skipSpace()
    guard position < characters.count, characters[position] == character else { return false }
    position += 1
    return true
  }

  private mutating func quoted() -> String? {
    skipSpace()
    guard position < characters.count, "'\"".contains(characters[position]) else { return nil }
    let quote = characters[position]
    guard let end = characters[(position + 1)...].firstIndex(of: quote) else { return nil }
    defer { position = end + 1 }
    return String(characters[(position + 1)..<end])
  }

  private mutating func boolean() -> Bool? {
    skipSpace()
    for (word, value) in [("True", true), ("False", false)]
    where characters[position...].starts(with: word) {
      position += word.count
      return value
    }
    return nil
  }

  private mutating func tuple() -> [Int]? {
    guard take("(") else { return nil }
    var values: [Int] = []
    while !take(")") {
      guard let value = number(), values.count < Shape.maximumRank else { return nil }
      values.append(value)
      if !take(",") {
        guard take(")") else { return nil }
        break
      }
    }
    return values
  }

  private mutating func number() -> Int? {
    skipSpace()
    let start = position
    while position < characters.count, characters[position].isASCII, characters[position].isNumber {
      position += 1
    }
    // Python 2 wrote large numbers with an L behind them.
    defer { if position < characters.count, characters[position] == "L" { position += 1 } }
    return Int(String(characters[start..<position]))
  }
}

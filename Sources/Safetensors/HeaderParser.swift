import Tensors

/// Reads the JSON of a safetensors header: exactly the structure that the format has, and nothing
/// more.
///
/// A general JSON reader would keep one of two entries of the same name without a word; two
/// programs could then load different weights from one file.
struct HeaderParser {
  /// The longest name or text of a file.
  private static let maximumTextBytes = 64 << 20

  /// The header's parts, in the order of the file.
  struct Contents {
    var metadata: [String: String] = [:]
    var entries: [Entry] = []
  }

  /// One tensor as the header has it.
  struct Entry {
    var name: String
    var dtype: String
    var shape: [Int]
    var begin: Int
    var end: Int
  }

  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// - Throws: ``SafetensorsFault`` for the first rule that is broken.
  mutating func contents() throws(SafetensorsFault) -> Contents {
    var contents = Contents()
    var names: Set<String> = []
    guard bytes.first == UInt8(ascii: "{") else { throw fault("does not begin with {") }
    try expect("{")
    if !take("}") {
      repeat {
        let name = try text()
        guard names.insert(name).inserted else { throw fault("has two entries named \(name)") }
        try expect(":")
        if name == "__metadata__" {
          contents.metadata = try metadata()
        } else {
          contents.entries.append(try entry(name))
        }
      } while take(",")
      try expect("}")
    }
    // Only spaces may follow; the format pads with them.
    guard bytes[position...].allSatisfy({ $0 == 0x20 }) else {
      throw fault("goes on after its closing brace")
    }
    return contents
  }

  private mutating func metadata() throws(SafetensorsFault) -> [String: String] {
    var result: [String: String] = [:]
    try expect("{")
    if take("}") { return result }
    repeat {
      let key = try text()
      try expect(":")
      let value = try text()
      guard result.updateValue(value, forKey: key) == nil else {
        throw fault("has two metadata entries named \(key)")
      }
    } while take(",")
    try expect("}")
    return result
  }

  private mutating func entry(_ name: String) throws(SafetensorsFault) -> Entry {
    var dtype: String?
    var shape: [Int]?
    var offsets: [Int]?
    try expect("{")
    repeat {
      let key = try text()
      try expect(":")
      switch key {
      case "dtype" where dtype == nil: dtype = try text()
      case "shape" where shape == nil: shape = try numbers()
      case "data_offsets" where offsets == nil: offsets = try numbers()
      default: throw fault("has an unexpected or second \(key) in the entry \(name)")
      }
    } while take(",")
    try expect("}")
    guard let dtype, let shape, let offsets, offsets.count == 2 else {
      throw fault("lacks dtype, shape or data_offsets in the entry \(name)")
    }
    return Entry(name: name, dtype: dtype, shape: shape, begin: offsets[0], end: offsets[1])
  }

  private mutating func numbers() throws(SafetensorsFault) -> [Int] {
    var result: [Int] = []
    try expect("[")
    if take("]") { return result }
    repeat {
      skipSpace()
      let start = position
      var value = 0
      while position < bytes.count, (0x30...0x39).contains(bytes[position]) {
        let (scaled, tooLarge) = value.multipliedReportingOverflow(by: 10)
        let (sum, overflow) = scaled.addingReportingOverflow(Int(bytes[position] - 0x30))
        guard !tooLarge, !overflow else { throw fault("has a number that is too large") }
        value = sum
        position += 1
      }
      let hasLeadingZero = position - start > 1 && bytes[start] == 0x30
      guard position > start, !hasLeadingZero else {
        throw fault("has no number where one belongs")
      }
      guard result.count < Shape.maximumRank else { throw fault("has too many dimensions") }
      result.append(value)
    } while take(",")
    try expect("]")
    return result
  }

  private mutating func text() throws(SafetensorsFault) -> String {
    try expect("\"")
    let start = position
    while position < bytes.count, bytes[position] != 0x22, bytes[position] != 0x5C,
      bytes[position] >= 0x20
    { position += 1 }
    guard position < bytes.count else { throw fault("ends within a text") }
    guard bytes[position] != 0x22 else {
      defer { position += 1 }
      guard let text = String(validating: bytes[start..<position], as: UTF8.self) else {
        throw fault("has a text that is not UTF-8")
      }
      return text
    }
    return try escapedText(from: start)
  }

  /// A text with escapes; slower, and only reached by those.
  private mutating func escapedText(from start: Int) throws(SafetensorsFault) -> String {
    var result = Array(bytes[start..<position])
    while position < bytes.count, result.count <= Self.maximumTextBytes {
      let byte = bytes[position]
      position += 1
      switch byte {
      case 0x22:
        guard let text = String(validating: result, as: UTF8.self) else {
          throw fault("has a text that is not UTF-8")
        }
        return text
      case 0x5C:
        result += try escape().utf8
      case ..<0x20:
        throw fault("has a control character in a text")
      default:
        result.append(byte)
      }
    }
    throw fault("ends within a text")
  }

  private mutating func escape() throws(SafetensorsFault) -> String {
    guard position < bytes.count else { throw fault("ends within a text") }
    defer { position += 1 }
    switch bytes[position] {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let first = try codeUnit(after: position)
      position += 4
      if let scalar = Unicode.Scalar(first) { return String(scalar) }
      guard (0xD800..<0xDC00).contains(first), position + 2 < bytes.count,
        bytes[position + 1] == 0x5C, bytes[position + 2] == UInt8(ascii: "u")
      else { throw fault("has half a character in a text") }
      let second = try codeUnit(after: position + 2)
      guard (0xDC00..<0xE000).contains(second),
        let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
      else { throw fault("has half a character in a text") }
      position += 6
      return String(scalar)
    default:
      throw fault("has an unknown escape in a text")
    }
  }

  private func codeUnit(after index: Int) throws(SafetensorsFault) -> UInt32 {
    guard index + 4 < bytes.count else { throw fault("ends within a text") }
    let digits = bytes[(index + 1)...(index + 4)]
    guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw fault("has a damaged escape in a text") }
    return value
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
      position += 1
    }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(SafetensorsFault) {
    guard take(character) else { throw fault("lacks a \(character)") }
  }

  private func fault(_ problem: String) -> SafetensorsFault {
    SafetensorsFault(problem: "its header \(problem)", place: "byte \(position + 8)")
  }
}

/// A broken rule of the format.
package struct SafetensorsFault: Error, Hashable, Sendable {
  /// What is wrong.
  package let problem: String
  /// Where.
  package let place: String
}

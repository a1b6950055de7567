/// A value of a JSON text, as strictly as the standard has it.
///
/// A general reader keeps one of two entries of the same name without a word; two programs could then
/// run different networks from one file. Here that is an error, and so are depths at which a reader
/// could run out of stack, and, unless they are asked for, numbers that are not finite.
package enum JSONValue: Hashable, Sendable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number without fraction and exponent that fits.
  case integer(Int)
  /// Any other number.
  case number(Double)
  /// A text.
  case text(String)
  /// A list.
  case list([JSONValue])
  /// Entries by name.
  case object([String: JSONValue])

  /// The entry of an object; `nil` where this is none or has no such entry.
  package subscript(name: String) -> JSONValue? {
    if case .object(let entries) = self { entries[name] } else { nil }
  }

  /// The elements of a list; `nil` where this is none.
  package var elements: [JSONValue]? {
    if case .list(let elements) = self { elements } else { nil }
  }

  /// The text; `nil` where this is none.
  package var text: String? {
    if case .text(let text) = self { text } else { nil }
  }

  /// The whole number; `nil` where this is none.
  package var integer: Int? {
    if case .integer(let value) = self { value } else { nil }
  }

  /// The number; `nil` where this is none.
  package var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}

extension JSONValue {
  /// Reads a whole text.
  ///
  /// - Parameter allowsNonFinite: whether `NaN`, `Infinity` and `-Infinity` are numbers, as Python writes them.
  /// - Throws: ``JSONFault`` for the first thing that is wrong.
  package init(
    json: some Collection<UInt8>, allowsNonFinite: Bool = false
  ) throws(JSONFault) {
    var parser = JSONParser(json, allowsNonFinite: allowsNonFinite)
    self = try parser.document()
  }
}

/// What is wrong with a JSON text.
package struct JSONFault: Error, Hashable, Sendable {
  /// What is wrong, such as `has two entries named x`.
  package let problem: String
  /// How many bytes come before.
  package let offset: Int
}

/// Reads JSON from bytes.
private struct JSONParser {
  /// How deep lists and objects may be within each other; a model within a model has about ten levels.
  private static let maximumDepth = 128

  private let bytes: [UInt8]
  private let allowsNonFinite: Bool
  private var position = 0
  private var depth = 0

  init(_ bytes: some Collection<UInt8>, allowsNonFinite: Bool) {
    self.bytes = Array(bytes)
    self.allowsNonFinite = allowsNonFinite
  }

  mutating func document() throws(JSONFault) -> JSONValue {
    let value = try value()
    skipSpace()
    guard position == bytes.count else { throw fault("goes on after its end") }
    return value
  }

  private mutating func value() throws(JSONFault) -> JSONValue {
    skipSpace()
    guard position < bytes.count else { throw fault("ends early") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return .object(try object())
    case UInt8(ascii: "["): return .list(try list())
    case UInt8(ascii: "\""): return .text(try text())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "N") where allowsNonFinite: return try word("NaN", .number(.nan))
    case UInt8(ascii: "I") where allowsNonFinite: return try word("Infinity", .number(.infinity))
    case UInt8(ascii: "-") where allowsNonFinite && bytes[position...].starts(with: "-I".utf8):
      return try word("-Infinity", .number(-.infinity))
    default: return try number()
    }
  }

  private mutating func object() throws(JSONFault) -> [String: JSONValue] {
    var entries: [String: JSONValue] = [:]
    try enter()
    defer { depth -= 1 }
    if take("}") { return entries }
    repeat {
      skipSpace()
      let name = try text()
      guard take(":") else { throw fault("lacks a colon") }
      guard entries.updateValue(try value(), forKey: name) == nil else {
        throw fault("has two entries named \(name)")
      }
    } while take(",")
    guard take("}") else { throw fault("lacks a closing brace") }
    return entries
  }

  private mutating func list() throws(JSONFault) -> [JSONValue] {
    var elements: [JSONValue] = []
    try enter()
    defer { depth -= 1 }
    if take("]") { return elements }
    repeat { elements.append(try value()) } while take(",")
    guard take("]") else { throw fault("lacks a closing bracket") }
    return elements
  }

  /// Steps into the list or object that begins here.
  private mutating func enter() throws(JSONFault) {
    position += 1
    depth += 1
    guard depth <= Self.maximumDepth else { throw fault("is nested too deeply") }
  }

  private mutating func word(_ word: String, _ value: JSONValue) throws(JSONFault) -> JSONValue {
    guard bytes[position...].starts(with: word.utf8) else { throw fault("has an unknown word") }
    position += word.utf8.count
    return value
  }

  /// Reads `-?(0|[1-9]digits)(.digits)?([eE][+-]?digits)?`.
  private mutating func number() throws(JSONFault) -> JSONValue {
    let start = position
    skip(if: [UInt8(ascii: "-")])
    if !skip(if: [UInt8(ascii: "0")]) { try digits() }
    if skip(if: [UInt8(ascii: ".")]) { try digits() }
    if skip(if: [UInt8(ascii: "e"), UInt8(ascii: "E")]) {
      skip(if: [UInt8(ascii: "+"), UInt8(ascii: "-")])
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      throw fault("has a number that is too large")
    }
    return .number(value)
  }

  private mutating func digits() throws(JSONFault) {
    let start = position
    while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
    guard position > start else { throw fault("has no value where one belongs") }
  }

  @discardableResult
  private mutating func skip(if wanted: [UInt8]) -> Bool {
    guard position < bytes.count, wanted.contains(bytes[position]) else { return false }
    position += 1
    return true
  }

  private mutating func text() throws(JSONFault) -> String {
    guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
      throw fault("lacks a name in quotes")
    }
    position += 1
    var result: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: result, as: UTF8.self) else {
          throw fault("has a text that is not UTF-8")
        }
        return text
      case UInt8(ascii: "\\"): result += try escape().utf8
      case ..<0x20: throw fault("has a control character in a text")
      default: result.append(byte)
      }
    }
    throw fault("ends within a text")
  }

  private mutating func escape() throws(JSONFault) -> String {
    guard position < bytes.count else { throw fault("ends within a text") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let first = try codeUnit()
      if let scalar = Unicode.Scalar(first) { return String(scalar) }
      guard (0xD800..<0xDC00).contains(first), bytes[position...].starts(with: "\\u".utf8) else {
        throw fault("has half a character in a text")
      }
      position += 2
      let second = try codeUnit()
      guard (0xDC00..<0xE000).contains(second),
        let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
      else { throw fault("has half a character in a text") }
      return String(scalar)
    default: throw fault("has an unknown escape in a text")
    }
  }

  private mutating func codeUnit() throws(JSONFault) -> UInt32 {
    let digits = bytes[position...].prefix(4)
    guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw fault("has a damaged escape in a text") }
    position += 4
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

  private func fault(_ problem: String) -> JSONFault {
    JSONFault(problem: problem, offset: position)
  }
}

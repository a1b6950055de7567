/// Reads JSON from bytes piece by piece, as strictly as the standard has it.
///
/// A general JSON reader would keep one of two entries of the same name without a word; two
/// programs could then load different weights from one file. Here that is an error, and so are depths
/// at which a reader could run out of stack.
package struct JSONReader {
  private let bytes: [UInt8]
  private var position = 0
  private var depth = 0

  /// What the bytes are, for messages; empty where these begin with what is wrong.
  private let subject: String

  /// The place of the first byte in the file, for messages.
  private let origin: Int

  private let maximumDepth: Int

  /// Starts at the first byte.
  ///
  /// - Parameter maximumDepth: how deep objects and lists may be nested, the outermost counted.
  package init(_ bytes: [UInt8], subject: String = "", origin: Int = 0, maximumDepth: Int = 16) {
    self.bytes = bytes
    self.subject = subject
    self.origin = origin
    self.maximumDepth = maximumDepth
  }

  /// Reads a text that is one object and nothing else: it begins with a brace, and only spaces may
  /// follow its last one.
  package mutating func onlyObject(
    _ value: (_ key: String, inout JSONReader) throws(FormatFault) -> Void
  ) throws(FormatFault) {
    guard bytes.first == UInt8(ascii: "{") else { throw fault("does not begin with {") }
    try object(value)
    try expectEnd()
  }

  /// Reads an object: the closure reads the value of each of its keys, of which none occurs twice.
  package mutating func object(
    _ value: (_ key: String, inout JSONReader) throws(FormatFault) -> Void
  ) throws(FormatFault) {
    try enter("{")
    var keys: Set<ByteText> = []
    if !take("}") {
      repeat {
        let key = try text()
        guard keys.insert(ByteText(key)).inserted else {
          throw fault("has two entries named \(key.shortened)")
        }
        try expect(":")
        try value(key, &self)
      } while take(",")
      try expect("}")
    }
    depth -= 1
  }

  /// Reads a list: the closure reads each of its values.
  package mutating func list(
    _ value: (inout JSONReader) throws(FormatFault) -> Void
  ) throws(FormatFault) {
    try enter("[")
    if !take("]") {
      repeat { try value(&self) } while take(",")
      try expect("]")
    }
    depth -= 1
  }

  /// Passes over a value up to the comma or bracket behind it: only its brackets and texts are looked at.
  package mutating func passOver() throws(FormatFault) {
    var open: [UInt8] = []
    skipSpace()
    let start = position
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
          position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard position < bytes.count else { throw fault("ends within a text") }
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        guard open.count < maximumDepth else { throw fault("is nested too deeply") }
        // The bracket that closes stands two behind the one that opens.
        open.append(byte + 2)
      case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ","):
        if open.isEmpty {
          guard position > start else { throw fault("has no value where one belongs") }
          return
        }
        if byte != UInt8(ascii: ",") {
          guard open.popLast() == byte else { throw fault("closes what is not open") }
        }
      default: break
      }
      position += 1
    }
    throw fault("ends early")
  }

  private mutating func enter(_ character: Unicode.Scalar) throws(FormatFault) {
    try expect(character)
    guard depth < maximumDepth else { throw fault("is nested too deeply") }
    depth += 1
  }

  /// Reads a whole number that is not negative.
  package mutating func wholeNumber() throws(FormatFault) -> Int {
    skipSpace()
    let start = position
    var value = 0
    while position < bytes.count, bytes[position] &- 0x30 < 10 {
      let (scaled, tooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflow) = scaled.addingReportingOverflow(Int(bytes[position] &- 0x30))
      guard !tooLarge, !overflow else { throw fault("has a number that is too large") }
      value = sum
      position += 1
    }
    let hasLeadingZero = position - start > 1 && bytes[start] == 0x30
    guard position > start, !hasLeadingZero else { throw fault("has no number where one belongs") }
    return value
  }

  /// Reads a text.
  package mutating func text() throws(FormatFault) -> String {
    try expect("\"")
    let start = position
    passPlainCharacters()
    guard position < bytes.count else { throw fault("ends within a text") }
    if bytes[position] == 0x22 {
      position += 1
      return try text(bytes[start..<position - 1])
    }
    return try escapedText(from: start)
  }

  /// A text with escapes; slower, and only reached by those.
  private mutating func escapedText(from start: Int) throws(FormatFault) -> String {
    var result = Array(bytes[start..<position])
    while position < bytes.count {
      switch bytes[position] {
      case 0x22:
        position += 1
        return try text(result[...])
      case 0x5C:
        position += 1
        try takeEscape(to: &result)
      case ..<0x20:
        throw fault("has a control character in a text")
      default:
        let start = position
        passPlainCharacters()
        result += bytes[start..<position]
      }
    }
    throw fault("ends within a text")
  }

  private func text(_ bytes: ArraySlice<UInt8>) throws(FormatFault) -> String {
    // Most are ASCII, for which this way is faster.
    if bytes.allSatisfy({ $0 < 0x80 }) { return String(decoding: bytes, as: UTF8.self) }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw fault("has a text that is not UTF-8")
    }
    return text
  }

  private mutating func passPlainCharacters() {
    while position < bytes.count, bytes[position] != 0x22, bytes[position] != 0x5C,
      bytes[position] >= 0x20
    { position += 1 }
  }

  private mutating func takeEscape(to result: inout [UInt8]) throws(FormatFault) {
    guard position < bytes.count else { throw fault("ends within a text") }
    let character = bytes[position]
    switch character {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(character)
    case UInt8(ascii: "b"): result.append(0x08)
    case UInt8(ascii: "f"): result.append(0x0C)
    case UInt8(ascii: "n"): result.append(0x0A)
    case UInt8(ascii: "r"): result.append(0x0D)
    case UInt8(ascii: "t"): result.append(0x09)
    case UInt8(ascii: "u"): result += String(try takeScalar()).utf8
    default: throw fault("has an unknown escape in a text")
    }
    position += 1
  }

  /// Reads `uXXXX` up to its last digit, or two of those for a character of two halves.
  private mutating func takeScalar() throws(FormatFault) -> Unicode.Scalar {
    let first = try codeUnit(after: position)
    position += 4
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard (0xD800..<0xDC00).contains(first), position + 2 < bytes.count,
      bytes[position + 1] == 0x5C, bytes[position + 2] == UInt8(ascii: "u")
    else { throw fault("has half a character in a text") }
    let second = try codeUnit(after: position + 2)
    guard (0xDC00..<0xE000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw fault("has half a character in a text") }
    position += 6
    return scalar
  }

  private func codeUnit(after index: Int) throws(FormatFault) -> UInt32 {
    guard index + 4 < bytes.count else { throw fault("ends within a text") }
    let digits = bytes[(index + 1)...(index + 4)]
    guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw fault("has a damaged escape in a text") }
    return value
  }

  /// Reads a number and gives it as it is written: `-?(0|[1-9]digits)(.digits)?([eE][+-]?digits)?`.
  package mutating func number() throws(FormatFault) -> Substring {
    let word = word()
    guard Self.isNumber(word.utf8) else {
      throw fault("has no value where one belongs, or none of JSON")
    }
    return word
  }

  private static func isNumber(_ word: Substring.UTF8View) -> Bool {
    var rest = word[...]
    func skip(_ characters: String) -> Bool {
      guard let first = rest.first, characters.utf8.contains(first) else { return false }
      rest = rest.dropFirst()
      return true
    }
    func digits() -> Int {
      let count = rest.prefix { $0 &- 0x30 < 10 }.count
      rest = rest.dropFirst(count)
      return count
    }
    _ = skip("-")
    let hasZero = rest.first == 0x30
    let count = digits()
    guard count > 0, count == 1 || !hasZero else { return false }
    if skip("."), digits() == 0 { return false }
    if skip("eE") {
      _ = skip("+-")
      if digits() == 0 { return false }
    }
    return rest.isEmpty
  }

  /// The characters that come next as long as they may stand in a number or a word such as `true`.
  package mutating func word() -> Substring {
    skipSpace()
    let start = position
    while position < bytes.count, Self.isWord(bytes[position]) { position += 1 }
    return Substring(decoding: bytes[start..<position], as: UTF8.self)
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "+"), UInt8(ascii: "-"),
      UInt8(ascii: "."):
      true
    default: false
    }
  }

  /// The first byte of what comes next, or `nil` at the end.
  package mutating func next() -> UInt8? {
    skipSpace()
    return position < bytes.count ? bytes[position] : nil
  }

  /// Passes over the end; only spaces may be there, with which formats pad.
  private func expectEnd() throws(FormatFault) {
    guard bytes[position...].allSatisfy({ $0 == 0x20 }) else {
      throw fault("goes on after its closing brace")
    }
  }

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  /// Passes over a character where it comes next.
  package mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  /// Passes over a character that must come next.
  package mutating func expect(_ character: Unicode.Scalar) throws(FormatFault) {
    guard take(character) else { throw fault("lacks a \(character)") }
  }

  /// A broken rule at the current place.
  package func fault(_ problem: String) -> FormatFault {
    FormatFault(
      problem: subject.isEmpty ? problem : "\(subject) \(problem)",
      place: "byte \(position + origin)")
  }
}

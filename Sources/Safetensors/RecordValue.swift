/// A value of a JSON text, as far as the texts of a file may hold one: there is no null.
package indirect enum RecordValue: Sendable {
  /// An object, its keys in the order of the text; none occurs twice.
  case object([(key: String, value: RecordValue)])
  /// A list.
  case list([RecordValue])
  /// A text.
  case text(String)
  /// A number as it is written, which is one of JSON and finite as float64.
  case number(String)
  /// True or false.
  case flag(Bool)
}

extension StrictJSON {
  /// The longest number; those that a file needs have 25 characters.
  private static let maximumNumberBytes = 64

  /// Reads a value of any kind.
  package mutating func value() throws(SafetensorsFault) -> RecordValue {
    switch next() {
    case UInt8(ascii: "\""):
      return .text(try text())
    case UInt8(ascii: "{"):
      var pairs: [(key: String, value: RecordValue)] = []
      try object { key, json throws(SafetensorsFault) in pairs.append((key, try json.value())) }
      return .object(pairs)
    case UInt8(ascii: "["):
      var values: [RecordValue] = []
      try list { json throws(SafetensorsFault) in values.append(try json.value()) }
      return .list(values)
    default:
      return try wordValue()
    }
  }

  private mutating func wordValue() throws(SafetensorsFault) -> RecordValue {
    let word = word()
    switch word {
    case "true": return .flag(true)
    case "false": return .flag(false)
    case "null": throw fault("has a null; what has no value is left out")
    default:
      guard Self.isNumber(word) else {
        throw fault("has no value where one belongs, or none of JSON")
      }
      return .number(word)
    }
  }

  /// Whether a word is a number as JSON has it, which other languages read in one way.
  private static func isNumber(_ word: String) -> Bool {
    var rest = Array(word.utf8)[...]
    func digits() -> Int {
      let count = rest.prefix { $0 &- 0x30 < 10 }.count
      rest = rest.dropFirst(count)
      return count
    }
    if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
    let hasZero = rest.first == 0x30
    let count = digits()
    guard count > 0, count == 1 || !hasZero else { return false }
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      guard digits() > 0 else { return false }
    }
    if rest.first.map({ $0 | 0x20 }) == UInt8(ascii: "e") {
      rest = rest.dropFirst()
      if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
        rest = rest.dropFirst()
      }
      guard digits() > 0 else { return false }
    }
    return rest.isEmpty && word.utf8.count <= maximumNumberBytes
      && Double(word).map(\.isFinite) == true
  }
}

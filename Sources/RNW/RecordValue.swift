package import Plain

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

extension JSONReader {
  /// The longest number; those that a file needs have 25 characters.
  private static let maximumNumberBytes = 64

  /// Reads a value of any kind.
  package mutating func value() throws(FormatFault) -> RecordValue {
    switch next() {
    case UInt8(ascii: "\""):
      return .text(try text())
    case UInt8(ascii: "{"):
      var pairs: [(key: String, value: RecordValue)] = []
      try object { key, json throws(FormatFault) in pairs.append((key, try json.value())) }
      return .object(pairs)
    case UInt8(ascii: "["):
      var values: [RecordValue] = []
      try list { json throws(FormatFault) in values.append(try json.value()) }
      return .list(values)
    default:
      return try wordValue()
    }
  }

  private mutating func wordValue() throws(FormatFault) -> RecordValue {
    var ahead = self
    switch ahead.word() {
    case "true":
      self = ahead
      return .flag(true)
    case "false":
      self = ahead
      return .flag(false)
    case "null": throw fault("has a null; what has no value is left out")
    default:
      let number = try number()
      guard number.utf8.count <= Self.maximumNumberBytes, Double(number).map(\.isFinite) == true
      else { throw fault("has a number that is too large or too long") }
      return .number(String(number))
    }
  }
}

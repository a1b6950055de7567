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
  /// How deep lists and objects may be within each other; a model within a model has about ten levels.
  private static let maximumDepth = 128

  /// Reads a whole text.
  ///
  /// - Parameters:
  ///   - subject: what the text is, for messages, such as `its configuration`.
  ///   - allowsNonFinite: whether `NaN`, `Infinity` and `-Infinity` are numbers, as Python writes them.
  ///   - passedOver: the entries of the outermost object that are not needed: their values become `null`.
  /// - Throws: ``FormatFault`` for the first thing that is wrong.
  package init(
    json: some Collection<UInt8>, subject: String = "", allowsNonFinite: Bool = false,
    passingOver passedOver: Set<String> = []
  ) throws(FormatFault) {
    var reader = JSONReader(Array(json), subject: subject, maximumDepth: Self.maximumDepth)
    self = try JSONValue(
      &reader, allowsNonFinite: allowsNonFinite, passingOver: passedOver)
    guard reader.next() == nil else { throw reader.fault("goes on after its end") }
  }

  private init(
    _ reader: inout JSONReader, allowsNonFinite: Bool, passingOver passedOver: Set<String> = []
  ) throws(FormatFault) {
    switch reader.next() {
    case nil: throw reader.fault("ends early")
    case UInt8(ascii: "\""): self = .text(try reader.text())
    case UInt8(ascii: "{"):
      var entries: [String: JSONValue] = [:]
      try reader.object { name, reader throws(FormatFault) in
        if passedOver.contains(name) {
          try reader.passOver()
          entries[name] = .null
          return
        }
        let value = try JSONValue(&reader, allowsNonFinite: allowsNonFinite)
        // Swift takes names for the same where accents are composed otherwise.
        guard entries.updateValue(value, forKey: name) == nil else {
          throw reader.fault("has two entries named \(name.shortened)")
        }
      }
      self = .object(entries)
    case UInt8(ascii: "["):
      var elements: [JSONValue] = []
      try reader.list { reader throws(FormatFault) in
        elements.append(try JSONValue(&reader, allowsNonFinite: allowsNonFinite))
      }
      self = .list(elements)
    default: try self.init(word: &reader, allowsNonFinite: allowsNonFinite)
    }
  }

  private init(word reader: inout JSONReader, allowsNonFinite: Bool) throws(FormatFault) {
    var ahead = reader
    switch ahead.word() {
    case "true": self = .bool(true)
    case "false": self = .bool(false)
    case "null": self = .null
    case "NaN" where allowsNonFinite: self = .number(.nan)
    case "Infinity" where allowsNonFinite: self = .number(.infinity)
    case "-Infinity" where allowsNonFinite: self = .number(-.infinity)
    default:
      let text = try reader.number()
      if let value = Int(text) {
        self = .integer(value)
      } else if let value = Double(text), value.isFinite {
        self = .number(value)
      } else {
        throw reader.fault("has a number that is too large")
      }
      return
    }
    reader = ahead
  }
}

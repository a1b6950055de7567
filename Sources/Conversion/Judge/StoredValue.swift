import Plain
import Tensors

/// A value of a document that was written before, with the place at which it stands.
///
/// Every reading names the place of what is not as it should be.
struct StoredValue {
  private let value: JSONValue?
  private let place: String

  init(_ value: JSONValue?, place: String = "") {
    (self.value, self.place) = (value, place)
  }

  /// The value of a key.
  subscript(key: String) -> StoredValue {
    StoredValue(value?[key], place: place.isEmpty ? key : "\(place).\(key)")
  }

  /// Whether there is such a key; only one that is younger than others may be missing.
  var exists: Bool { value != nil }

  /// What a reading gives; `nil` where the value is null.
  func optional<Result>(
    _ read: (StoredValue) throws(FormatFault) -> Result
  ) throws(FormatFault) -> Result? {
    if case .null? = value { return nil }
    return try read(self)
  }

  func text() throws(FormatFault) -> String {
    guard let text = value?.text else { throw fault("a text was expected") }
    return text
  }

  func flag() throws(FormatFault) -> Bool {
    guard case .bool(let flag)? = value else { throw fault("true or false was expected") }
    return flag
  }

  /// A whole number that is not negative.
  func count() throws(FormatFault) -> Int {
    guard let count = value?.integer, count >= 0 else {
      throw fault("a whole number was expected that is not negative")
    }
    return count
  }

  /// A number, or the text that stands for one that JSON lacks.
  func figure() throws(FormatFault) -> Double {
    if let number = value?.number { return number }
    switch value?.text {
    case "inf": return .infinity
    case "-inf": return -.infinity
    case "nan": return .nan
    default: throw fault("a number was expected")
    }
  }

  /// A figure that is not negative.
  func magnitude() throws(FormatFault) -> Double {
    let figure = try figure()
    guard figure >= 0 else { throw fault("a number was expected that is not negative") }
    return figure
  }

  /// A limit, which is finite and more than 0.
  func limit() throws(FormatFault) -> Double {
    let figure = try figure()
    guard figure > 0, figure.isFinite else { throw fault("a positive number was expected") }
    return figure
  }

  func list<Element>(
    _ read: (StoredValue) throws(FormatFault) -> Element
  ) throws(FormatFault) -> [Element] {
    guard let elements = value?.elements else { throw fault("a list was expected") }
    var result: [Element] = []
    for (index, element) in elements.enumerated() {
      result.append(try read(StoredValue(element, place: "\(place)[\(index)]")))
    }
    return result
  }

  func entries() throws(FormatFault) -> [String: StoredValue] {
    guard case .object(let entries)? = value else { throw fault("an object was expected") }
    return Dictionary(uniqueKeysWithValues: entries.keys.map { ($0, self[$0]) })
  }

  func shape() throws(FormatFault) -> Shape {
    guard let shape = Shape(validating: try list { value throws(FormatFault) in try value.count() })
    else { throw fault("a shape was expected") }
    return shape
  }

  /// The value as a JSON text.
  func json() throws(FormatFault) -> String {
    guard let value else { throw fault("an object was expected") }
    return value.json
  }

  /// What is wrong with the value.
  func fault(_ expected: String) -> FormatFault {
    FormatFault(problem: "is no comparison that can be judged", place: "\(place): \(expected)")
  }
}

import Files
import Plain
import Tensors

/// The settings of one layer, read with errors that name the layer.
struct LayerSettings {
  /// The largest number of pixels, channels or steps that a setting may have.
  private static let maximumExtent = 1 << 24

  /// The file, for messages.
  let path: String
  /// What the layer is called.
  let name: String
  /// Which kind of layer it is.
  let className: String
  /// The settings as they are written.
  let values: JSONValue
  /// Whether the class is Keras' own and not somebody's of the same name.
  let isKerasOwn: Bool
  /// Where the class comes from.
  let module: String
  /// What the class was registered as.
  let registeredName: String?
  /// The version of Keras that wrote the file, where that is known.
  let version: String?

  /// An error at this layer.
  func fault(_ problem: String, expected: String? = nil) -> InputError {
    InputError(
      .badData, path: path, "has a configuration in which \(name) \(problem)",
      place: "a layer of class \(className)" + (expected.map { "; expected \($0)" } ?? ""))
  }

  /// The error for an option that is not understood.
  func refusal(of setting: String) -> InputError {
    fault("has a \(setting) that its own graph cannot be run with")
  }

  /// The policy by which the layer computes in half precision: a name, or an object that has one.
  var halfPrecision: String? {
    let policy = values["dtype"]
    let name = policy?.text ?? policy?["config"]?["name"]?.text ?? policy?["config"]?.text
    return name.flatMap { $0.hasSuffix("float16") ? $0 : nil }
  }

  /// How the layer computes with quantised values, such as `int8` or `float8`; `nil` where it does not.
  var quantization: String? {
    let policy = values["dtype"]
    if let text = policy?.text, text.contains("_from_") { return text }
    return policy?["config"]?["mode"]?.text
  }

  /// The type of whole numbers that an input takes, where what is computed with pixels may leave it.
  var integerType: String? {
    values["dtype"]?.text.flatMap {
      ["uint8", "int8", "uint16", "int16", "uint32", "uint64", "bool"].contains($0) ? $0 : nil
    }
  }

  /// Whether a setting is left out or `null`.
  func isAbsent(_ setting: String) -> Bool {
    values[setting] == nil || values[setting] == .null
  }

  func flag(_ setting: String, default standard: Bool) throws(InputError) -> Bool {
    switch values[setting] {
    case nil, .null: return standard
    case .bool(let value): return value
    default: throw fault("has a damaged \(setting)", expected: "true or false")
    }
  }

  func number(_ setting: String, default standard: Double? = nil) throws(InputError) -> Double {
    if let standard, isAbsent(setting) { return standard }
    guard let value = values[setting]?.number, value.isFinite else {
      throw fault("lacks its \(setting)", expected: "a number")
    }
    return value
  }

  /// One number, or a list with one for each channel.
  func numbers(_ setting: String, default standard: Double) throws(InputError) -> [Double] {
    if let elements = values[setting]?.elements {
      let numbers = elements.compactMap(\.number)
      guard numbers.count == elements.count, !numbers.isEmpty, numbers.allSatisfy(\.isFinite) else {
        throw fault("has a damaged \(setting)", expected: "numbers")
      }
      return numbers
    }
    return [try number(setting, default: standard)]
  }

  /// A whole number from 1 up.
  func extent(_ setting: String) throws(InputError) -> Int {
    guard let value = values[setting]?.integer, (1...Self.maximumExtent).contains(value) else {
      throw fault(
        "has an impossible \(setting)", expected: "a number from 1 to \(Self.maximumExtent)")
    }
    return value
  }

  /// Two whole numbers, height and width, each from a minimum up; one number stands for both.
  func pair(_ setting: String, from minimum: Int = 1) throws(InputError) -> (Int, Int) {
    guard let value = values[setting] else { throw fault("lacks its \(setting)") }
    return try pair(value, setting, from: minimum)
  }

  func pair(
    _ value: JSONValue, _ setting: String, from minimum: Int
  ) throws(InputError) -> (Int, Int) {
    let numbers = value.integer.map { [$0, $0] } ?? (value.elements ?? []).compactMap(\.integer)
    let isWhole = value.integer != nil || value.elements?.count == 2
    guard isWhole, numbers.count == 2,
      numbers.allSatisfy({ (minimum...Self.maximumExtent).contains($0) })
    else {
      throw fault(
        "has an impossible \(setting)",
        expected: "two numbers from \(minimum) to \(Self.maximumExtent)")
    }
    return (numbers[0], numbers[1])
  }

  /// Two whole numbers that are the same.
  func square(_ setting: String) throws(InputError) -> Int {
    let (height, width) = try pair(setting)
    guard height == width else { throw refusal(of: "\(setting) of two different numbers") }
    return height
  }

  /// Whether the padding is `same`.
  func isSame() throws(InputError) -> Bool {
    switch values["padding"]?.text {
    case "same": return true
    case "valid": return false
    default: throw refusal(of: "padding of another kind than valid and same")
    }
  }

  /// Refuses images with channels first.
  func requireChannelsLast() throws(InputError) {
    guard isAbsent("data_format") || values["data_format"] == .text("channels_last") else {
      throw refusal(of: "data_format of another kind than channels_last")
    }
  }
}

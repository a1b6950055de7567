import FoundationEssentials
import Tensors

extension Configuration {
  /// The most bytes that a configuration's JSON form may take.
  private static let maximumBytes = 1 << 18

  /// Reads the JSON form; `nil` where it is none.
  package init?(json: String) {
    guard json.utf8.count <= Self.maximumBytes,
      let value = try? JSONDecoder().decode(Self.self, from: Data(json.utf8))
    else { return nil }
    self = value
  }

  /// The configuration with one option set, found by its place in the JSON form, such as `block.stridedBlock` or
  /// `stages[1].stride`; or `outputStride`, see ``shrinking(by:)``.
  ///
  /// - Parameter text: the value; `none` for what may be absent; for a function a word as on the command line; for a
  ///   group of options its JSON form.
  /// - Throws: ``ConfigurationError`` where there is no such option, or it has no such value.
  package func setting(_ path: String, to text: String) throws(ConfigurationError) -> Configuration
  {
    if path == "outputStride" { return try shrinking(by: text) }
    let steps = try OptionTree.steps(of: path)
    let tree: OptionTree
    do {
      tree = try JSONDecoder().decode(OptionTree.self, from: JSONEncoder().encode(self))
    } catch {
      throw ConfigurationError("the options cannot be read")
    }
    // The JSON form of version 1.0 has the border of the usual pool only.
    let value =
      try OptionTree(function: text, at: path) ?? OptionTree(text, isWord: path == "stem.pool")
    let changed = try tree.setting(steps[...], to: value, path: path)
    do {
      return try JSONDecoder().decode(Configuration.self, from: JSONEncoder().encode(changed))
    } catch let DecodingError.dataCorrupted(context) {
      throw ConfigurationError("\(path) cannot be \(text): \(context.debugDescription)")
    } catch {
      throw ConfigurationError("\(path) cannot be \(text)")
    }
  }
}

/// JSON as a value, for options by their place.
private enum OptionTree: Codable {
  case object([String: OptionTree])
  case list([OptionTree])
  case text(String)
  case integer(Int)
  case number(Double)
  case bool(Bool)
  case null

  /// A step down: a key, or an index.
  enum Step {
    case key(String)
    case index(Int)
  }

  /// The value that a text stands for.
  init(_ text: String, isWord: Bool) {
    if text.hasPrefix("{") || text.hasPrefix("["),
      let group = try? JSONDecoder().decode(OptionTree.self, from: Data(text.utf8))
    {
      self = group
    } else if let bool = Bool(text) {
      self = .bool(bool)
    } else if let integer = Int(text) {
      self = .integer(integer)
    } else if let number = Double(text), number.isFinite {
      self = .number(number)
    } else {
      // What may be absent is absent where it is `none`; a stem without a pool has the word itself.
      self = text == "none" && !isWord ? .null : .text(text)
    }
  }

  /// A function of the head by its word; `nil` at the place of another option, and for what is no function.
  init?(function text: String, at path: String) throws(ConfigurationError) {
    guard path.hasPrefix("head.layers["), path.hasSuffix("].activation"),
      let function = ActivationFunction(text: text)
    else { return nil }
    do {
      self = try JSONDecoder().decode(Self.self, from: JSONEncoder().encode([function]))
    } catch {
      throw ConfigurationError("\(path) cannot be \(text)")
    }
    if case .list(let elements) = self, let element = elements.first { self = element }
  }

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let integer = try? value.decode(Int.self) {
      self = .integer(integer)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let list = try? value.decode([OptionTree].self) {
      self = .list(list)
    } else {
      self = .object(try value.decode([String: OptionTree].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .object(let entries): try value.encode(entries)
    case .list(let elements): try value.encode(elements)
    case .text(let text): try value.encode(text)
    case .integer(let number): try value.encode(number)
    case .number(let number): try value.encode(number)
    case .bool(let flag): try value.encode(flag)
    case .null: try value.encodeNil()
    }
  }

  static func steps(of path: String) throws(ConfigurationError) -> [Step] {
    var steps: [Step] = []
    for part in path.split(separator: ".", omittingEmptySubsequences: false) {
      let pieces = part.split(separator: "[", omittingEmptySubsequences: false)
      guard let key = pieces.first, !key.isEmpty else {
        throw ConfigurationError("'\(path)' is no place of an option")
      }
      steps.append(.key(String(key)))
      for piece in pieces.dropFirst() {
        guard piece.hasSuffix("]"), let index = Int(piece.dropLast()) else {
          throw ConfigurationError("'\(path)' is no place of an option")
        }
        steps.append(.index(index))
      }
    }
    return steps
  }

  func setting(
    _ steps: ArraySlice<Step>, to value: OptionTree, path: String
  ) throws(ConfigurationError) -> OptionTree {
    guard let step = steps.first else {
      switch (self, value) {
      case (.object, .object), (.list, .list), (.text, .object): return value
      case (.object(let entries), .text) where entries.count == 1 && path.hasSuffix(".activation"):
        return value
      case (.object, _), (.list, _): throw ConfigurationError("\(path) is a group of options")
      default: return value
      }
    }
    let rest = steps.dropFirst()
    switch (self, step) {
    case (.object(var entries), .key("pool")) where entries["poolPadding"] != nil:
      // The usual pool is written by its border alone.
      let usual = Configuration.Stem.Pool(padding: .zero)
      let whole = OptionTree.object([
        "size": .integer(usual.size), "stride": .integer(usual.stride),
        "padding": entries["poolPadding"] ?? .null,
      ])
      entries["poolPadding"] = nil
      entries["pool"] = rest.isEmpty ? value : try whole.setting(rest, to: value, path: path)
      return .object(entries)
    case (.object(var entries), .key(let key)):
      if let inner = entries[key] {
        entries[key] = try inner.setting(rest, to: value, path: path)
      } else if rest.isEmpty, key != "pool" {
        // Options that have their usual value may be left out; the reader knows which there are.
        entries[key] = value
      } else {
        throw ConfigurationError(
          "there is no option \(path) (at \(key); \(entries.keys.sorted().joined(separator: ", ")) are there)"
        )
      }
      return .object(entries)
    case (.list(var elements), .index(let index)) where elements.indices.contains(index):
      elements[index] = try elements[index].setting(rest, to: value, path: path)
      return .list(elements)
    default:
      throw ConfigurationError("there is no option \(path)")
    }
  }
}

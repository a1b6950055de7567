package import Files
import Plain

/// A list of items: a line of JSON for each, with `source`, and the options of `rnw convert` by their long names.
package struct Manifest {
  /// What may be said of items beside what a manifest itself means.
  package struct Rules: Sendable {
    /// The options that a batch gives by itself, by name.
    package var own: Set<String>
    /// The options that name files.
    package var files: Set<String>
    /// What comes before the options of each line.
    package var common: [String] = []
    /// Makes sure that arguments are some of `rnw convert`, and gives the files that they name; throws a `FormatFault`.
    package var check: @Sendable (_ arguments: [String]) throws -> [String]

    /// Describes rules.
    package init(
      own: Set<String>, files: Set<String>, common: [String],
      check: @escaping @Sendable (_ arguments: [String]) throws -> [String]
    ) {
      (self.own, self.files, self.common, self.check) = (own, files, common, check)
    }
  }

  private static let mostBytes = 1 << 30

  private let path: String
  private let folder: String
  private let rules: Rules
  /// The files that arguments name: most lines have the same.
  private var checked: [[String]: [String]] = [:]

  /// The items of a manifest; paths in it are relative to its folder.
  ///
  /// - Throws: `InputError` that names the first line that is wrong.
  package static func items(path: String, rules: Rules) throws(InputError) -> [BatchItem] {
    let file = try MappedFile(path: path)
    guard file.count <= mostBytes, let bytes = file.bytes(at: 0, count: file.count) else {
      throw InputError(.badData, path: path, "is too large for a manifest")
    }
    var manifest = Manifest(path: path, folder: path.folderAndName.folder, rules: rules)
    var items: [BatchItem] = []
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated()
    where line.contains(where: { ![0x20, 0x09, 0x0D].contains($0) }) {
      let place = "\(path):\(index + 1)"
      do throws(FormatFault) {
        items.append(try manifest.item(line, place: place))
      } catch {
        throw InputError(.badData, path: place, error.problem, place: error.place)
      }
    }
    return items
  }

  /// Whether a file is to be read as a manifest: it begins with an object.
  package static func isManifest(_ path: String) throws(InputError) -> Bool {
    let file = try MappedFile(path: path)
    let start = file.bytes(at: 0, count: min(file.count, 4096)) ?? []
    guard start.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) == UInt8(ascii: "{") else {
      return false
    }
    // A length of a binary header may be such a byte.
    return !start.contains(0)
  }

  private init(path: String, folder: String, rules: Rules) {
    (self.path, self.folder, self.rules) = (path, folder, rules)
  }

  private mutating func item(
    _ line: ArraySlice<UInt8>, place: String
  ) throws(FormatFault) -> BatchItem {
    guard case .object(var entries) = try JSONValue(json: line, subject: "this line") else {
      throw FormatFault(problem: "is no object", place: "{\"source\": …} was expected")
    }
    func take(_ key: String) throws(FormatFault) -> String? {
      guard let value = entries.removeValue(forKey: key) else { return nil }
      guard let text = value.text, !text.isEmpty, !text.utf8.contains(0) else {
        throw FormatFault(problem: "has no text for a \(key)", place: "a path was expected")
      }
      return text
    }
    let name = try take("name")
    guard let source = try take("source") else {
      throw FormatFault(problem: "names no source", place: "\"source\": PATH was expected")
    }
    var arguments = rules.common
    for (key, value) in entries.sorted(by: { ByteText($0.key) < ByteText($1.key) }) {
      arguments += try self.arguments(key, value)
    }
    let files: [String]
    if let known = checked[arguments] {
      files = known
    } else {
      do {
        files = try rules.check(arguments)
      } catch {
        throw error as? FormatFault
          ?? FormatFault(problem: "has options that are none", place: "\(error)")
      }
      // Where each line names a file of its own, nothing is remembered for ever.
      if checked.count < 1000 { checked[arguments] = files }
    }
    return BatchItem(
      name: BatchItem.name(of: name ?? source), source: located(source), options: arguments,
      files: files, place: place)
  }

  private func located(_ path: String) -> String { path.hasPrefix("/") ? path : folder + path }

  /// An option as arguments of the command.
  private func arguments(_ key: String, _ value: JSONValue) throws(FormatFault) -> [String] {
    let isName =
      !key.isEmpty && !key.hasPrefix("-")
      && key.utf8.allSatisfy {
        (0x61...0x7A).contains($0) || $0 == 0x2D || (0x30...0x39).contains($0)
      }
    guard isName, !rules.own.contains(key) else {
      throw FormatFault(
        problem: "has a key that is no option of an item", place: "\"\(key.shortened)\"")
    }
    switch value {
    case .bool(true): return ["--\(key)"]
    case .bool(false): return ["--no-\(key)"]
    case .integer(let number): return ["--\(key)=\(number)"]
    case .number(let number): return ["--\(key)=\(number)"]
    case .text(let text) where !text.utf8.contains(0):
      let isFile = rules.files.contains(key) && !text.hasPrefix("probe:")
      return ["--\(key)=\(isFile ? located(text) : text)"]
    case .list(let elements):
      var all: [String] = []
      for element in elements {
        if case .list = element { break }
        all += try arguments(key, element)
      }
      if !all.isEmpty { return all }
      fallthrough
    default:
      throw FormatFault(
        problem: "has no value for an option",
        place: "\"\(key.shortened)\"; a text, a number or true was expected")
    }
  }
}

import Files
import FoundationEssentials
import Tensors

/// What the classes of a network are called.
package struct ClassLabels: Hashable, Sendable {
  /// The names in the order of the classes.
  package let names: [String]

  /// The largest file that is read.
  private static let maximumBytes = 64 << 20

  /// Reads a file of labels: one on each line, a JSON list, or a JSON object with the numbers of the
  /// classes as keys, as in Keras' `imagenet_class_index.json`.
  ///
  /// - Throws: `InputError` where it is of no such form or has another number of classes.
  package init(path: String, classes: Int) throws {
    let file = try MappedFile(path: path)
    guard file.count <= Self.maximumBytes, let bytes = file.bytes(at: 0, count: file.count),
      let text = String(validating: bytes, as: UTF8.self)
    else { throw Self.error(path, "is no text", place: "UTF-8 was expected") }
    let content = text.drop { $0.isWhitespace || $0 == "\u{FEFF}" }
    names =
      switch content.first {
      case "[", "{": try Self.json(Data(content.utf8), path: path)
      default: Self.lines(content)
      }
    guard names.count == classes else {
      throw Self.error(
        path, "has \(names.count) \(names.count == 1 ? "label" : "labels")",
        place: "the network has \(classes) classes")
    }
    if let empty = names.firstIndex(where: \.isEmpty) {
      throw Self.error(path, "has no name for a class", place: "class \(empty)")
    }
  }

  private static func lines(_ text: Substring) -> [String] {
    var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    while lines.last?.allSatisfy(\.isWhitespace) == true { lines.removeLast() }
    return lines.map(String.init)
  }

  private static func json(_ data: Data, path: String) throws -> [String] {
    let decoder = JSONDecoder()
    if let list = try? decoder.decode([String].self, from: data) { return list }
    let numbered =
      (try? decoder.decode([String: String].self, from: data))
      // The last of a class's names is the one for people: ["n01440764", "tench"].
      ?? (try? decoder.decode([String: [String]].self, from: data))?
      .mapValues { $0.last ?? "" }
    guard let numbered else {
      throw error(
        path, "is no list of labels",
        place: #"a JSON list, {"0": "tench", …} or {"0": ["n01440764", "tench"], …} was expected"#)
    }
    return try (0..<numbered.count).map { index in
      guard let name = numbered[String(index)] else {
        throw error(path, "lacks a class", place: "class \(index) of \(numbered.count)")
      }
      return name
    }
  }

  private static func error(_ path: String, _ problem: String, place: String) -> InputError {
    InputError(.badData, path: path, problem, place: place)
  }
}

/// A pattern for layer names: `*` stands for any characters, `?` for one, a comma separates
/// alternatives.
package struct Glob: Hashable, Sendable {
  /// The pattern as it was written.
  package let text: String

  private let alternatives: [[Character]]

  /// Makes a pattern; one that is empty matches nothing.
  package init(_ text: String) {
    self.text = text
    alternatives = text.split(separator: ",").map(Array.init)
  }

  /// Whether a name matches one of the alternatives as a whole.
  package func matches(_ name: String) -> Bool {
    let name = Array(name)
    return alternatives.contains { Glob.matches($0, name) }
  }

  /// Whether a layer matches by either of its names.
  package func matches(name: String, familyName: String?) -> Bool {
    matches(name) || familyName.map(matches) == true
  }

  /// Goes back only to the last `*`, so the time is at most the product of the lengths.
  private static func matches(_ pattern: [Character], _ name: [Character]) -> Bool {
    var position = 0
    var star: (pattern: Int, name: Int)?
    var index = 0
    while index < name.count {
      if position < pattern.count, pattern[position] == "*" {
        star = (position, index)
        position += 1
      } else if position < pattern.count,
        pattern[position] == "?" || pattern[position] == name[index]
      {
        position += 1
        index += 1
      } else if let last = star {
        star = (last.pattern, last.name + 1)
        position = last.pattern + 1
        index = last.name + 1
      } else {
        return false
      }
    }
    return pattern[position...].allSatisfy { $0 == "*" }
  }
}

/// A name with places for what a regular expression found: `$1`, and `${1+1}` or `${1-1}` for a number more or less.
package struct NameTemplate: Hashable, Sendable {
  /// The name as it was written.
  package let text: String

  private let parts: [Part]

  private enum Part: Hashable, Sendable {
    case text(String)
    case group(Int, plus: Int?)
  }

  /// Returns `nil` for a place that is not written as one.
  package init?(_ text: String) {
    self.text = text
    var parts: [Part] = []
    var rest = text[...]
    while let mark = rest.firstIndex(of: "$") {
      if mark > rest.startIndex { parts.append(.text(String(rest[..<mark]))) }
      rest = rest[rest.index(after: mark)...]
      if rest.first == "{" {
        guard let end = rest.firstIndex(of: "}"),
          let part = Self.part(rest[rest.index(after: rest.startIndex)..<end])
        else { return nil }
        parts.append(part)
        rest = rest[rest.index(after: end)...]
      } else {
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), digits.count < 3 else { return nil }
        parts.append(.group(number, plus: nil))
        rest = rest.dropFirst(digits.count)
      }
    }
    if !rest.isEmpty { parts.append(.text(String(rest))) }
    self.parts = parts
  }

  private static func part(_ text: Substring) -> Part? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits), digits.count < 3 else { return nil }
    let rest = text.dropFirst(digits.count)
    if rest.isEmpty { return .group(number, plus: nil) }
    guard rest.first == "+" || rest.first == "-", rest.count < 5, let plus = Int(rest) else {
      return nil
    }
    return .group(number, plus: plus)
  }

  /// The name with the places filled; `nil` where a group is missing, or is no number where one is counted.
  func filled(with groups: [Substring?]) -> String? {
    var result = ""
    for part in parts {
      switch part {
      case .text(let text): result += text
      case .group(let index, let plus):
        guard groups.indices.contains(index), let group = groups[index] else { return nil }
        guard let plus else {
          result += group
          continue
        }
        guard let number = Int(group), number < 1 << 20, number + plus >= 0 else { return nil }
        result += String(number + plus)
      }
    }
    return result
  }
}

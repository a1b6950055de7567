/// Text from files of strangers, as it may be printed: one escaping for each kind of output.
///
/// What no reader can see, or what changes how the rest is shown, is written as `\u{…}` everywhere: control
/// characters, those that change the direction of text, and those of no width.
package enum Escaped {
  /// Lines for a terminal or the log of a build server, which takes some beginnings of lines for commands.
  ///
  /// - Parameter keepingColours: whether the escapes for colours stay, which are the tool's own.
  package static func lines(_ text: String, keepingColours: Bool = false) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let shown =
        keepingColours
        ? line.split(separator: "\u{1B}", omittingEmptySubsequences: false).enumerated()
          .map { index, part in index == 0 ? visible(part) : coloured(part) }.joined()
        : visible(line)
      return withoutCommands(shown)
    }.joined(separator: "\n")
  }

  /// A JSON document in which strings show all that is in them; a parser reads the same.
  package static func json(_ document: String) -> String {
    var result = ""
    result.reserveCapacity(document.utf8.count)
    // What may stay is taken over in pieces, as documents are long and little in them has to go.
    var start = document.startIndex
    var last: Unicode.Scalar = " "
    var place = start
    let scalars = document.unicodeScalars
    while place < scalars.endIndex {
      let scalar = scalars[place]
      let next = scalars.index(after: place)
      // Line breaks stand between strings only, and two signs in a row only in them.
      let isPlain = (0x20..<0x7F).contains(scalar.value) || scalar == "\n"
      if !isPlain && scalar.isInvisible || scalar == "#" && last == "#" {
        result += document[start..<place]
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
        start = next
      }
      last = scalar
      place = next
    }
    guard start > document.startIndex else { return document }
    return result + document[start...]
  }

  /// Text for an element or a quoted attribute of HTML or XML.
  package static func markup(_ text: String) -> String {
    var result = ""
    for scalar in text.escapingControlCharacters.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Text in which Markdown takes nothing for markup.
  package static func markdown(_ text: String) -> String {
    var result = ""
    for scalar in text.escapingControlCharacters.unicodeScalars {
      switch scalar {
      case "|", "*", "`", "\\", "[", "]", "~":
        result += "\\"
        result.unicodeScalars.append(scalar)
      case "<": result += "&lt;"
      case "&": result += "&amp;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Text as Markdown's code within a line, also in a cell of a table: there nothing is a mention or a reference either.
  package static func markdownCode(_ text: String) -> String {
    let text = text.escapingControlCharacters.replacing("`", with: "'")
    return "`\(text.replacing("|", with: "\\|"))`"
  }

  private static func visible(_ text: Substring) -> String {
    String(text).escapingControlCharacters
  }

  /// What follows an escape character: a colour of the tool's, or what must not reach a terminal.
  private static func coloured(_ part: Substring) -> String {
    let digits = part.dropFirst().prefix { $0.isASCII && $0.isNumber }
    let rest = part.dropFirst(1 + digits.count)
    guard part.first == "[", rest.first == "m" else { return "\\u{1b}" + visible(part) }
    return "\u{1B}[\(digits)m" + visible(rest.dropFirst())
  }

  /// GitHub takes `::name` at the beginning of a line for a command, `##[name]` anywhere in it; Azure and TeamCity
  /// `##vso[` and `##teamcity[`.
  private static func withoutCommands(_ line: String) -> String {
    var line = line
    if let first = line.firstIndex(where: { !$0.isWhitespace }), line[first...].hasPrefix("::") {
      line.replaceSubrange(first...first, with: "\\u{3a}")
    }
    guard line.contains("##") else { return line }
    return line.replacing("##", with: "#\\u{23}")
  }
}

extension String {
  /// The text in which every character can be seen: others are written as `\u{…}`.
  package var escapingControlCharacters: String {
    guard unicodeScalars.contains(where: \.isInvisible) else { return self }
    var result = ""
    for scalar in unicodeScalars {
      if scalar.isInvisible {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The text with its middle left out where it is too long.
  ///
  /// Scalars are counted: one character may be made of thousands.
  package func shortened(to width: Int) -> String {
    let scalars = unicodeScalars
    guard scalars.count > width else { return self }
    let head = width / 2
    return String(scalars.prefix(head)) + "…" + String(scalars.suffix(width - head - 1))
  }

  /// The text with the middle of long words left out: names come from files of strangers.
  package func shorteningWords(to width: Int = Self.longestName) -> String {
    guard unicodeScalars.count > width else { return self }
    return split(separator: " ", omittingEmptySubsequences: false)
      .map { String($0).shortened(to: width) }.joined(separator: " ")
  }

  /// How much of a name is printed.
  package static var longestName: Int { 120 }

  /// The text with spaces after it up to a width.
  package func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(width - count, 0))
  }

  /// The text with spaces before it up to a width.
  package func leftPadded(to width: Int) -> String {
    String(repeating: " ", count: max(width - count, 0)) + self
  }
}

extension Unicode.Scalar {
  /// Whether nobody can see it, or it changes how others are shown, or no document may have it.
  fileprivate var isInvisible: Bool {
    if isASCII { return value < 0x20 || value == 0x7F }
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate:
      return true
    default:
      return properties.isNoncharacterCodePoint || properties.isDefaultIgnorableCodePoint
    }
  }
}

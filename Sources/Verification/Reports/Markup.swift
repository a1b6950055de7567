import Tensors

extension String {
  /// The text for an element or a quoted attribute of HTML or XML: names come from files of
  /// strangers.
  var escapedForMarkup: String {
    var result = ""
    for character in escapingControlCharacters {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.append(character)
      }
    }
    return result
  }
}

import Comparison
import Plain

extension String {
  /// The text for an element or a quoted attribute of HTML or XML: names come from files of strangers, and are shortened.
  var escapedForMarkup: String { Escaped.markup(shorteningWords()) }
}

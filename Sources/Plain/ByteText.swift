/// A text that is only the same as another where its bytes are.
///
/// Swift's own texts are also the same where accents are composed otherwise, which no other language
/// does: readers would disagree on what occurs twice, and on what comes first.
package struct ByteText: Hashable, Comparable, Sendable {
  /// The text.
  package let text: String

  package init(_ text: String) {
    self.text = text
  }

  package static func == (one: ByteText, other: ByteText) -> Bool {
    one.text.utf8.elementsEqual(other.text.utf8)
  }

  package static func < (one: ByteText, other: ByteText) -> Bool {
    one.text.utf8.lexicographicallyPrecedes(other.text.utf8)
  }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

extension String {
  /// The text for a message: a name of a file may be as long as the file.
  package var shortened: String {
    count <= 80 ? self : prefix(79) + "…"
  }
}

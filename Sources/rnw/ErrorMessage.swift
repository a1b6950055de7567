import Conversion
import Files

/// How the tool ends where it cannot do what was asked: a line for people, and a document for programs that asked for one.
struct ErrorMessage: Encodable {
  /// The exit status.
  let status: Int32
  private let schema = "rnw.error/1"
  private let error: String
  private var hint: String?
  private var reason: String?
  private var text: String

  private enum CodingKeys: CodingKey { case schema, error, hint, reason, status }

  init(_ error: InputError, status: Int32) {
    self.init(error.description, hint: error.hint, status: status)
    reason = error.reason.rawValue
  }

  init(_ problem: String, hint: String? = nil, status: Int32) {
    (error, self.hint, self.status) = (problem, hint, status)
    text = "rnw: \(problem)\n" + (hint.map { "hint: \($0)\n" } ?? "")
  }

  /// - Parameter text: the argument parser's own: the problem, and how the command is used.
  init(parser text: String, status: Int32) {
    let first = text.split(separator: "\n").first.map(String.init) ?? text
    (error, self.status) = (first.hasPrefix("Error: ") ? String(first.dropFirst(7)) : first, status)
    self.text = text + "\n"
  }

  /// Writes the line to standard error, and the document to standard output where none was written before.
  func tell(asJSON: Bool) {
    StandardError.write(text)
    guard asJSON, !StandardOutput.hasDocument,
      let document = try? RecordCoding.json(self, pretty: true)
    else { return }
    try? StandardOutput.write(json: document + "\n")
  }
}

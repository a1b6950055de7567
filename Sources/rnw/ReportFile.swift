import Comparison
import Conversion
import Files
import Reports
import Tensors

/// A comparison written to a file; the extension of its name decides the form.
///
/// The file is begun before anything is computed, so that a place that cannot be written is known
/// at once, and takes its name only when the report is whole.
struct ReportFile {
  /// What reports can be.
  enum Form: String, CaseIterable {
    case html
    case json
    case md
    case xml

    /// Whether a comparison by a model's own graph, of no known options, has this form.
    var isOfOwnGraphs: Bool { self == .xml }
  }

  /// The form that the name asks for.
  let form: Form

  private let output: OutputFile

  /// When it was begun: what JUnit's time is counted from.
  private let start = ContinuousClock.now

  /// Begins a report.
  ///
  /// - Parameters:
  ///   - replacing: whether a file of that name may be replaced.
  ///   - inputs: what is read, models, archives and folders of inputs; no file of theirs is ever replaced.
  ///   - other: another file that is written, or `nil` for none.
  /// - Throws: `InputError` of kind `cannotCreate`.
  init(path: String, replacing: Bool, inputs: [String?], beside other: String? = nil) throws {
    guard path != "-" else {
      throw InputError(
        .cannotCreate, path: path, "is no file to write a report to",
        place: "a name that ends in \(Self.endings) was expected",
        hint: "--json prints the comparison to standard output")
    }
    guard let form = Self.form(of: path) else {
      throw InputError(
        .cannotCreate, path: path, "has an unknown extension for a report",
        place: "\(Self.endings) was expected")
    }
    self.form = form
    output = try OutputFile(
      path: path, replacing: replacing,
      inputs: filesRead(by: inputs, before: path)
        + [other.flatMap { FileStamp(path: $0)?.identity }].compactMap { $0 })
  }

  /// Writes the whole report and puts it into its place.
  ///
  /// - Parameters:
  ///   - result: what was compared.
  ///   - title: the model and what it was compared with.
  ///   - command: the command line.
  func write(_ result: Comparison.Outcome, title: String, command: String) throws {
    try write(
      JudgedComparison(outcome: result, title: title, measuredBy: command, file: nil),
      command: command)
  }

  /// Writes the whole report of a comparison by a model's own graph.
  ///
  /// The other forms describe a network of known options: ``Form/isOfOwnGraphs``.
  func write(_ own: OwnComparison, title: String, command: String) throws {
    try put(own.junit(suite: title, command: command, seconds: seconds))
  }

  /// Writes the whole report of a comparison that was judged.
  func write(_ judged: JudgedComparison, command: String) throws {
    let result = judged.outcome
    let title = judged.title ?? "a comparison"
    let text =
      switch form {
      case .html: HTMLReport(title: title, command: command).text(for: result)
      case .json: try JSONReport(judged, command: command).text()
      case .md: MarkdownReport(title: title, command: commandLineWithoutFolders).text(for: result)
      case .xml:
        JUnitReport(suite: title, command: command, seconds: seconds).text(for: result)
      }
    try put(text)
  }

  private var seconds: Double { (.now - start) / .seconds(1) }

  private func put(_ text: String) throws {
    try output.write(Array(text.utf8), at: 0)
    try output.commit()
  }

  /// Says that it was written.
  func tell() throws {
    try StandardOutput.write(WrittenFile(path: output.path).text + "\n")
  }

  private static func form(of path: String) -> Form? {
    let parts = path.split(separator: "/").last?.split(separator: ".") ?? []
    return parts.count > 1 ? Form(rawValue: parts[parts.count - 1].lowercased()) : nil
  }

  private static var endings: String {
    let all = Form.allCases.map { ".\($0.rawValue)" }
    return all.dropLast().joined(separator: ", ") + " or " + (all.last ?? "")
  }
}

extension JSONReport {
  /// The document of a comparison that was judged.
  init(_ judged: JudgedComparison, command: String) {
    self.init(
      judged.outcome, file: judged.file, command: command, title: judged.title,
      measuredBy: judged.measuredBy)
  }
}

/// The command line as it was given, for reports: what a shell would not take as it stands is
/// quoted.
let commandLine = CommandLine.arguments.enumerated().map { index, argument in
  index == 0 ? "rnw" : argument.quotedForShell
}.joined(separator: " ")

/// The same for a page that strangers see, such as a pull request's: absolute paths tell names and folders of a machine.
private let commandLineWithoutFolders = CommandLine.arguments.enumerated().map { index, argument in
  index == 0 ? "rnw" : (argument.hasPrefix("/") ? fileName(of: argument) : argument).quotedForShell
}.joined(separator: " ")

extension String {
  fileprivate var quotedForShell: String {
    let plain =
      !isEmpty
      && utf8.allSatisfy { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."),
          UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: ","),
          UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "@"), UInt8(ascii: "%"), 0x80...0xFF:
          true
        default: false
        }
      }
    return plain
      ? self
      : "'"
        + split(separator: "'", omittingEmptySubsequences: false)
        .joined(separator: "'\\''") + "'"
  }
}

import Files
import Plain

/// A small file that its user wrote: one JSON object, whose entries keep their order.
struct EntriesFile {
  private static let maximumBytes = 1 << 20

  /// The file.
  let path: String
  /// What it is, such as `file of limits`.
  let kind: String
  /// Such a file, for messages.
  let example: String

  /// Reads the entries one by one.
  ///
  /// A general JSON reader would lose their order, and take one of two equal names without a word.
  ///
  /// - Throws: `InputError` where it is of another form, or has a name twice.
  func read(
    _ entry: (_ name: String, inout JSONReader) throws(FormatFault) -> Void
  ) throws(InputError) {
    let file = try MappedFile(path: path)
    guard file.count <= Self.maximumBytes, let bytes = file.bytes(at: 0, count: file.count) else {
      throw InputError(.badData, path: path, "is too large for a \(kind)")
    }
    do throws(FormatFault) {
      var json = JSONReader(bytes)
      try json.object(entry)
      guard json.next() == nil else { throw json.fault("goes on after its closing brace") }
    } catch {
      throw InputError(
        .badData, path: path, error.problem,
        place: "\(error.place); one object such as \(example) was expected")
    }
  }
}

import Conversion
import Files
import Plain

/// A file that a command made, as it is told to people and to programs.
struct WrittenFile: Encodable {
  let path: String
  let bytes: Int

  /// Looks at a file that was just made.
  ///
  /// - Throws: `InputError` where it is gone.
  init(path: String) throws(InputError) {
    self.path = path
    bytes = try MappedFile(path: path).count
  }

  /// What was written, in one line.
  var text: String { "wrote \(path), \(grouped(bytes)) bytes" }
}

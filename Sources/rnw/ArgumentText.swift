import ArgumentParser

/// What arguments may be at all, whatever they are for.
enum ArgumentText {
  /// Makes sure that every argument is UTF-8: a name of other bytes would be read as one of another file, and written as one.
  ///
  /// - Throws: `UsageError` that names the first that is not.
  static func requireUnicode() throws(UsageError) {
    for index in 1..<max(Int(CommandLine.argc), 1) {
      guard let argument = CommandLine.unsafeArgv[index],
        String(validatingCString: argument) == nil
      else { continue }
      throw UsageError(
        "argument \(index) is not UTF-8: \(readable(argument))",
        hint: "rename the file, or name one that leads to it by a link or from within its folder")
    }
  }

  /// The bytes with those that are no printable ASCII as `\xFF`.
  private static func readable(_ argument: UnsafePointer<CChar>) -> String {
    var text = ""
    var place = argument
    while place.pointee != 0 {
      let byte = UInt8(bitPattern: place.pointee)
      let digits = String(byte, radix: 16, uppercase: true)
      text += (0x20..<0x7F).contains(byte) ? String(UnicodeScalar(byte)) : "\\x\(digits)"
      place += 1
    }
    return text
  }

  /// The name of a file or folder that is written: an empty one is none.
  ///
  /// - Throws: `ValidationError`.
  @Sendable static func output(_ text: String) throws -> String {
    guard !text.isEmpty else { throw ValidationError("an empty name is none of a file") }
    return text
  }
}

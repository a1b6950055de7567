/// The version of the format that is written, and those that are read.
enum FormatVersion {
  /// The version that is written for a network of a major version.
  ///
  /// A file is written in the oldest version that can express its network, so that old readers open what they
  /// understand.
  static func text(major: Int) -> String { "\(major).0" }

  /// The major versions that are read, of any minor version.
  static let majors = [1, 2]

  /// The most digits of a minor version.
  private static let maximumMinorDigits = 4

  /// Whether files of a version are read; `nil` for a text that is no version.
  ///
  /// A version has one spelling: two numbers of plain digits with a point between them, without sign,
  /// space or leading zero.
  static func isRead(_ version: String) -> Bool? {
    let parts = version.utf8.split(
      separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy(isNumber) else { return nil }
    return majors.contains { parts[0].elementsEqual(String($0).utf8) }
  }

  private static func isNumber(_ digits: Substring.UTF8View) -> Bool {
    (1...maximumMinorDigits).contains(digits.count) && digits.allSatisfy { $0 &- 0x30 < 10 }
      && (digits.count == 1 || digits.first != 0x30)
  }
}

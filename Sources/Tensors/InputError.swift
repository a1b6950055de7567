/// Something is wrong with a file that was given: said in one line that names the file and the
/// place.
public struct InputError: Error, Hashable, Sendable {
  /// How a fault is answered: the exit status of the command line follows from it.
  public enum Kind: Hashable, Sendable {
    /// The file is there, but what it holds is wrong (exit status 65).
    case badData
    /// The file is missing or cannot be read (exit status 66).
    case unreadable
    /// The output cannot be made, such as where it would replace an input (exit status 73).
    case cannotCreate
    /// Writing failed, such as on a full disk (exit status 74).
    case writeFailed
  }

  /// How the fault is answered.
  public let kind: Kind

  /// The file as the user named it.
  public let path: String

  /// What is wrong.
  public let problem: String

  /// Where in the file, and what was expected there, where that is known.
  public let place: String?

  /// What the user can do about it, where that is known; one line.
  public let hint: String?

  /// Makes an error.
  public init(
    _ kind: Kind, path: String, _ problem: String, place: String? = nil, hint: String? = nil
  ) {
    self.kind = kind
    self.path = path
    self.problem = problem
    self.place = place
    self.hint = hint
  }
}

extension InputError {
  /// There is no memory for so many bytes that a file needs.
  package static func noMemory(for count: Int, path: String) -> InputError {
    InputError(
      .unreadable, path: path, "needs more memory than this process can have",
      place: "\(max(count >> 20, 1)) MB more")
  }
}

extension InputError: CustomStringConvertible {
  /// The line for the user, without the program's name: `FILE: what is wrong (where; what was
  /// expected)`.
  public var description: String {
    // The path is what the user gave; the rest may have names from the file.
    let found = problem + (place.map { " (\($0))" } ?? "")
    let short = found.shorteningWords().shortened(to: Self.longestText)
    return "\(path): \(short)".escapingControlCharacters
  }

  /// How much of what is wrong is told: names that a file makes up may be of any length.
  private static let longestText = 1200
}

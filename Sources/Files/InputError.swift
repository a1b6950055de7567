import Plain

/// Something is wrong with a file that was given: said in one line that names the file and the
/// place.
///
/// ``reason-swift.property`` is what a program acts on, `description` what its user reads:
///
/// ```swift
/// do {
///   let network = try Network(contentsOf: path)
/// } catch {
///   switch error.reason {
///   case .missing: chooseAnotherFile()
///   case .unsupportedVersion: proposeAnUpdate()
///   case .damaged, .malformed: downloadAgain()
///   default: show("\(error)")  // FILE: what is wrong (where; what was expected)
///   }
/// }
/// ```
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

  /// Which rule was broken, as far as a program can act on it.
  ///
  /// Later versions may add cases: a `switch` has a `default`.
  public enum Reason: String, Hashable, Sendable, CaseIterable {
    /// There is no such file.
    case missing
    /// The file is there and cannot be read: permissions, a folder, a failing disk, a lack of memory.
    case unreadable
    /// HDF5 is read by the program `rnw-hdf5`, which is neither beside the running program, nor in `../libexec`, nor
    /// where `RNW_HDF5` says.
    case missingProgram
    /// The content is of no container that is read.
    case unknownContainer
    /// The file breaks a rule of its container.
    case malformed
    /// The file is of a version of its format that this one does not read.
    case unsupportedVersion
    /// A checksum differs from what was written: the file was damaged after that.
    case damaged
    /// Somebody wrote to the file while it was read.
    case changed
    /// The file has no tensor of the name that was asked for.
    case noSuchTensor
    /// The tensors are of no network that is known, or of several.
    case unknownNetwork
    /// Tensors are missing, left over or of other shapes than the network's.
    case otherNetwork
    /// Images or arrays do not fit the network that they are given to.
    case unfitInput
    /// The output cannot be made.
    case cannotCreate
    /// Writing failed.
    case writeFailed
  }

  /// How the fault is answered.
  public let kind: Kind

  /// Which rule was broken.
  public let reason: Reason

  /// The file as the user named it.
  public let path: String

  /// What is wrong.
  public let problem: String

  /// Where in the file, and what was expected there, where that is known.
  public let place: String?

  /// What the user can do about it, where that is known; one line.
  public let hint: String?

  /// Makes an error.
  ///
  /// - Parameter reason: which rule was broken; where `nil`, what the kind says of it.
  package init(
    _ kind: Kind, path: String, _ problem: String, place: String? = nil, hint: String? = nil,
    reason: Reason? = nil
  ) {
    self.kind = kind
    self.reason = reason ?? kind.reason
    self.path = path
    self.problem = problem
    self.place = place
    self.hint = hint
  }
}

extension InputError.Kind {
  /// What is known of the rule where nothing more is.
  fileprivate var reason: InputError.Reason {
    switch self {
    case .badData: .malformed
    case .unreadable: .unreadable
    case .cannotCreate: .cannotCreate
    case .writeFailed: .writeFailed
    }
  }
}

extension InputError {
  /// The same fault, with a closer reason where none but the kind was known.
  package func because(_ closer: Reason) -> InputError {
    guard reason == .malformed else { return self }
    return InputError(
      kind, path: path, problem, place: place, hint: hint, reason: closer)
  }

  /// Does what throws errors of this type; any other that it might throw becomes one.
  ///
  /// - Parameter path: the file that is worked on.
  package static func only<Result>(
    of path: String, _ body: () throws -> Result
  ) throws(InputError) -> Result {
    do {
      return try body()
    } catch let error as InputError {
      throw error
    } catch {
      throw InputError(.badData, path: path, "\(error)")
    }
  }

  /// What is said wherever there is no memory, by which another program can tell.
  package static let memoryProblem = "\(memoryWords)"

  /// The same for a signal handler, which cannot make a `String`.
  static let memoryWords: StaticString = "needs more memory than this process can have"

  /// There is no memory for so many bytes that a file needs.
  package static func noMemory(for count: Int, path: String) -> InputError {
    InputError(
      .unreadable, path: path, memoryProblem,
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

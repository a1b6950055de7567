import FoundationEssentials

/// How much of what can be tried the tests try.
///
/// Each run tries a share of the places at which a file can be damaged; `make test-thorough` tries all.
package enum Thorough {
  /// Whether everything is tried.
  package static let isAsked = ProcessInfo.processInfo.environment["RNW_THOROUGH"] != nil

  /// The distance from one place to the next: about a twelfth of all places, where not all are asked for.
  ///
  /// Both are odd, so that a run passes through all bits of a byte and all places of a word.
  package static func step(_ all: Int) -> Int { isAsked ? all : all * 12 + 1 | 1 }
}

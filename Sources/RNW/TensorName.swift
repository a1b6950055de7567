/// What a tensor of a `.rnw` may be called: 1 to 256 visible characters of ASCII.
///
/// Canonical names are. So no name ends early in C, none is taken for another because of how accents
/// are composed, and none does anything to a terminal.
enum TensorName {
  private static let maximumBytes = 256

  /// Whether a tensor may have a name.
  static func isValid(_ name: String) -> Bool {
    (1...maximumBytes).contains(name.utf8.count)
      && name.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }
}

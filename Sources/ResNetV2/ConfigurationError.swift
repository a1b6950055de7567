/// Why a configuration is not a network.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, in one line.
  public let description: String

  package init(_ description: String) {
    self.description = description
  }
}

/// Values that do not fill the dimensions that they are given.
public struct ValueCountError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The dimensions, as they were given.
  public let dimensions: [Int]

  /// The number of values, or of bytes where bytes were given.
  public let count: Int

  /// Describes values that do not fit.
  package init(dimensions: [Int], count: Int) {
    (self.dimensions, self.count) = (dimensions, count)
  }

  /// What is wrong, in one line.
  public var description: String {
    "\(count) values do not fill the shape \(dimensions)"
  }
}

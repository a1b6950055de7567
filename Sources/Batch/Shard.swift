/// One of several equal parts of a batch, each for a machine or a job of its own.
package struct Shard: Hashable, Sendable {
  /// Which part, from 1.
  package let number: Int
  /// How many parts there are.
  package let count: Int

  /// All of it.
  package static let whole = Shard(number: 1, count: 1)

  private static let mostParts = 100_000

  private init(number: Int, count: Int) {
    (self.number, self.count) = (number, count)
  }

  /// Reads `NUMBER/COUNT`, such as `3/16`; `nil` for what is no part.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let number = parts[0], let count = parts[1],
      (1...Self.mostParts).contains(count), (1...count).contains(number)
    else { return nil }
    self.init(number: number, count: count)
  }

  /// The elements of this part: every so many-th, so that what is large and stands together is spread.
  package func part<Element>(of elements: [Element]) -> [Element] {
    stride(from: number - 1, to: elements.count, by: count).map { elements[$0] }
  }
}

import Synchronization

/// How much of a network's weights is held in memory at once.
package enum WorkingMemory {
  /// Weights of so many bytes are held as a whole, which is fastest; of more, only what is being worked on.
  ///
  /// A network of four times the usual width has gigabytes, and a conversion several copies of them.
  @TaskLocal package static var whole = 512 << 20

  /// What several threads work on at once of weights that are not held as a whole.
  private static let share = 64 << 20

  /// The bytes that may be worked on at once, of weights of a size.
  package static func shared(among total: Int) -> Int { total > whole ? share : .max }

  /// What counts the blocks of weights and of values that this task takes; tests see by it what is held at once.
  @TaskLocal package static var meter: Meter?

  /// A count of bytes that are held, and the most that were at once.
  package final class Meter: Sendable {
    private let bytes = Mutex<(held: Int, most: Int)>((0, 0))

    package init() {}

    /// The most bytes that were held at once.
    package var most: Int { bytes.withLock { $0.most } }

    /// Notes bytes that are taken, or given back where negative.
    package func add(_ count: Int) {
      bytes.withLock { bytes in
        bytes.held += count
        bytes.most = max(bytes.most, bytes.held)
      }
    }
  }
}

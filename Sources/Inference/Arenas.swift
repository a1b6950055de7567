import Synchronization
import Tensors

/// The memory of runs that have ended, kept for the next ones.
///
/// Fresh memory costs a page fault for every four kilobytes, which is a tenth of a small network's
/// time.
final class Arenas: Sendable {
  /// How many are kept: as many tasks may use one executor at once without new memory.
  private static let maximumKept = 4

  private let kept = Mutex<[AlignedFloats]>([])

  /// Memory of exactly so many floats, with any content.
  func take(count: Int) -> AlignedFloats {
    let known = kept.withLock { kept in
      kept.firstIndex { $0.count == count }.map { kept.remove(at: $0) }
    }
    return known ?? AlignedFloats(count: count)
  }

  /// Takes memory back; the oldest goes where there is too much.
  func giveBack(_ arena: AlignedFloats) {
    kept.withLock { kept in
      kept.append(arena)
      if kept.count > Self.maximumKept { kept.removeFirst() }
    }
  }
}

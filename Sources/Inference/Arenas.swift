import Synchronization
import Tensors

/// The memory of work that has ended, kept for the next.
///
/// Fresh memory costs a page fault for every four kilobytes, which is a tenth of a small network's
/// time.
final class Arenas: Sendable {
  /// How many are kept: enough for a few tasks that use one executor at once.
  private static let maximumKept = 8

  private let kept = Mutex<[AlignedFloats]>([])

  /// Memory of at least so many floats, with any content.
  func take(count: Int) -> AlignedFloats {
    let known = kept.withLock { kept in
      // Not a much larger one: that would be missed when its own user comes.
      let fitting = kept.indices.filter { count...count * 2 ~= kept[$0].count }
      return fitting.min { kept[$0].count < kept[$1].count }.map { kept.remove(at: $0) }
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

  /// Lets go of all that is kept.
  func removeAll() {
    kept.withLock { $0 = [] }
  }

  /// Lends memory for as long as a closure runs.
  func withFloats<Result>(count: Int, _ body: (UnsafeMutablePointer<Float>) -> Result) -> Result {
    let floats = take(count: count)
    defer { giveBack(floats) }
    return body(floats.pointer)
  }
}

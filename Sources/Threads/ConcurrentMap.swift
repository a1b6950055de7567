import Synchronization

// For the case that a closure escapes from where it must not, the compiler puts the length of the file's path into the program:
// here of a name without folders, so that a build in any folder gives the same bytes (Scripts/check-reproducible).
#sourceLocation(file:"concurrent map",line:6)
/// Transforms the elements of an array on several threads; the result has the order of the array.
///
/// For work of milliseconds per element: reading, transposing, compressing. The forward pass has
/// its own threads. The first error in the order of the array is the one that is thrown. The calling thread
/// works too: where no other can be started it does all of it.
package func concurrentMap<Element: Sendable, Result: Sendable>(
  _ elements: [Element], threads: Int, _ transform: @Sendable (Element) throws -> Result
) throws -> [Result] {
  let workers = min(max(threads, 1), elements.count)
  guard workers > 1 else { return try elements.map(transform) }
  // Every thread has ended before this returns, and with it the use of the closure.
  return try withoutActuallyEscaping(transform) { transform in
    let work = SharedWork(elements, transform)
    var started: [StartedThread] = []
    while started.count < workers - 1, let thread = StartedThread({ work.takeElements() }) {
      started.append(thread)
    }
    work.takeElements()
    for thread in started { thread.join() }
    return try work.collected()
  }
}
#sourceLocation()

/// The same for elements that take memory while they are worked on: one of more than a thread's share of it is worked on
/// alone, by all threads.
///
/// - Parameters:
///   - budget: the bytes that may be worked on at once.
///   - bytes: what an element takes.
///   - transform: is given an element, and on how many threads it may be worked on.
package func concurrentMap<Element: Sendable, Result: Sendable>(
  _ elements: [Element], threads: Int, sharing budget: Int, bytes: (Element) -> Int,
  _ transform: @Sendable (Element, _ threads: Int) throws -> Result
) throws -> [Result] {
  let threads = max(threads, 1)
  let isLarge = elements.map { bytes($0) > budget / threads }
  var alone = try zip(elements, isLarge).filter(\.1).map { try transform($0.0, threads) }[...]
  let small = zip(elements, isLarge).filter { !$0.1 }.map(\.0)
  var together = try concurrentMap(small, threads: threads) { try transform($0, 1) }[...]
  return isLarge.compactMap { $0 ? alone.popFirst() : together.popFirst() }
}

/// Elements that several threads take one after the other.
private final class SharedWork<Element: Sendable, Result: Sendable>: Sendable {
  private let elements: [Element]
  private let transform: @Sendable (Element) throws -> Result
  private let next = Atomic<Int>(0)
  private let results: Mutex<[Swift.Result<Result, any Error>?]>

  init(_ elements: [Element], _ transform: @escaping @Sendable (Element) throws -> Result) {
    self.elements = elements
    self.transform = transform
    results = Mutex(Array(repeating: nil, count: elements.count))
  }

  /// Works until nothing is left.
  func takeElements() {
    while true {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < elements.count else { return }
      let result = Swift.Result { try transform(elements[index]) }
      results.withLock { $0[index] = result }
    }
  }

  /// The results in the order of the elements.
  func collected() throws -> [Result] {
    try results.withLock { collected in
      try collected.map { result in
        guard let result else { preconditionFailure("every element was transformed") }
        return try result.get()
      }
    }
  }
}

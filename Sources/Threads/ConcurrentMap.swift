import Synchronization

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

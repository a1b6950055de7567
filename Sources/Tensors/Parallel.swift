import Dispatch
import Synchronization

/// Transforms the elements of an array on several threads; the result has the order of the array.
///
/// For work of milliseconds per element: reading, transposing, compressing. The forward pass has
/// its own threads. The first error in the order of the array is the one that is thrown.
package func concurrentMap<Element: Sendable, Result: Sendable>(
  _ elements: [Element], threads: Int, _ transform: @Sendable (Element) throws -> Result
) throws -> [Result] {
  let workers = min(max(threads, 1), elements.count)
  guard workers > 1 else { return try elements.map(transform) }
  let next = Atomic<Int>(0)
  let results = Mutex<[Swift.Result<Result, any Error>?]>(
    Array(repeating: nil, count: elements.count))
  DispatchQueue.concurrentPerform(iterations: workers) { _ in
    while true {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < elements.count else { return }
      let result = Swift.Result { try transform(elements[index]) }
      results.withLock { $0[index] = result }
    }
  }
  return try results.withLock { collected in
    try collected.map { result in
      guard let result else { preconditionFailure("every element was transformed") }
      return try result.get()
    }
  }
}

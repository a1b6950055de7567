import Testing
import Threads

@Suite("Work on several threads")
struct ConcurrentMapTests {
  @Test("Work is done on the calling thread where no other can be started")
  func noThreads() throws {
    let numbers = Array(0..<100)
    let squares = try StartedThread.$isAllowed.withValue(false) {
      try concurrentMap(numbers, threads: 8) { $0 * $0 }
    }
    #expect(squares == numbers.map { $0 * $0 })
    #expect(try concurrentMap(numbers, threads: 8) { $0 * $0 } == squares)
  }

  @Test("What takes more than a thread's share of the memory is worked on alone")
  func sharing() throws {
    let sizes = [1, 50, 2, 60, 3, 100]
    let found = try concurrentMap(sizes, threads: 2, sharing: 100, bytes: { $0 }) { ($0, $1) }
    #expect(found.map(\.0) == sizes)
    #expect(found.map(\.1) == [1, 1, 1, 2, 1, 2])
  }

  @Test("The first error in the order of the elements is thrown, on any number of threads")
  func errors() {
    struct Failure: Error { let element: Int }
    for threads in [1, 2, 7] {
      let failure = #expect(throws: Failure.self) {
        try concurrentMap(Array(0..<50), threads: threads) { element in
          if element % 10 == 3 { throw Failure(element: element) }
        }
      }
      #expect(failure?.element == 3)
    }
  }
}

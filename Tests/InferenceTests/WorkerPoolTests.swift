import ResNetV2
import Synchronization
import Tensors
import TestSupport
import Testing
import Threads

@testable import Inference

@Suite("A pool of threads")
struct WorkerPoolTests {
  @Test("Work of several threads is done piece by piece, never on more threads than the pool has")
  func takesTurns() {
    let pool = WorkerPool(threads: 2)
    let working = Mutex(0)
    let most = Mutex(0)
    let done = Atomic<Int>(0)
    let callers = (0..<3).compactMap { _ in
      StartedThread {
        for _ in 0..<20 {
          pool.run(16) { _, worker in
            let now = working.withLock { count in
              count += 1
              return count
            }
            most.withLock { $0 = max($0, now) }
            #expect((0..<2).contains(worker))
            done.add(1, ordering: .relaxed)
            working.withLock { $0 -= 1 }
          }
        }
      }
    }
    for caller in callers { caller.join() }
    #expect(callers.count == 3)
    #expect(done.load(ordering: .relaxed) == 3 * 20 * 16)
    #expect(most.withLock { $0 } <= pool.threadCount)
  }

  @Test("Executors of one pool that run at the same time give the bits that each gives alone")
  func sharesThreads() throws {
    let (_, parameters) = try SampleNetwork.wide.make()
    let input = SampleNetwork.input([2, 32, 32, 3])
    let pool = WorkerPool(threads: 2)
    let executors: [any Executor] = [
      FastExecutor(parameters, pool: pool), ReferenceExecutor(parameters, pool: pool),
    ]
    let single = WorkerPool(threads: 1)
    let alone = try [
      FastExecutor(parameters, pool: single).run(input, observer: nil).values,
      ReferenceExecutor(parameters, pool: single).run(input, observer: nil).values,
    ]
    let results = try concurrentMap(Array(0..<8), threads: 4) {
      try executors[$0 % 2].run(input, observer: nil).values
    }
    for (index, values) in results.enumerated() { #expect(values == alone[index % 2]) }
  }

  @Test("A pool that gets no threads does its work on the calling one")
  func worksAlone() {
    StartedThread.$isAllowed.withValue(false) {
      let pool = WorkerPool(threads: 8)
      #expect(pool.threadCount == 1)
      var pieces: [Int] = []
      pool.run(5) { piece, _ in pieces.append(piece) }
      #expect(pieces == [0, 1, 2, 3, 4])
    }
  }
}

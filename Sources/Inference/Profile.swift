import CKernelSupport
import KernelSet
import ResNetV2
import Synchronization
package import Tensors

/// How long a forward pass took, step by step.
package struct Profile: Sendable {
  /// One step of the plan.
  package struct Step: Sendable {
    /// The nodes that the step computes, the one that it begins with first.
    package let nodes: [String]
    /// The floating-point operations of its convolution or dense layer: two for each product; 0 for
    /// others.
    package let operations: Int
    /// The bytes that the step must read and write at least: its inputs, its parameters, what it stores.
    package let bytes: Int
    /// The shape of the value of its first node.
    package let shape: Shape
    /// The middle of all its times, in seconds.
    package let median: Double
    /// The smallest of its times, in seconds.
    package let minimum: Double
  }

  /// The steps in order.
  package let steps: [Step]

  /// The middle of the times of whole passes without observation, in seconds.
  package let median: Double

  /// The smallest of them, in seconds.
  package let minimum: Double

  /// The bytes of the arena that holds all values between steps.
  package let activationBytes: Int

  /// The bytes of packed weights.
  package let weightBytes: Int

  /// The floating-point operations of all convolutions and dense layers.
  package var operations: Int { steps.reduce(0) { $0 + $1.operations } }
}

extension FastExecutor {
  /// Runs a network several times and measures.
  ///
  /// - Parameter keepsActivations: whether every node's value is stored, as for a comparison.
  /// - Throws: `InputShapeError` where the input does not fit.
  package func profile(
    _ input: Activation, repetitions: Int, keepsActivations: Bool = false
  ) throws -> Profile {
    let plan = try plan(for: input.shape, keepsActivations: keepsActivations)
    let observer: ((Int, Activation) -> Void)? = keepsActivations ? { _, _ in } : nil
    let clock = ContinuousClock()
    _ = try run(input, observer: observer)
    var passes: [Double] = []
    for _ in 0..<repetitions {
      let start = clock.now
      _ = try run(input, observer: observer)
      passes.append((clock.now - start) / .seconds(1))
    }
    var times = [[Double]](repeating: [], count: plan.steps.count)
    for _ in 0..<repetitions {
      let run = PlanRun(executor: self, plan: plan, input: input)
      var sums = [Double](repeating: 0, count: plan.steps.count)
      for (index, image) in plan.schedule {
        let start = clock.now
        run.perform(plan.steps[index], image: image)
        sums[index] += (clock.now - start) / .seconds(1)
      }
      for (index, sum) in sums.enumerated() { times[index].append(sum) }
    }
    let steps = zip(plan.steps, times).map { step, times in
      Profile.Step(
        nodes: step.nodes.map { graph.nodes[$0].name },
        operations: graph.nodes[step.node].operation.operations(output: plan.shapes[step.node]),
        bytes: bytes(step, plan), shape: plan.shapes[step.node], median: times.median,
        minimum: times.min() ?? 0)
    }
    let floats = MemoryLayout<Float>.size
    return Profile(
      steps: steps, median: passes.median, minimum: passes.min() ?? 0,
      activationBytes: plan.arenaCount * floats,
      weightBytes: constants.reduce(0) { $0 + ($1.weights?.count ?? 0) } * floats)
  }

  private func bytes(_ step: Plan.Step, _ plan: Plan) -> Int {
    let values = (step.inputs(in: graph) + step.stored).reduce(0) {
      $0 + plan.shapes[$1].elementCount
    }
    let parameters = step.nodes.flatMap { graph.nodes[$0].parameters }.reduce(0) {
      $0 + $1.shape.elementCount
    }
    return (values + parameters) * MemoryLayout<Float>.size
  }

  /// The rate at which all threads together copy memory that is in no cache, in bytes per second, read and
  /// written bytes counted: the best of several runs.
  package func measureBandwidth() -> Double {
    let count = 16 << 20
    let clock = ContinuousClock()
    var best = 0.0
    let source = AlignedFloats(zeros: count * pool.threadCount)
    let target = AlignedFloats(zeros: count * pool.threadCount)
    for _ in 0..<5 {
      let start = clock.now
      pool.run(pool.threadCount) { piece, _ in
        (target.pointer + piece * count).update(from: source.pointer + piece * count, count: count)
      }
      let bytes = 2 * count * pool.threadCount * MemoryLayout<Float>.size
      best = max(best, Double(bytes) / ((clock.now - start) / .seconds(1)))
    }
    return best
  }

  /// The rate of multiply-adds in registers on all threads, in operations per second: the best of
  /// several runs.
  package func measurePeak() -> Double {
    let clock = ContinuousClock()
    let iterations = 2_000_000
    var best = 0.0
    for _ in 0..<5 {
      let start = clock.now
      pool.run(pool.threadCount) { piece, _ in
        let result = kernels.multiplyAddPeak(iterations: iterations, seed: Float(piece))
        precondition(!result.isNaN)
      }
      let seconds = (clock.now - start) / .seconds(1)
      let operations = Double(iterations * kernels.peakOperations * pool.threadCount)
      best = max(best, operations / seconds)
    }
    return best
  }
}

extension FastExecutor {
  /// How long a word takes from one thread to another and back, in seconds: the best of several runs;
  /// `nil` where there is one thread.
  ///
  /// Cores that share a cache are well below 200 ns apart. A virtual machine may be given cores that share
  /// none, and others the next minute: what one thread left in its cache then comes late to the other.
  package func measureRoundTrip() -> Double? {
    guard pool.threadCount > 1 else { return nil }
    let clock = ContinuousClock()
    let trips = 20_000
    var best = Double.infinity
    for _ in 0..<5 {
      let word = Atomic(0)
      let start = clock.now
      // Two pieces, each on a thread of its own: neither ends before the other has begun.
      pool.run(2) { piece, _ in
        for trip in 0..<trips {
          while word.load(ordering: .acquiring) != 2 * trip + piece { rnw_pause() }
          word.store(2 * trip + piece + 1, ordering: .releasing)
        }
      }
      best = min(best, (clock.now - start) / .seconds(1) / Double(trips))
    }
    return best
  }
}

extension Operation {
  /// Two operations for each product of a convolution or dense layer; those outside the image
  /// count.
  func operations(output: Shape) -> Int {
    switch self {
    case .convolution(let conv):
      2 * output.elementCount * conv.inputChannels * conv.kernel * conv.kernel
    case .dense(let inputChannels, _, _):
      2 * output.elementCount * inputChannels
    default:
      0
    }
  }
}

extension [Double] {
  /// The middle value; 0 where there is none.
  fileprivate var median: Double {
    guard !isEmpty else { return 0 }
    let sorted = sorted()
    let middle = count / 2
    return count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }
}

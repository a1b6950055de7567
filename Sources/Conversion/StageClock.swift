/// How long each stage of a conversion took, in the order in which they ran.
package struct StageClock: Sendable {
  /// A stage and its wall time.
  package struct Stage: Sendable {
    /// What was done, such as `read`.
    package let name: String
    /// The wall time in seconds.
    package let seconds: Double
  }

  /// The stages that have ended.
  package private(set) var stages: [Stage] = []

  /// Runs a stage and notes its time; several runs of one name add up.
  package mutating func measure<Result>(
    _ name: String, _ body: () throws -> Result
  ) rethrows -> Result {
    let clock = ContinuousClock()
    let start = clock.now
    defer { add(clock.now - start, to: name) }
    return try body()
  }

  private mutating func add(_ duration: Duration, to name: String) {
    let seconds = duration / .seconds(1)
    if let index = stages.firstIndex(where: { $0.name == name }) {
      stages[index] = Stage(name: name, seconds: stages[index].seconds + seconds)
    } else {
      stages.append(Stage(name: name, seconds: seconds))
    }
  }
}

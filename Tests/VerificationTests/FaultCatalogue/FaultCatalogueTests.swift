import Foundation
import Inference
import TestSupport
import Testing

@testable import Comparison
@testable import Reports

/// Every kind of fault, put into random layers of random Keras and PyTorch networks.
@Suite("Fault catalogue")
struct FaultCatalogueTests {
  /// All trials, made once.
  ///
  /// A share of them where not all are asked for.
  private static let trials = Task {
    try await FaultTrial.all(repetitions: isWhole ? 4 : 2)
  }

  private static var isWhole: Bool {
    let environment = ProcessInfo.processInfo.environment
    return environment["RNW_ALL_FAULTS"] != nil || environment["RNW_WRITE_FAULT_TABLE"] != nil
  }

  @Test("There are many kinds of faults, and each can be seen")
  func kinds() async throws {
    #expect(Fault.all.count >= 25)
    #expect(Set(Fault.all.map(\.description)).count == Fault.all.count)
    let visible = Set(try await Self.trials.value.filter(\.isDetected).map(\.fault.description))
    #expect(Fault.all.map(\.description).filter { !visible.contains($0) } == [])
  }

  @Test("Whatever moves the output, on the image that was compared or on another, is detected")
  func detection() async throws {
    let missed = try await Self.trials.value.filter { $0.missedOn != nil }
    func report(_ trial: FaultTrial) -> String {
      "\(trial.report), moves \(trial.missedOn.map { "\($0)" } ?? "")"
    }
    // Two networks have weights and options; what a framework computed is of the inputs that it was given.
    let (ofValues, ofNetworks) = (
      missed.filter(\.hasValuesOnly), missed.filter { !$0.hasValuesOnly }
    )
    #expect(ofNetworks.map(report) == [])
    let all = try await Self.trials.value.count { $0.hasValuesOnly && $0.isVisible }
    let unseen = ofValues.map(report).joined(separator: "\n")
    print("values alone show \(all - ofValues.count) of \(all) faults; not these:\n\(unseen)")
    #expect(ofValues.count * 50 <= all, "\(unseen)")
    // Then the pass is not without a word.
    #expect(ofValues.filter { $0.notes.isEmpty }.map(report) == [])
    for evidence in FaultTrial.Evidence.allCases {
      let trials = try await Self.trials.value.filter { $0.evidence == evidence }
      print("detected by \(evidence): \(trials.count)")
      if evidence != .values { print(trials.map(\.report).joined(separator: "\n")) }
    }
  }

  @Test("The first wrong layer is always the right one", arguments: FaultTrial.Truth.allCases)
  func layers(_ truth: FaultTrial.Truth) async throws {
    let trials = try await Self.trials.value.filter { $0.truth == truth && $0.isDetected }
    #expect(trials.count > 200)
    #expect(trials.filter { !$0.isFound }.map(\.report) == [])
  }

  @Test("From weights 19 of 20 faults are explained, from an archive 18 of 20")
  func explanations() async throws {
    let trials = try await Self.trials.value.filter(\.isDetected)
    for truth in FaultTrial.Truth.allCases {
      let own = trials.filter { $0.truth == truth }
      let explained = own.count(where: \.isExplained)
      let silent = own.filter { !$0.isExplained }.map(\.report).joined(separator: "\n")
      if Self.isWhole { print(silent) }
      print("against \(truth.rawValue): \(explained) of \(own.count) faults explained")
      #expect(explained * 20 >= own.count * (truth == .weights ? 19 : 18), "\(silent)")
    }
  }

  @Test("The table in the documentation has every kind of fault")
  func documentation() async throws {
    let table = FaultTable(try await Self.trials.value)
    let path = Fixture.document("verification.md")
    var text = try String(contentsOfFile: path, encoding: .utf8)
    if ProcessInfo.processInfo.environment["RNW_WRITE_FAULT_TABLE"] != nil {
      text = try #require(table.replaced(in: text))
      try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
    #expect(FaultTable.kinds(in: text) == Fault.all.map(\.description))
  }

  @Test("Of 200 healthy random networks none is flagged", arguments: ["keras", "torch"])
  func healthy(_ family: String) async throws {
    let flagged = try await flagged { try Sample.random(family: family, seed: $0) }
    #expect(flagged == [])
  }

  @Test("Of 200 healthy fine-tuned networks none is flagged", arguments: ["keras", "torch"])
  func healthyFineTuned(_ family: String) async throws {
    let flagged = try await flagged { try Sample.fineTuned(family: family, seed: $0) }
    #expect(flagged == [])
  }

  /// What is said of 100 networks that are right.
  private func flagged(
    _ makeSample: @escaping @Sendable (UInt64) throws -> Sample
  ) async throws -> [String] {
    try await withThrowingTaskGroup(of: String?.self) { group in
      for seed in 0..<UInt64(100) {
        group.addTask {
          let sample = try makeSample(5000 + seed)
          let candidate = FastExecutor(
            graph: sample.graph, parameters: sample.parameters, pool: WorkerPool(threads: 1))
          let comparison = sample.comparison(of: candidate, mode: .both)
          let reference = ReferenceExecutor(
            graph: sample.graph, parameters: sample.parameters, pool: WorkerPool(threads: 1))
          // Every fourth against values of an executor that shares no code with either.
          let result =
            seed.isMultiple(of: 4)
            ? try comparison.run(
              against: try ActivationArchive(
                try sample.archive(), graph: sample.graph, layerNames: sample.names))
            : try comparison.run(against: reference, inputs: [sample.input])
          return result.verdict.passes && result.verdict.culprit == nil
            ? nil : "seed \(5000 + seed): \(result.verdict.line)"
        }
      }
      return try await group.reduce(into: [String]()) { if let line = $1 { $0.append(line) } }
    }
  }
}

extension FaultTrial {
  /// So many trials of every fault in each family, against each kind of truth, side by side.
  static func all(repetitions: UInt64) async throws -> [FaultTrial] {
    try await withThrowingTaskGroup(of: (Int, [FaultTrial]).self) { group in
      for (index, fault) in Fault.all.enumerated() {
        group.addTask {
          var trials: [FaultTrial] = []
          for family in ["keras", "torch"] {
            for truth in Truth.allCases {
              // The same networks and layers for both kinds of truth.
              for number in 0..<repetitions {
                let seed = 1000 * UInt64(index) + number
                if let trial = try FaultTrial(fault, family: family, truth: truth, seed: seed) {
                  trials.append(trial)
                }
              }
            }
          }
          return (index, trials)
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
        .sorted { $0.0 < $1.0 }.flatMap { $0.1 }
    }
  }
}

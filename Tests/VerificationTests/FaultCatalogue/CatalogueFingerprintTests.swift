import Families
import Inference
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Comparison
@testable import RNW

/// Every kind of fault, judged by nothing but what a file keeps of the right values.
@Suite("Fingerprints and the catalogue of faults")
struct CatalogueFingerprintTests {
  @Test("The first wrong layer is found of 19 of 20 faults that move an output, and none is passed")
  func faults() throws {
    var (found, visible) = (0, 0)
    var passed: [String] = []
    var elsewhere: [String] = []
    for (index, fault) in Fault.all.enumerated() {
      for family in ["keras", "torch"] {
        for seed in 1000 * UInt64(index)..<1000 * UInt64(index) + 3 {
          let sample = try fault.sample(family: family, seed: seed)
          var generator = SplitMix64(seed: seed &+ 1)
          let places = sample.graph.nodes.filter { fault.applies(sample, $0) }
          guard let place = places.randomElement(using: &generator) else { continue }
          let (graph, parameters) = try fault.inject(sample, place)
          let truth: any Executor =
            fault.truth(sample, place) ?? sample.reference(sample.graph, sample.parameters)
          let engine = FastExecutor(
            graph: graph, parameters: parameters, pool: WorkerPool(threads: 1))
          let judged = try sample.judged(engine, truth)
          // By every value: the first layer that is over the limit, and whether the output is.
          guard judged.outputIsWrong else { continue }
          visible += 1
          let report = "\(fault) in \(place.name) of \(family), seed \(seed)"
          guard let wrong = judged.check.firstWrong else {
            passed.append(report)
            continue
          }
          if wrong.name == judged.firstWrong {
            found += 1
          } else {
            elsewhere.append("\(report): \(wrong.name), not \(judged.firstWrong ?? "none")")
          }
        }
      }
    }
    print("fingerprints find the first wrong layer of \(found) of \(visible) faults")
    print(elsewhere.joined(separator: "\n"))
    #expect(visible > 400)
    #expect(passed == [])
    #expect(found * 20 >= visible * 19, "\(elsewhere.joined(separator: "\n"))")
  }

  @Test("Of 400 healthy networks none is flagged", arguments: ["keras", "torch"])
  func healthy(_ family: String) throws {
    for seed in 5000..<UInt64(5100) {
      for sample in [
        try Sample.random(family: family, seed: seed), try .fineTuned(family: family, seed: seed),
      ] {
        let engine = FastExecutor(
          graph: sample.graph, parameters: sample.parameters, pool: WorkerPool(threads: 1))
        let judged = try sample.judged(engine, sample.reference(sample.graph, sample.parameters))
        #expect(judged.check.passes && judged.check.missing.isEmpty, "seed \(seed): \(judged)")
      }
    }
  }
}

extension Sample {
  /// What fingerprints say of an engine, beside what all values say.
  struct Judged {
    let check: FingerprintCheck
    let firstWrong: String?
    let outputIsWrong: Bool
  }

  func reference(_ graph: Graph, _ parameters: Parameters) -> ReferenceExecutor {
    ReferenceExecutor(graph: graph, parameters: parameters, pool: WorkerPool(threads: 1))
  }

  func judged(_ engine: any Executor, _ truth: any Executor) throws -> Judged {
    var values: [String: Activation] = [:]
    _ = try engine.run(input) { values[engine.graph.nodes[$0].name] = $1 }
    var layers: [(name: String, familyName: String?, shape: [Int], fingerprint: Fingerprint)] = []
    var wrong: [String] = []
    let graph = truth.graph
    _ = try truth.run(input) { node, value in
      guard node > 0 else { return }
      let name = graph.nodes[node].name
      let shape = try #require(LayerShape([1] + value.shape.dimensions.dropFirst()))
      let own = value.values.prefix(shape.count)
      let fingerprint = Array(own).withUnsafeBufferPointer {
        Fingerprint($0, shape: shape, layout: .channelsLast)
      }
      layers.append((name, nil, shape.dimensions, try #require(fingerprint)))
      guard let other = values[name] else { return }
      let error =
        other.shape == value.shape
        ? ScaledError(of: other.values.prefix(shape.count), from: own).value : .infinity
      if !(error <= Limits.float32) { wrong.append(name) }
    }
    let record = try #require(Fingerprints.record(of: layers, compared: [:]))
    let fingerprints = try #require(
      Fingerprints(record, compared: nil, limit: Limits.float32))
    let last = Set(graph.nodes.suffix(3).map(\.name))
    return Judged(
      check: fingerprints.check(
        values.mapValues { TensorData(shape: $0.shape, values: $0.values) }),
      firstWrong: wrong.first, outputIsWrong: wrong.contains(where: last.contains))
  }
}

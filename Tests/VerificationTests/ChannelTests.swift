import Families
import Inference
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Comparison
@testable import Reports

@Suite("Every channel in its own units")
struct ChannelTests {
  @Test(
    "Outputs that are negated beside one of a million are found",
    arguments: Sample.all, Comparison.Mode.allCases)
  func largeValueHidesNothing(_ sample: Sample, _ mode: Comparison.Mode) throws {
    let large = try sample.scalingRow(0, of: "head.dense.weight", by: 1e6)
    let wrong = try large.changing("head.dense.weight") { values in
      let row = values.count / 7
      return values.enumerated().map { $0.offset < row ? $0.element : -$0.element }
    }.parameters
    let result = try large.judged(wrong, mode: mode)
    #expect(!result.verdict.passes)
    #expect(result.verdict.culprit?.name == "head.dense")
    let layer = try #require(result.layers.first { $0.name == "head.dense" })
    #expect(layer.largestLayerError < Limits.float32)
    #expect(layer.decidingChannel?.error ?? 0 > 1000 * Limits.float32)
    #expect(layer.figure.contains("× what rounding explains"))
  }

  @Test("A mistake of one channel in a layer of large values is found, whatever layer it is")
  func singleChannels() throws {
    for sample in Sample.all {
      for parameter in sample.graph.parameters where parameter.shape[0] > 2 {
        // The first channel is a million times as large from here on; another one is wrong.
        let large = try sample.scalingRow(0, of: parameter.name, by: 1e6)
        let wrong = try large.changing(parameter.name) { values in
          let row = values.count / parameter.shape[0]
          return values.enumerated().map {
            $0.offset / row == 1 ? 1.5 * $0.element + 0.05 : $0.element
          }
        }.parameters
        let result = try large.judged(wrong)
        let isSeen = try large.moves(wrong, by: 1e-3)
        #expect(!result.verdict.passes || !isSeen, "\(sample) \(parameter.name)")
        if isSeen { #expect(result.verdict.culprit?.name == parameter.node, "\(parameter.name)") }
      }
    }
  }

  @Test(
    "None of 200 healthy networks is flagged, with channels of any scale", .timeLimit(.minutes(30)))
  func healthyNetworks() throws {
    var flagged: [String] = []
    var largest = 0.0
    for seed in 0..<200 {
      let family = ["keras", "torch", "keras-v1", "torchvision"][seed % 4]
      let plain = try Sample.random(family: family, seed: UInt64(seed))
      let sample = seed % 3 == 0 ? plain : try plain.spreadingChannels(seed: UInt64(seed))
      let result = try sample.judged(sample.parameters, mode: seed % 2 == 0 ? .both : .propagated)
      for layer in result.layers {
        for channel in [layer.propagatedChannel, layer.isolatedChannel] {
          guard let channel else { continue }
          largest = max(largest, channel.error)
          if channel.error > Limits.float32 { flagged.append("\(seed) \(sample) \(layer.name)") }
        }
      }
    }
    #expect(flagged == [])
    #expect(largest > 0)
  }
}

extension Sample {
  /// The comparison of other parameters, run as everyone runs them, with these.
  func judged(
    _ candidate: Parameters, mode: Comparison.Mode = .propagated
  ) throws -> Comparison.Outcome {
    try Comparison(
      candidate: FastExecutor(
        graph: graph, parameters: candidate, pool: WorkerPool(threads: 1), expecting: input.shape),
      layerNames: names, mode: mode
    ).run(
      against: ReferenceExecutor(
        graph: graph, parameters: parameters, pool: WorkerPool(threads: 1)), inputs: [input])
  }

  /// The same network with one output channel of a parameter multiplied.
  func scalingRow(_ row: Int, of name: String, by factor: Float) throws -> Sample {
    let shape = try #require(graph.parameters.first { $0.name == name }).shape
    let count = shape.elementCount / shape[0]
    return Sample(
      self,
      try changing(name) { values in
        values.enumerated().map { $0.offset / count == row ? factor * $0.element : $0.element }
      }.parameters)
  }

  /// The same network with channels of scales from a ten thousandth to ten.
  func spreadingChannels(seed: UInt64) throws -> Sample {
    var generator = SplitMix64(seed: seed)
    var parameters = parameters
    for parameter in graph.parameters where [.weight, .scale, .shift].contains(parameter.role) {
      let row = parameter.shape.elementCount / parameter.shape[0]
      let factors: [Float] = (0..<parameter.shape[0]).map { _ in
        let value = generator.nextProbeValue()
        return value.magnitude < 0.5 ? 1 : value > 0 ? 20 * (value - 0.5) + 1 : 1e-4
      }
      let values = parameters[parameter].floats().enumerated().map {
        $0.element * factors[$0.offset / row]
      }
      parameters = parameters.replacing(
        parameter, with: TensorData(shape: parameter.shape, values: values))
    }
    return Sample(self, parameters)
  }

  /// Whether other parameters move any value of the layer that has them by a share of its channel.
  func moves(_ other: Parameters, by share: Float) throws -> Bool {
    var moved = false
    var values: [Activation] = []
    _ = try ReferenceExecutor(graph: graph, parameters: parameters, pool: WorkerPool(threads: 1))
      .run(input) {
        values.append($1)
      }
    _ = try ReferenceExecutor(graph: graph, parameters: other, pool: WorkerPool(threads: 1)).run(
      input
    ) {
      let maxima = ChannelMaxima($1, values[$0])
      moved =
        moved
        || zip(maxima.differences, maxima.largest).contains { $0 > share * $1 && $0 > 0 && $1 > 0 }
    }
    return moved
  }
}

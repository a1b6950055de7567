import Inference
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Comparison
@testable import Diagnosis

@Suite("Steps that only one side takes")
struct MissingStepTests {
  /// What a framework's archive has in the place of a layer's value, and what is said of it.
  struct Step: Sendable, CustomTestStringConvertible {
    let layer: String
    let explanation: String
    /// The array in the archive, made of the layer's value and those of all others.
    let value: @Sendable (TensorData, [String: Activation]) throws -> TensorData

    var testDescription: String { "\(layer): \(explanation)" }
  }

  static let steps: [Step] = [
    Step(layer: "conv2_block1_1_bn", explanation: "the reference's value is after a ReLU") {
      value, _ in
      TensorData(shape: value.shape, values: value.floats().map { max($0, 0) })
    },
    Step(layer: "conv2_block1_2_relu", explanation: "the reference has no ReLU here") {
      _, values in
      let before = try #require(values["stage1.block1.norm3"])
      return TensorData(shape: before.shape, values: before.values)
    },
    Step(layer: "conv3_block1_1_conv", explanation: "the reference adds a bias here") { value, _ in
      let channels = value.shape[3]
      return TensorData(
        shape: value.shape,
        values: value.floats().enumerated().map { $1 + 0.1 * Float($0 % channels) - 0.2 })
    },
    Step(layer: "predictions", explanation: "the reference has no softmax here") { _, values in
      let logits = try #require(values["head.dense"])
      return TensorData(shape: logits.shape, values: logits.values)
    },
    Step(layer: "avg_pool", explanation: "the reference's value is after a softmax") { _, values in
      let features = try #require(values["head.pool"])
      let value = ReferenceArithmetic(pool: WorkerPool(threads: 1)).softmax(features)
      return TensorData(shape: value.shape, values: value.values)
    },
  ]

  @Test("A step that is missing on one side is named", arguments: steps)
  func named(_ step: Step) throws {
    let sample = Sample.keras
    var values: [String: Activation] = [:]
    _ = try sample.executor.run(sample.input) { values[sample.graph.nodes[$0].name] = $1 }
    var changed: TensorData?
    let source = try sample.archive { [values] name, tensor in
      guard name == step.layer, let value = try? step.value(tensor, values) else {
        return [(name, tensor)]
      }
      changed = value
      return [(name, value)]
    }
    #expect(changed != nil)
    let culprit = try culprit(of: sample.executor, sample, source)
    #expect(culprit.displayName == step.layer)
    #expect(culprit.suspicion?.explanation == step.explanation)
  }

  @Test(
    "Colours in another order are told",
    arguments: [
      ([2, 1, 0], "0 and 2 are exchanged"), ([1, 2, 0], "rotated by -1"),
      ([0, 2, 1], "1 and 2 are exchanged"),
    ])
  func colours(_ order: [Int], _ rule: String) throws {
    let sample = Sample.keras
    let parameter = try #require(sample.graph.parameters.first { $0.name == "stem.conv.weight" })
    let window = parameter.shape[2] * parameter.shape[3]
    let candidate = try sample.changing(parameter.name) { values in
      var result: [Float] = []
      for output in 0..<parameter.shape[0] {
        for channel in order {
          let start = (output * 3 + channel) * window
          result += values[start..<start + window]
        }
      }
      return result
    }
    let list = order.map(String.init).joined(separator: ", ")
    let culprit = try culprit(of: candidate, sample, try sample.archive())
    #expect(culprit.name == "stem.conv")
    #expect(
      culprit.suspicion?.explanation
        == "kernel has its input channels in another order: \(list) (\(rule))")
  }

  private func culprit(
    of candidate: NaiveExecutor, _ sample: Sample, _ source: MemorySource
  ) throws -> Culprit {
    let archive = try ActivationArchive(source, graph: sample.graph, layerNames: sample.names)
    let comparison = sample.comparison(of: candidate)
    let diagnosis = Diagnosis(
      of: comparison, parameters: candidate.parameters,
      words: [.weight: "kernel", .bias: "bias"]
    ) { NaiveExecutor($0, $1) }
    let result = try diagnosis.explain(try comparison.run(against: archive), against: archive)
    return try #require(result.verdict.culprit)
  }
}

import Inference
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Comparison
@testable import Diagnosis

@Suite("Channels in another order")
struct ChannelOrderTests {
  @Test(
    "An order that follows a rule is said by it",
    arguments: [
      ([0, 1, 2, 6, 4, 5, 3], "3 and 6 are exchanged"), ([5, 4, 3, 2, 1, 0], "reversed"),
      ([2, 3, 4, 5, 6, 0, 1], "rotated by 2"), ([5, 0, 1, 2, 3, 4], "rotated by -1"),
      ([1, 0, 3, 2, 4], "4 of 5 moved"), ([2, 0, 1], "1, 2, 0 (rotated by -1)"),
    ])
  func words(_ places: [Int], _ words: String) {
    #expect(ChannelOrder(places: places).explanation == words)
  }

  @Test("An order is found by values, and equal channels stay where they are")
  func matching() {
    let (right, found) = ([3.0, 1, 1, 7, 5], [7.0, 1, 1, 5, 3])
    let order = ChannelOrder.matching(
      5, key: { $1 ? right[$0] : found[$0] }, tolerance: 1e-9
    ) { found[$0] == right[$1] }
    #expect(order?.places == [4, 1, 2, 0, 3])
    #expect(
      ChannelOrder.matching(2, key: { $1 ? 1 : Double($0) }, tolerance: 1e-9) { _, _ in true }
        == nil
    )
  }

  @Test("Channels that every reader expects in their order are the same function")
  func sameFunction() throws {
    let sample = Sample.keras
    let candidate = NaiveExecutor(sample.graph, try sample.reorderingStage1(consistently: true))
    let words =
      "the same function: the channels of stage1 are in another order, and so is what reads them"
    #expect(try suspicion(candidate, sample, knowsWeights: true) == words)
    #expect(try suspicion(candidate, sample, knowsWeights: false) == words)
  }

  @Test("Where a reader expects another order, it is not the same function")
  func anotherFunction() throws {
    let sample = Sample.keras
    let candidate = NaiveExecutor(sample.graph, try sample.reorderingStage1(consistently: false))
    for knowsWeights in [true, false] {
      let said = try suspicion(candidate, sample, knowsWeights: knowsWeights)
      #expect(said?.contains("same function") == false)
      #expect(said?.contains("in another order: 3, 2, 1, 0 (reversed)") == true)
    }
  }

  private func suspicion(
    _ candidate: NaiveExecutor, _ sample: Sample, knowsWeights: Bool
  ) throws -> String? {
    let comparison = sample.comparison(of: candidate)
    let network = Diagnosis.Network(graph: sample.graph, parameters: sample.parameters)
    let diagnosis = Diagnosis(
      of: comparison, parameters: candidate.parameters, reference: knowsWeights ? network : nil
    ) { NaiveExecutor($0, $1) }
    if knowsWeights {
      let result = try comparison.run(against: sample.executor, inputs: [sample.input])
      return try diagnosis.explain(result, against: sample.executor, input: sample.input)
        .suspicion?.explanation
    }
    let archive = try ActivationArchive(
      try sample.archive(), graph: sample.graph, layerNames: sample.names)
    return try diagnosis.explain(try comparison.run(against: archive), against: archive)
      .suspicion?.explanation
  }
}

extension Sample {
  /// The inner channels of a block of the first stage reversed, and with them the norms and kernels that
  /// read them, or not all of these.
  fileprivate func reorderingStage1(consistently: Bool) throws -> Parameters {
    var parameters = parameters
    for node in graph.nodes where node.name.hasPrefix("stage1.block2.") {
      for parameter in node.parameters {
        let isOutput = ["conv1", "norm2", "conv2", "norm3"].contains { node.name.hasSuffix($0) }
        let isInput = ["conv2", "conv3"].contains { node.name.hasSuffix($0) }
        var tensor = parameters[parameter]
        if isOutput {
          let values = tensor.floats()
          let size = values.count / parameter.shape[0]
          tensor = TensorData(
            shape: parameter.shape,
            values: (0..<parameter.shape[0]).reversed().flatMap {
              values[$0 * size..<($0 + 1) * size]
            })
        }
        if isInput, parameter.role == .weight, consistently || node.name.hasSuffix("conv2") {
          let sizes = try #require(Rearrangement.Sizes(parameter.shape))
          tensor = Rearrangement.inputs(sizes, in: .reversed(sizes.inputs)).undone(on: tensor)
        }
        parameters = parameters.replacing(parameter, with: tensor)
      }
    }
    return parameters
  }
}

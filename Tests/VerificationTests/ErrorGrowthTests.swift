import ResNetV2
import TestSupport
import Testing

@testable import Comparison
@testable import Reports

@Suite("Growth of errors")
struct ErrorGrowthTests {
  @Test(
    "What comes in and what is added make what goes out, and the changed layer adds its own",
    arguments: Sample.all)
  func addsUp(_ sample: Sample) throws {
    let name = "stage1.block2.norm2"
    let candidate = try sample.changing("\(name).shift") { $0.map { $0 + 0.01 } }
    let result = try sample.comparison(of: candidate, mode: .both)
      .run(against: sample.executor, inputs: [sample.input])
    let growth = result.growth
    #expect(growth.steps.map(\.node) == result.layers.map(\.node))
    for step in growth.steps {
      let inputs = sample.graph.nodes[step.node].inputs
      let errors = inputs.compactMap { result.layer(of: $0)?.propagated?.scaledError }
      #expect(step.carried == errors.max() ?? 0)
      #expect(abs(step.carried + step.added - step.error) <= 1e-12 * step.error)
      #expect(step.own == result.layer(of: step.node)?.isolated?.scaledError)
    }
    let changed = try #require(
      growth.steps.first { sample.graph.nodes[$0.node].name == name })
    #expect(changed.carried == 0 && changed.own == changed.error && changed.added > 0)
    #expect(growth.steps.filter { $0.own ?? 0 > 0 }.count == 1)
    #expect(growth.summary?.contains("adds most") == true)
  }

  @Test("An error that is not finite is said to begin where it does")
  func infinite() throws {
    let sample = Sample.keras
    let candidate = try sample.changing("stage1.block2.norm2.shift") { $0.map { _ in .nan } }
    let result = try sample.comparison(of: candidate)
      .run(against: sample.executor, inputs: [sample.input])
    let steps = result.growth.steps
    let broken = try #require(steps.first { !$0.error.isFinite })
    #expect(broken.displayName == "conv2_block2_1_bn")
    #expect(result.growth.summary == nil, "nothing differs before it")
    let noisy = ErrorGrowth(
      steps: [
        ErrorGrowth.Step(node: 1, displayName: "conv1", error: 1e-7, carried: 0, own: nil), broken,
      ])
    #expect(noisy.summary == "error 1.0e-07 at conv1, infinite from conv2_block2_1_bn on")
  }

  @Test("Without an error, or without propagated figures, there is no growth to speak of")
  func isSilent() throws {
    let sample = Sample.keras
    for mode in [Comparison.Mode.propagated, .isolated] {
      let result = try sample.comparison(of: sample.executor, mode: mode)
        .run(against: sample.executor, inputs: [sample.input])
      #expect(result.growth.summary == nil)
      #expect(result.growth.steps.isEmpty == (mode == .isolated))
    }
  }
}

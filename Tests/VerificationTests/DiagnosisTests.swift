import Families
import Inference
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Comparison
@testable import Diagnosis

@Suite("Diagnosis of a failed comparison")
struct DiagnosisTests {
  /// A mistake in one parameter, and what must be said of it where the reference's parameters are
  /// there.
  struct Mistake: Sendable, CustomStringConvertible {
    let parameter: String
    let words: String
    /// What is said where only activations are there: the same where `nil`, nothing where empty.
    var fromArchive: String?
    let change: @Sendable (Sample, Parameter) -> [Float]

    var description: String { "\(parameter): \(words)" }
  }

  static let mistakes: [Mistake] = [
    Mistake(
      parameter: "stage1.block2.conv2.weight",
      words: "kernel has input and output channels transposed"
    ) { sample, parameter in
      sample.reordered(parameter) { [$0[1], $0[0], $0[2], $0[3]] }
    },
    Mistake(
      parameter: "stage1.block2.conv2.weight", words: "kernel has height and width transposed"
    ) {
      sample, parameter in
      sample.reordered(parameter) { [$0[0], $0[1], $0[3], $0[2]] }
    },
    Mistake(
      parameter: "stem.conv.weight", words: "kernel is turned by 180° (flipped in both directions)"
    ) {
      sample, parameter in
      let size = parameter.shape[2]
      return sample.reordered(parameter) { [$0[0], $0[1], size - 1 - $0[2], size - 1 - $0[3]] }
    },
    Mistake(
      parameter: "stem.conv.weight",
      words: "kernel has values in the order height, width, input, output (HWIO where OIHW belongs)"
    ) { sample, parameter in
      sample.parameters[parameter].outputChannelsLast().floats()
    },
    Mistake(
      parameter: "stage1.block1.norm1.shift", words: "beta is that of gamma",
      fromArchive: "gamma and beta have the same values"
    ) { sample, _ in
      sample.values("stage1.block1.norm1.scale")
    },
    Mistake(
      parameter: "stage1.block2.norm2.variance",
      words: "moving_variance is 1.010 × what it should be",
      fromArchive:
        "gamma is 0.9950 × what it should be, or moving_variance is 1.010 × what it should be"
    ) { sample, parameter in
      sample.parameters[parameter].floats().map { $0 * 1.01 }
    },
    Mistake(
      parameter: "final.norm.mean", words: "moving_mean is off by 0.0100 everywhere"
    ) { sample, parameter in
      sample.parameters[parameter].floats().map { $0 + 0.01 }
    },
    Mistake(
      parameter: "stage2.block1.conv3.bias", words: "bias is missing: all values are zero"
    ) { _, parameter in
      Array(repeating: 0, count: parameter.shape.elementCount)
    },
    Mistake(
      parameter: "stage2.block1.conv1.weight",
      words: "kernel has its output channels in another order: rotated by -1",
      fromArchive: "its output channels are in another order: rotated by -1"
    ) { sample, parameter in
      let size = parameter.shape.elementCount / parameter.shape[0]
      let values = sample.parameters[parameter].floats()
      return Array(values[size...] + values[..<size])
    },
    Mistake(
      parameter: "stage1.block1.conv2.weight", words: "kernel is that of conv2_block2_2_conv",
      fromArchive: "kernel is that of conv2_block2_2_conv, which has the same"
    ) { sample, _ in
      sample.values("stage1.block2.conv2.weight")
    },
    Mistake(
      parameter: "head.dense.weight",
      words: "kernel has 2 values that are NaN or infinite, the first in output channel 0",
      fromArchive:
        "head.dense: kernel has 2 values that are NaN or infinite, the first in output channel 0"
    ) { sample, parameter in
      var values = sample.parameters[parameter].floats()
      values[2] = .nan
      values[values.count - 1] = .infinity
      return values
    },
  ]

  /// A sample, the parameter that a mistake is made in, and the network with it.
  private func made(_ mistake: Mistake) throws -> (Sample, Parameter, NaiveExecutor) {
    let sample = Sample.keras
    let parameter = try #require(sample.graph.parameters.first { $0.name == mistake.parameter })
    return (
      sample, parameter,
      try sample.changing(mistake.parameter) { _ in mistake.change(sample, parameter) }
    )
  }

  @Test("With the reference's parameters at hand, the mistake is named", arguments: mistakes)
  func namedByParameters(_ mistake: Mistake) throws {
    let (sample, parameter, candidate) = try made(mistake)
    let result = try explain(
      candidate, sample,
      reference: .init(graph: sample.graph, parameters: sample.parameters))
    #expect(result.verdict.culprit?.name == parameter.node)
    #expect(result.verdict.culprit?.suspicion?.explanation == mistake.words)
    #expect(try #require(result.suspicion?.scaledError) <= 1e-6)
  }

  @Test(
    "Two tensors in each other's place are found by trying",
    arguments: [
      ("stage1.block2.norm2.scale", "stage1.block2.norm2.shift", "gamma and beta are swapped"),
      ("post.scale", "post.mean", "gamma and moving_mean are swapped"),
      ("stage1.block1.norm3.mean", "stage1.block1.norm3.shift", "beta and moving_mean are swapped"),
      (
        "stage1.block1.conv2.weight", "stage1.block2.conv2.weight",
        "its kernel stands in conv2_block2_2_conv"
      ),
    ])
  func swapped(first: String, second: String, words: String) throws {
    let sample = Sample.keras
    let names = [first, second].map { $0.replacingPrefix("post.", with: "final.norm.") }
    let candidate = try sample.exchanging(names[0], names[1])
    let byTrying = try explain(candidate, sample, reference: nil)
    #expect(byTrying.verdict.culprit?.suspicion?.explanation == words)
    let archive = try ActivationArchive(
      try sample.archive(), graph: sample.graph, layerNames: sample.names)
    let comparison = sample.comparison(of: candidate)
    let fromArchive = try diagnosis(candidate, comparison, reference: nil)
      .explain(try comparison.run(against: archive), against: archive)
    #expect(fromArchive.verdict.culprit?.suspicion?.explanation == words)
  }

  @Test("Mistakes that can be undone are found from an archive alone", arguments: mistakes)
  func namedByArchive(_ mistake: Mistake) throws {
    let (sample, parameter, candidate) = try made(mistake)
    let archive = try ActivationArchive(
      try sample.archive(), graph: sample.graph, layerNames: sample.names)
    let comparison = sample.comparison(of: candidate)
    let result = try diagnosis(candidate, comparison, reference: nil)
      .explain(try comparison.run(against: archive), against: archive)
    let culprit = try #require(result.verdict.culprit)
    // The head's layer includes the softmax, which has no parameters of its own.
    #expect([parameter.node, "head.softmax"].contains(culprit.name))
    let words = mistake.fromArchive ?? mistake.words
    #expect(culprit.suspicion?.explanation ?? "" == words)
  }

  @Test(
    "Another convention is recognised, by trying and by looking at the reference",
    arguments: [
      (
        Convention.epsilon, "stage1.block1.norm1", "ε should be 0.001",
        "ε is 1.001e-05, the reference's is 0.001"
      ),
      (
        .infinitePadding, "stem.pool", "the border should not count",
        "the border is zeros, the reference's is left out"
      ),
      (
        .samePadding, "stem.pool", "the border should be TensorFlow's SAME",
        "the border is zeros, the reference's is TensorFlow's SAME"
      ),
      (
        .standardization, "stem.conv", "weights should be standardised, ε 1e-10",
        "ε of weight standardisation is missing, the reference's is 1e-10"
      ),
      (
        .rawShortcut, "stage1.block1.shortcut.conv", "it should read the block's input",
        "it reads conv2_block1_preact_relu, the reference's reads pool1_pool"
      ),
    ])
  func conventions(convention: Convention, node: String, byTrying: String, byLooking: String) throws
  {
    let sample = Sample.keras
    let graph = try Graph(convention.applied(to: sample.graph.configuration))
    let comparison = sample.comparison(of: sample.executor)
    let executor = NaiveExecutor(graph, sample.parameters)
    let result = try comparison.run(against: executor, inputs: [sample.input])
    let network = Diagnosis.Network(graph: graph, parameters: sample.parameters)
    let seen = try diagnosis(sample.executor, comparison, reference: network)
      .explain(result, against: executor, input: sample.input)
    #expect(seen.verdict.culprit?.name == node)
    #expect(seen.verdict.culprit?.suspicion?.explanation == byLooking)
    let archive = try ActivationArchive(
      try Sample(sample, graph).archive(), graph: sample.graph, layerNames: sample.names)
    let tried = try diagnosis(sample.executor, comparison, reference: nil)
      .explain(try comparison.run(against: archive), against: archive)
    #expect(tried.verdict.culprit?.name == node)
    #expect(tried.verdict.culprit?.suspicion?.explanation == byTrying)
  }

  @Test("A mistake in a layer that was not saved is found through the next one that was")
  func unseenLayer() throws {
    let sample = Sample.keras
    let candidate = try sample.exchanging(
      "stage1.block1.norm2.scale", "stage1.block1.norm2.shift")
    let source = try sample.archive { name, tensor in
      name.hasPrefix("conv2_block1_1_") && name != "conv2_block1_1_conv" ? [] : [(name, tensor)]
    }
    let archive = try ActivationArchive(
      source, graph: sample.graph, layerNames: sample.names)
    let comparison = sample.comparison(of: candidate)
    let result = try diagnosis(candidate, comparison, reference: nil)
      .explain(try comparison.run(against: archive), against: archive)
    let culprit = try #require(result.verdict.culprit)
    #expect(culprit.displayName == "conv2_block1_2_conv")
    #expect(culprit.suspicion?.explanation == "conv2_block1_1_bn: gamma and beta are swapped")
  }

  @Test("A single wrong channel is pointed at")
  func wrongChannel() throws {
    let sample = Sample.keras
    let name = "stage2.block1.conv2"
    let size = 6 * 9
    let candidate = try sample.changing("\(name).weight") { values in
      values.enumerated().map { $0.offset / size == 4 ? -$0.element : $0.element }
    }
    let archive = try ActivationArchive(
      try sample.archive(), graph: sample.graph, layerNames: sample.names)
    let comparison = sample.comparison(of: candidate)
    let result = try diagnosis(candidate, comparison, reference: nil)
      .explain(try comparison.run(against: archive), against: archive)
    #expect(
      result.verdict.culprit?.suspicion?.explanation == "only 1 of 6 output channels is wrong: 4")
  }

  @Test("A comparison that passes is left as it is")
  func passing() throws {
    let sample = Sample.torch
    let result = try explain(sample.executor, sample, reference: nil)
    #expect(result.suspicion == nil)
    #expect(result.layers.allSatisfy { $0.isolated == nil })
  }

  @Test("PyTorch's users read PyTorch's words")
  func torchWords() throws {
    let sample = Sample.torch
    let candidate = try sample.exchanging("final.norm.scale", "final.norm.shift")
    let result = try explain(candidate, sample, reference: nil)
    #expect(
      result.verdict.culprit.map { "\($0.displayName): \($0.suspicion?.explanation ?? "")" }
        == "bn_last: weight and bias are swapped")
  }

  private func explain(
    _ candidate: NaiveExecutor, _ sample: Sample, reference: Diagnosis.Network?
  ) throws -> Comparison.Outcome {
    let comparison = sample.comparison(of: candidate)
    return try diagnosis(candidate, comparison, reference: reference).explain(
      try comparison.run(against: sample.executor, inputs: [sample.input]),
      against: sample.executor, input: sample.input)
  }

  private func diagnosis(
    _ candidate: NaiveExecutor, _ comparison: Comparison, reference: Diagnosis.Network?
  ) -> Diagnosis {
    let isTorch = comparison.layerNames.layout == .nchw
    return Diagnosis(
      of: comparison, parameters: candidate.parameters, reference: reference,
      words: isTorch
        ? [.scale: "weight", .shift: "bias", .mean: "running_mean", .variance: "running_var"]
        : [
          .weight: "kernel", .scale: "gamma", .shift: "beta", .mean: "moving_mean",
          .variance: "moving_variance",
        ]
    ) { NaiveExecutor($0, $1) }
  }
}

/// An option in which families differ.
enum Convention: Sendable {
  case epsilon
  case infinitePadding
  case samePadding
  case standardization
  case rawShortcut

  func applied(to configuration: Configuration) -> Configuration {
    var result = configuration
    switch self {
    case .epsilon: result.norm = .batch(epsilon: 1e-3)
    case .infinitePadding: result.stem.pool?.padding = .negativeInfinity
    case .samePadding: result.stem.pool?.padding = .same
    case .standardization: result.weightStandardizationEpsilon = 1e-10
    case .rawShortcut: result.shortcut.input = .raw
    }
    return result
  }
}

extension Sample {
  func values(_ name: String) -> [Float] {
    graph.parameters.first { $0.name == name }.map { parameters[$0].floats() } ?? []
  }

  /// A kernel whose value at an index is the old one at another index.
  func reordered(_ parameter: Parameter, _ index: ([Int]) -> [Int]) -> [Float] {
    let old = parameters[parameter].floats()
    let sizes = parameter.shape.dimensions
    var result: [Float] = []
    for o in 0..<sizes[0] {
      for i in 0..<sizes[1] {
        for y in 0..<sizes[2] {
          for x in 0..<sizes[3] {
            let from = index([o, i, y, x])
            result.append(
              old[((from[0] * sizes[1] + from[1]) * sizes[2] + from[2]) * sizes[3] + from[3]])
          }
        }
      }
    }
    return result
  }
}

extension String {
  fileprivate func replacingPrefix(_ prefix: String, with other: String) -> String {
    hasPrefix(prefix) ? other + dropFirst(prefix.count) : self
  }
}

import Comparison
import Families
import FoundationEssentials
import Inference
import RNW
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Conversion
@testable import Precision

@Suite("Precision auto")
struct AutoPrecisionTests {
  static let limits = [1e-2, 1e-3, 1e-6]

  @Test("The output stays within the limit, and a wider limit gives a smaller file")
  func staysWithinLimit() throws {
    let folder = try TemporaryFolder()
    var sizes: [Int] = []
    for limit in Self.limits {
      let outcome = try Self.convert(
        "keras/narrow.h5", limit, to: folder.file("\(limit).rnw"))
      #expect(outcome.passes && outcome.outputError <= limit)
      let choice = try #require(outcome.choice)
      #expect(choice.outputError <= choice.aim && choice.aim < limit)
      #expect(choice.tensors.count == outcome.model.graph.parameters.count(where: \.isRoundable))
      sizes.append(choice.tensors.reduce(0) { $0 + $1.bytes })
      // What is in the file is what was chosen.
      let written = try Model(path: folder.file("\(limit).rnw"))
      let types = Dictionary(
        uniqueKeysWithValues: written.source.tensors.map { ($0.name, $0.dtype) })
      for tensor in choice.tensors { #expect(types[tensor.name] == tensor.dtype, "\(tensor.name)") }
      #expect(try verifyAlone(VerificationRequest(model: folder.file("\(limit).rnw"))).passes)
    }
    #expect(sizes == sizes.sorted() && sizes[0] < sizes[2])
  }

  @Test(
    "Inputs that the choice was not made on stay within the limit too",
    arguments: ["keras/narrow.h5", "torch/basic.pth"], [1e-2])
  func unseenInputs(_ source: String, _ limit: Double) throws {
    let folder = try TemporaryFolder()
    let outcome = try Self.convert(source, limit, to: folder.file("x.rnw"))
    let graph = outcome.model.graph
    let node = try #require(graph.index(of: "head.dense"))
    let executors = try [
      outcome.model.parameters(threads: 2),
      Model(path: folder.file("x.rnw")).parameters(threads: 2),
    ].map { FastExecutor(graph: graph, parameters: $0, pool: WorkerPool(threads: 2)) }
    for seed in 100..<106 {
      let input = Activation.probe(seed: UInt64(seed), shape: [1, 224, 224, 3])
      let logits = try executors.map { executor in
        var value: Activation?
        _ = try executor.run(input) { index, output in if index == node { value = output } }
        return try #require(value)
      }
      #expect(OutputDifference(logits[1], logits[0]).largestError <= limit, "seed \(seed)")
    }
  }

  @Test("The classes of images that are given stay what they were")
  func keepsClasses() throws {
    let folder = try TemporaryFolder()
    var request = ConversionRequest(
      source: Fixture.path("keras/narrow.h5"), output: folder.file("x.rnw"))
    request.precision = .auto
    request.maximumError = 0.5
    request.input = .probe(seed: 7, count: 6)
    let outcome = try Conversion.convert(request) { _, _ in }
    let agreement = try #require(outcome.accuracy?.agreement)
    #expect(agreement.images == 6 && agreement.sameFirst == 6 && agreement.sameList == 6)
    #expect(outcome.choice?.images == 6)
  }

  @Test("Balanced rounding keeps the mean output of a channel and takes only neighbours")
  func balances() throws {
    var generator = SplitMix64(seed: 8)
    let weights = TensorData(
      shape: [16, 8, 3, 3], values: (0..<1152).map { _ in generator.nextProbeValue() })
    let conv = Operation.Convolution(
      kernel: 3, stride: 2, padding: .each(1), inputChannels: 8, outputChannels: 16)
    let input = Activation(
      shape: [2, 9, 7, 8], values: (0..<1008).map { _ in max(generator.nextProbeValue(), 0) })
    let means = try #require(
      InputMeans(.convolution(conv), input: input, output: [2, 5, 4, 16]))
    for type in [DType.int8, .bfloat16, .float16] {
      let nearest = try weights.rounded(to: type)
      let balanced = try weights.rounded(to: type, keeping: means)
      #expect(balanced.dtype == type && balanced.channelScales == nearest.channelScales)
      for channel in 0..<16 {
        let range = channel * 72..<(channel + 1) * 72
        func shift(_ tensor: TensorData) -> Double {
          zip(range, means.values).reduce(0) { sum, pair in
            sum
              + (Double(tensor.floats()[pair.0]) - Double(weights.floats()[pair.0])) * pair.1
          }
        }
        #expect(abs(shift(balanced)) <= abs(shift(nearest)))
        #expect(abs(shift(balanced)) < 0.1 * Double(nearest.step(of: channel)))
      }
      for (index, value) in balanced.floats().enumerated() {
        let step = Double(nearest.step(of: index / 72))
        #expect(abs(Double(value) - Double(weights.floats()[index])) <= 0.75 * step)
      }
    }
  }

  @Test("A convolution's means are those of what its taps see, zeros at the border included")
  func means() throws {
    let conv = Operation.Convolution(
      kernel: 3, stride: 1, padding: .each(1), inputChannels: 2, outputChannels: 1)
    let input = Activation(shape: [1, 1, 2, 2], values: [1, 10, 3, 30])
    let means = try #require(
      InputMeans(.convolution(conv), input: input, output: [1, 1, 2, 1]))
    // [input channel, row, column]: only the middle row is inside the image.
    #expect(means.values == [0, 0, 0, 0.5, 2, 1.5, 0, 0, 0, 0, 0, 0, 5, 20, 15, 0, 0, 0])
  }

  private static func convert(
    _ source: String, _ limit: Double, to path: String
  ) throws -> ConversionOutcome {
    var request = ConversionRequest(source: Fixture.path(source), output: path)
    request.precision = .auto
    request.maximumError = limit
    return try Conversion.convert(request) { _, _ in }
  }
}

extension TensorData {
  /// The largest distance between two neighbours of a channel's values, which are below 1.
  fileprivate func step(of channel: Int) -> Float {
    switch dtype {
    case .int8: channelScales?[channel] ?? 1
    case .float16: 0x1p-11
    default: 0x1p-8
    }
  }
}

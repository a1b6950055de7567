import Comparison
import Families
import Files
import Inference
import Precision
import RNW
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Conversion

@Suite("Networks that are not held as a whole")
struct LargeNetworkTests {
  @Test(
    "The file is the same to the bit, and every layer compared the same",
    arguments: [
      "keras/narrow.h5", "keras/narrow.keras", "keras/narrow.safetensors", "keras/narrow.npz",
      "pytorch/bit.timm.safetensors", "torch/basic.pth", "tensorflow/slim.ckpt",
    ], [RNWCodec.planes, .none])
  func sameBytes(_ name: String, _ codec: RNWCodec) throws {
    let folder = try TemporaryFolder()
    func converted(to output: String) throws -> ConversionOutcome {
      var request = ConversionRequest(source: Fixture.path(name), output: folder.file(output))
      request.codec = codec
      return try convert(request) { _, _ in }
    }

    let usual = try converted(to: "usual.rnw")
    let large = try WorkingMemory.$whole.withValue(1) { try converted(to: "large.rnw") }

    #expect(usual.passes && large.passes)
    #expect(large.comparison.layers == usual.comparison.layers)
    #expect(large.comparison.weights == usual.comparison.weights)
    let bytes = try #require(MappedFile(path: folder.file("usual.rnw")).allBytes)
    #expect(try MappedFile(path: folder.file("large.rnw")).allBytes == bytes)
  }

  @Test("Weights are rounded as those of others are", arguments: [Precision.float16, .int8])
  func rounded(_ precision: Precision) throws {
    let folder = try TemporaryFolder()
    for (output, whole) in [("usual.rnw", WorkingMemory.whole), ("large.rnw", 1)] {
      var request = ConversionRequest(
        source: Fixture.path("keras/narrow.h5"), output: folder.file(output))
      request.precision = precision
      _ = try WorkingMemory.$whole.withValue(whole) { try convert(request) { _, _ in } }
    }
    let bytes = try #require(MappedFile(path: folder.file("usual.rnw")).allBytes)
    #expect(try MappedFile(path: folder.file("large.rnw")).allBytes == bytes)
  }

  @Test("What a conversion holds at once does not grow with the depth")
  func memory() throws {
    let folder = try TemporaryFolder()
    /// The most that is held while a network of some equal blocks is converted, in units of its weights.
    func held(blocks: Int, whole: Int) throws -> (bytes: Int, ofWeights: Double) {
      let source = folder.file("\(blocks).\(whole).safetensors")
      let configuration = Self.deep(blocks: blocks)
      try initialize(
        InitializationRequest(
          family: .keras, configuration: configuration, seed: 1, output: source))
      let meter = WorkingMemory.Meter()
      var request = ConversionRequest(
        source: source, output: folder.file("\(blocks).\(whole).rnw"))
      // All on this thread, which alone is metered.
      request.pool = WorkerPool(threads: 1)
      request.limit = 1e-3
      let outcome = try WorkingMemory.$whole.withValue(whole) {
        try WorkingMemory.$meter.withValue(meter) { try convert(request) { _, _ in } }
      }
      #expect(outcome.passes)
      let weights = outcome.model.graph.parameters.reduce(0) { $0 + $1.shape.elementCount * 4 }
      return (meter.most, Double(meter.most) / Double(weights))
    }

    let (few, many) = (try held(blocks: 4, whole: 1), try held(blocks: 16, whole: 1))
    #expect(many.bytes < few.bytes + few.bytes / 10)
    // The copy of the source, the parameters and what is packed of them.
    #expect(try held(blocks: 16, whole: .max).ofWeights > 3)
    #expect(many.ofWeights < 1)
  }

  /// A network whose weights are in equal blocks, on small images.
  private static func deep(blocks: Int) -> Configuration {
    var configuration = SampleNetwork.preActivation.configuration
    configuration.stages = [
      .init(blocks: 1, innerChannels: 4, outputChannels: 8, stride: 2),
      .init(blocks: 1, innerChannels: 4, outputChannels: 8, stride: 2),
      .init(blocks: 1, innerChannels: 4, outputChannels: 8, stride: 2),
      .init(blocks: blocks, innerChannels: 128, outputChannels: 256, stride: 1),
    ]
    return configuration
  }
}

extension MappedFile {
  fileprivate var allBytes: [UInt8]? { bytes(at: 0, count: count) }
}

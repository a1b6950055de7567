import Comparison
import Families
import Files
import Inference
import ResNetV2
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

@Suite("What recorded values tell of a model", .timeLimit(.minutes(30)))
struct RecordedReachTests {
  private static let weights = Fixture.path("keras/narrow.h5")

  /// The value of a pixel's channel.
  typealias Image = @Sendable (_ pixel: Int, _ channel: Int) -> Float

  private static func noise(_ index: Int) -> Float {
    Float((index * 7919 + 13) % 1009) / 504.5 - 1
  }

  /// Compares weights with what their network computes of an image, kept as it is told.
  private func outcome(
    of image: Image, weights: String = weights, isEngine: Bool = false,
    output: ((Activation) -> [Float])? = nil,
    keeping: @escaping (String) -> Bool = { _ in true }
  ) throws -> Comparison.Outcome {
    let folder = try TemporaryFolder()
    let model = try Model(path: weights)
    let values = (0..<35 * 33).flatMap { pixel in (0..<3).map { image(pixel, $0) } }
    let input = Activation(shape: [1, 35, 33, 3], values: values)
    let executor = ReferenceExecutor(
      graph: model.graph, parameters: try model.parameters(threads: 2),
      pool: WorkerPool(threads: 2))
    let file = try OutputFile(path: folder.file("acts.npz"), replacing: false)
    var writer = NPZWriter(to: file)
    func append(_ name: String, _ shape: Shape, _ values: [Float]) throws {
      try writer.append(name, TensorData(shape: shape, values: values))
    }
    try append("input", input.shape, input.values)
    _ = try executor.run(input) { node, value in
      let name = model.layerNames.name(of: model.graph.nodes[node].name)
      if node > 0, let name, keeping(name) { try append(name, value.shape, value.values) }
      if node == model.graph.outputIndex, let output {
        try append("output", value.shape, output(value))
      }
    }
    try writer.finish()
    try file.commit()
    var request = VerificationRequest(model: weights)
    request.search = nil
    if isEngine {
      let engine = EngineRequest(.archive(folder.file("acts.npz")))
      return try verify(request, engine: engine) { _, _ in }
    }
    return try verify(request, against: folder.file("acts.npz")) { _, _ in }
  }

  @Test("With the model's own output they tell all that would have shown")
  func all() throws {
    let result = try outcome(of: { 1.5 * Self.noise(3 * $0 + $1) }, output: \.values)
    #expect(result.verdict.passes)
    #expect(result.assumptions.isEmpty, "\(result.assumptions)")
  }

  @Test("Without it they do not tell what comes after the last layer")
  func layersAlone() throws {
    let result = try outcome(of: { 1.5 * Self.noise(3 * $0 + $1) })
    #expect(result.verdict.passes)
    #expect(Set(result.assumptions.map(\.option)) == ["head.activation", "arithmetic"])
    #expect(result.remarks.contains { $0.contains("no array 'output'") })
  }

  @Test("Without the last layer nothing after the last recorded one is told, which is said")
  func partial() throws {
    let result = try outcome(
      of: { 1.5 * Self.noise(3 * $0 + $1) }, keeping: { $0 == "conv1_conv" || $0 == "pool1_pool" })
    #expect(result.assumptions == (try Model(path: Self.weights)).assumptions)
    #expect(result.remarks == ["acts.npz lacks the output: nothing after pool1_pool was compared"])
  }

  @Test("An output that is not that of the last layer fails, though every layer agrees")
  func another() throws {
    let result = try outcome(
      of: { 1.5 * Self.noise(3 * $0 + $1) }, output: { $0.values.map { $0 / 2.5 } })
    #expect(!result.verdict.passes)
    #expect(result.layers.count { !$0.passes } == 1)
  }

  @Test("Images of one colour tell nothing", arguments: ["black", "coloured", "faint"])
  func plain(_ kind: String) throws {
    let result = try outcome(
      of: { pixel, channel in
        switch kind {
        case "black": 0
        case "coloured": Float(channel)
        default: 0.001 * Self.noise(pixel + channel)
        }
      }, output: \.values)
    #expect(result.verdict.passes)
    #expect(result.assumptions == (try Model(path: Self.weights)).assumptions)
    #expect(result.remarks.contains { $0.contains("of one colour") })
  }

  @Test("Of an engine that was tried on such images the same is said")
  func plainTrial() throws {
    let result = try outcome(of: { _, _ in 0 }, isEngine: true)
    #expect(result.verdict.passes)
    #expect(result.remarks.contains { $0.contains("of one colour") })
  }

  @Test("Grey images do not tell the order of the channels, nor values below 6 a ReLU from ReLU6")
  func faint() throws {
    let grey = try outcome(of: { pixel, _ in 1.5 * Self.noise(pixel) }, output: \.values)
    #expect(grey.assumptions.map(\.option) == ["input"])
    let relu = try outcome(
      of: { 1.5 * Self.noise(3 * $0 + $1) }, output: \.values, keeping: { !$0.contains("relu") })
    #expect(relu.assumptions.map(\.option) == ["block.activation"])
    // The dense layer ends in a ReLU of its own, which is recorded with it.
    for (scale, open) in [
      (1.5, ["block.activation"]), (0.05, ["block.activation", "head.layers[1].activation"]),
    ] as [(Float, [String])] {
      let head = try outcome(
        of: { scale * Self.noise(3 * $0 + $1) }, weights: Fixture.path("kinds/heads.weights.h5"),
        output: \.values, keeping: { !$0.contains("relu") })
      #expect(head.assumptions.map(\.option) == open)
    }
  }
}

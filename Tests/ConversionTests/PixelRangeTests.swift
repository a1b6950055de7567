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

/// A network that takes pixels of 0 to 255 and is clipped where only those lead.
@Suite("Faults beyond [−1, 1)")
struct PixelRangeTests {
  @Test("A ReLU6 that only pixels of 0 to 255 tell from a ReLU is found by the standard input")
  func findsByPixels() throws {
    let folder = try TemporaryFolder()
    let source = folder.file("source.npz")
    try writeClippable(to: source, folder)
    let right = try convert(source, to: folder.file("right.rnw"))
    let clipped = try convert(source, to: folder.file("clipped.rnw"), hidden: "relu6")

    let found = try verify(
      VerificationRequest(model: clipped), against: right, progress: Calls().add)
    #expect(!found.verdict.passes && found.verdict.failed > 0)
    #expect(found.verdict.culprit?.name == "head.activation")
    #expect(found.verdict.culprit?.evidence == .isolated)
    #expect(
      found.verdict.culprit?.suspicion?.explanation == "it is ReLU6, the reference's is ReLU")

    // Values in [−1, 1), which nobody gives such a network, do not show it: it is the layers side by side that fail.
    var request = VerificationRequest(model: clipped)
    request.input = .path(folder.file("unit.npz"))
    let hidden = try verify(request, against: right, progress: Calls().add)
    #expect(hidden.verdict.failed == 0 && hidden.weights?.agrees == true)
    #expect(!hidden.verdict.passes)
    #expect(hidden.verdict.culprit?.evidence == .definition)
    #expect(
      hidden.verdict.culprit?.suspicion?.explanation == "it is ReLU6, the reference's is ReLU")
  }

  /// Writes a network of which one hidden value is 5 for a probe in [−1, 1) and 7 for that of pixels, and that probe.
  private func writeClippable(to path: String, _ folder: TemporaryFolder) throws {
    // An archive of arrays lists no layers, as the file does that it is made of: both networks are read from one.
    let plain = folder.file("plain.npz")
    try write(
      try WeightFile.open(Fixture.path("kinds/heads.weights.h5"), dictionary: nil), to: plain
    ) { $1 }
    let model = try Model(path: plain, told: try told())
    let executor = ReferenceExecutor(
      graph: model.graph, parameters: try model.parameters(threads: 1), pool: WorkerPool(threads: 2)
    )
    var images = try InputImages(.standardProbe, for: model, passesStrangers: true)
    let pixels = try images.all()
    let unit = Activation.probe(seed: 1, shape: pixels.shape)
    #expect(pixels.values.max() ?? 0 > 250 && unit.values.max() ?? 0 < 1)
    let (high, low) = try (hidden(of: executor, pixels), hidden(of: executor, unit))
    let differences = zip(high, low).map { Double($0 - $1) }
    let channel = try #require(
      differences.indices.max { differences[$0].magnitude < differences[$1].magnitude })
    let factor = 2 / differences[channel]
    // The others stay below 6 on both.
    let others = (high + low).enumerated().filter { $0.offset % high.count != channel }
    let shrinkage = 5 / max(others.map(\.element.magnitude).max() ?? 0, 5)

    let names = model.tensorNames
    let kernel = try #require(names["head.dense1.weight"])
    let bias = try #require(names["head.dense1.bias"])
    let own = try model.source.tensor(named: bias).floats()[channel]
    let outputs = high.count
    try write(model.source, to: path) { name, tensor in
      guard name == kernel || name == bias else { return tensor }
      let values = tensor.floats().enumerated().map { index, value in
        guard index % outputs == channel else { return value * shrinkage }
        return name == bias
          ? Float(5 - factor * Double(low[channel] - own)) : Float(factor) * value
      }
      return TensorData(shape: tensor.shape, values: values)
    }
    try write(
      [("input", TensorData(shape: unit.shape, values: unit.values))], to: folder.file("unit.npz"))
  }

  /// Writes all arrays of a source, each as it is changed.
  private func write(
    _ source: any WeightSource, to path: String,
    changing change: (String, TensorData) throws -> TensorData
  ) throws {
    try write(
      source.tensors.map { ($0.name, try change($0.name, source.tensor(named: $0.name))) }, to: path
    )
  }

  private func write(_ arrays: [(String, TensorData)], to path: String) throws {
    let file = try OutputFile(path: path, replacing: true)
    var writer = NPZWriter(to: file)
    for (name, tensor) in arrays { try writer.append(name, tensor) }
    try writer.finish()
    try file.commit()
  }

  /// What the first hidden layer puts out for one image.
  private func hidden(of executor: ReferenceExecutor, _ image: Activation) throws -> [Float] {
    var values: [Float] = []
    _ = try executor.run(image) { node, value in
      if executor.graph.nodes[node].name == "head.dense1" { values = value.values }
    }
    return values
  }

  private func told(hidden: String = "relu") throws -> Told {
    var told = Told()
    told.inputScale = [1 / 127.5]
    told.inputOffset = [-1]
    told.settings = [.init(path: "head.layers[1].activation", value: hidden)]
    return told
  }

  private func convert(
    _ source: String, to path: String, hidden: String = "relu"
  ) throws -> String {
    var request = ConversionRequest(source: source, output: path)
    request.told = try told(hidden: hidden)
    let outcome = try Conversion.convert(request, progress: Calls().add)
    #expect(outcome.passes)
    return path
  }
}

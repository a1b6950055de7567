import Families
import Files
import Images
import Inference
import RNW
import ResNetV2
import SourceGraph
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

@Suite("The sizes of images that files fix")
struct ImageSizeTests {
  /// Writes a Keras model that flattens its features, for images of one size.
  private func write(
    _ image: Shape, flattening height: Int, _ width: Int, to path: String
  ) throws -> String {
    var configuration = SampleNetwork.basicPreActivation.configuration
    configuration.head.pooling = .flatten(height: height, width: width, channelsFirst: false)
    let graph = try Graph(configuration)
    #expect(throws: Never.self) { try graph.shapes(for: image) }
    try Conversion.write(
      Parameters.random(for: graph, seed: 3), of: graph, family: .torch, as: .keras,
      codec: .planes, origin: "", usual: image, to: OutputFile(path: path, replacing: false),
      threads: 2)
    return path
  }

  private func inputSize(_ path: String) throws -> [Int?] {
    let size = try #require(try WeightFile.open(path).graph()).inputSize
    return [size.height, size.width]
  }

  @Test("A head that flattens features keeps its size of images through a file and an export")
  func keepsSize() throws {
    let folder = try TemporaryFolder()
    let graph = try Graph(SampleNetwork.basicPreActivation.configuration)
    let features = try #require(try graph.features(side: 45))
    let source = try write(
      [1, 45, 45, 3], flattening: features[1], features[2], to: folder.file("x.keras"))
    // Not the smallest that would do, nor the family's.
    #expect(try graph.features(side: 44)?.dimensions == features.dimensions)
    let converted = folder.file("x.rnw")
    #expect(try convert(ConversionRequest(source: source, output: converted)) { _, _ in }.passes)
    for model in [source, converted] {
      for ending in ["keras", "onnx"] {
        var request = ExportRequest(model: model, output: folder.file("y.\(ending)"))
        request.replaces = true
        try export(request)
        #expect(try inputSize(request.output) == [45, 45])
      }
    }
  }

  @Test("What images go through stays that of the model in a .rnw that is exported")
  func keepsPreprocessing() throws {
    let folder = try TemporaryFolder()
    let model = try Model(path: Fixture.path("keras/narrow.h5"))
    let resize = try #require(model.preprocessing().resize).fitted(to: 64)
    var preprocessing = try model.preprocessing()
    preprocessing.resize = resize
    try Conversion.write(
      model.parameters(threads: 2), of: model.graph, family: model.family, as: .rnw, codec: .none,
      origin: "", usual: [1, 64, 64, 3], preprocessing: preprocessing,
      to: OutputFile(path: folder.file("x.rnw"), replacing: false), threads: 2)
    try export(ExportRequest(model: folder.file("x.rnw"), output: folder.file("y.rnw")))
    let again = try Model(path: folder.file("y.rnw"))
    #expect(try again.preprocessing().resize == resize)
    #expect(again.usualInput == [1, 64, 64, 3])
  }

  @Test(
    "A photo for a network of images that are no squares is refused, also once it is converted",
    .enabled(if: ImageFile.isBuiltIn))
  func oblong() throws {
    let folder = try TemporaryFolder()
    let graph = try Graph(SampleNetwork.basicPreActivation.configuration)
    let (tall, wide) = (
      try #require(try graph.features(side: 64)), try #require(try graph.features(side: 32))
    )
    let source = try write(
      [1, 64, 32, 3], flattening: tall[1], wide[2], to: folder.file("x.keras"))
    let converted = folder.file("x.rnw")
    #expect(try convert(ConversionRequest(source: source, output: converted)) { _, _ in }.passes)
    for path in [source, converted] {
      let model = try Model(path: path)
      #expect(model.usualInput == [1, 64, 32, 3])
      let error = #expect(throws: InputError.self) {
        try InputImages(.path(Fixture.path("images/rgb.jpg")), for: model, passesStrangers: true)
      }
      #expect(error?.place == "the network is for 64×32")
    }
  }
}

extension Graph {
  /// The shape of what the head reads, for a square image.
  fileprivate func features(side: Int) throws -> Shape? {
    let shapes = try shapes(for: [1, side, side, 3])
    let last = nodes.lastIndex {
      shapes[$0.inputs.first ?? 0].rank == 4 && $0.operation == .globalAverage
    }
    return last.map { shapes[nodes[$0].inputs[0]] }
  }
}

import Networks
import TestSupport
import Testing

@Suite("A network in a program of somebody else's")
struct NetworkTests {
  static let converted = Fixture.path("rnw/narrow.float32.planes.rnw")
  static let original = Fixture.path("keras/narrow.npz")

  @Test("A converted network runs on an image and gives what its source gives")
  func runs() throws {
    let network = try Network(contentsOf: Self.converted, pool: WorkerPool(threads: 2))
    #expect(network.family == "keras")
    #expect(network.inputShape == [1, 224, 224, 3])
    let image = try network.input(contentsOf: Fixture.path("images/rgb.jpg"))
    #expect(image.shape == network.inputShape)
    let output = try network.run(image)
    #expect(output.shape == [1, 10])
    #expect(output.shape == (try network.outputShape(for: image.shape)))
    let source = try Network(contentsOf: Self.original, pool: WorkerPool(threads: 1))
    // The same weights on another number of threads: the same bits.
    #expect(try source.run(image).values == output.values)
    #expect(output.largest(3)[0].map(\.value) == output.values.sorted(by: >).prefix(3).map(\.self))
  }

  @Test("Pixels in memory are what the file of the same image is")
  func takesPixels() throws {
    let network = try Network(contentsOf: Self.converted, pool: WorkerPool(threads: 1))
    let pixels = [UInt8](repeating: 0, count: 30 * 20 * 3)
    let input = try network.input(pixels: pixels, width: 30, height: 20)
    #expect(input.shape == network.inputShape)
    #expect(input.values.allSatisfy { $0 == -1 })  // Keras' mode `tf`: 0 becomes -1
  }

  @Test("Every layer is handed out under both of its names")
  func handsOutLayers() throws {
    let network = try Network(contentsOf: Self.converted, pool: WorkerPool(threads: 1))
    let input = try Activation([Float](repeating: 0.5, count: 64 * 64 * 3), shape: [1, 64, 64, 3])
    var layers: [String: String] = [:]
    var last: [Float] = []
    let output = try network.run(input) { layer, value in
      layers[layer.name] = layer.familyName
      last = value.values
    }
    #expect(layers["stem.conv"] == "conv1_conv")
    #expect(layers["stage1.block1.norm1"] == "conv2_block1_preact_bn")
    #expect(last == output.values)
  }

  @Test("The certificate of a file holds, and a file without one says so")
  func checksCertificate() throws {
    let check = try #require(try Network(contentsOf: Self.converted).checkCertificate())
    #expect(check.passes && check.scaledError <= 4e-6)
    #expect(try Network(contentsOf: Self.original).checkCertificate() == nil)
  }

  @Test("A network agrees with what it was made from, with all layers compared")
  func agrees() throws {
    let comparison = try compare(
      Network(contentsOf: Self.converted, pool: WorkerPool(threads: 2)),
      Network(contentsOf: Self.original))
    #expect(comparison.passes)
    #expect(comparison.culprit == nil)
    #expect(comparison.layers.count == 60)
    #expect(comparison.description.contains("60 layers compared, all within limits"))
    // Weights alone do not tell how the network ends.
    #expect(comparison.assumptions.contains("softmax at the end"))
  }

  @Test("Of two networks that differ the first wrong layer is named, and why")
  func namesCulprit() throws {
    let changed = Fixture.path("rnw/narrow.int8.none.rnw")
    let comparison = try compare(
      Network(contentsOf: changed), contentsOf: Self.original, limit: 1e-4)
    #expect(!comparison.passes)
    let culprit = try #require(comparison.culprit)
    #expect(culprit.familyName == "conv1_conv")
    #expect(culprit.parameters == ["stem.conv.weight", "stem.conv.bias"])
    let layer = try #require(comparison.layers.first { $0.name == culprit.name })
    #expect(!layer.passes && layer.timesLimit > 1)
  }

  @Test("What a framework computed is compared on its own input")
  func comparesActivations() throws {
    let comparison = try compare(
      Network(contentsOf: Self.converted),
      contentsOf: Fixture.path("keras/narrow.activations.npz"))
    #expect(comparison.passes, "\(comparison)")
  }

  @Test(
    "The version of the package stands once, and the packages for other languages have the same")
  func hasOneVersion() throws {
    let project = try Fixture.text("Bindings/python/pyproject.toml")
    let module = try Fixture.text("Bindings/python/src/rnw/__init__.py")
    let constant = try Fixture.text("Sources/RNW/PackageVersion.swift")
    let version = try #require(constant.split(separator: "\"").dropFirst().first)
    // Python's is the module's, which the build reads.
    #expect(project.contains("\ndynamic = [\"version\"]\n"))
    #expect(module.contains("__version__ = \"\(version)\""))
    let script = try Fixture.text("Bindings/js/package.json")
    #expect(script.contains("\"version\": \"\(version)\""))
  }
}

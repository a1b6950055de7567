import Comparison
import Diagnosis
import Families
import Files
import RNW
import ResNetV2
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

@Suite("The same weights in the files of several frameworks")
struct SameWeightsTests {
  @Test(
    "Keras' weights are equal from a checkpoint of TensorFlow's",
    arguments: ["keras.weights", "keras.training"])
  func kerasCheckpoint(_ name: String) throws {
    let comparison = try diff(
      DiffRequest(
        first: Fixture.path("keras/narrow.h5"), second: Fixture.path("tensorflow/\(name)")))
    #expect(comparison.areEqual && comparison.options.isEmpty)
    #expect(comparison.tensors.count == 92)
  }

  @Test("TF-Slim's and Keras' networks of the same weights differ in the border of a pool alone")
  func slimAndKeras() throws {
    let folder = try TemporaryFolder()
    let slim = try Model(path: Fixture.path("tensorflow/slim"))
    var configuration = slim.graph.configuration
    configuration.stem.pool?.padding = .zero
    #expect(Family.keras.canExpress(configuration))
    let output = try OutputFile(path: folder.file("keras.npz"), replacing: false)
    try write(
      try slim.parameters(threads: 1), of: try Graph(configuration), family: .keras, as: .npz,
      codec: .planes, origin: "", to: output, threads: 1)
    let comparison = try diff(
      DiffRequest(first: Fixture.path("tensorflow/slim"), second: folder.file("keras.npz")))
    #expect(comparison.tensors.allSatisfy { $0.isEqual })
    #expect(comparison.tensors.count == slim.graph.parameters.count)
    let options = comparison.options.map { String(describing: $0) }.joined(separator: "\n")
    #expect(options.contains("same") && options.contains("zero"), "\(options)")
  }

  @Test("BiT is one network in the names of timm and Hugging Face; Google's has another ε")
  func bit() throws {
    let timm = Fixture.path("pytorch/bit.timm.safetensors")
    let hugging = try diff(
      DiffRequest(first: timm, second: Fixture.path("pytorch/bit.hf.safetensors")))
    #expect(hugging.areEqual && hugging.options.isEmpty)
    let google = try diff(DiffRequest(first: timm, second: Fixture.path("pytorch/bit.npz")))
    #expect(google.tensors.allSatisfy { $0.isEqual })
    let options = google.options.map { "\($0)" }.joined(separator: "\n")
    #expect(options.contains("weightStandardizationEpsilon"), "\(options)")
  }
}

import Files
import Inference
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import SourceGraph

@Suite("A Keras model's own graph")
struct OwnGraphTests {
  /// Every container that carries a configuration, and what Keras computed from its weights.
  static let models: [(file: String, activations: String)] =
    [
      "narrow.keras", "narrow.deflated.keras", "narrow.tfkeras.keras", "narrow.keras3.full.h5",
      "narrow.tfkeras.full.h5", "narrow.compiled.full.h5", "narrow.bare.full.h5",
      "narrow.nested.full.h5",
    ].map { ($0, "narrow") } + [("notop.keras", "notop"), ("v1.full.h5", "v1")]
    + [
      "epsilon", "same_pool", "linear_relu", "padding", "stride", "relu_removed",
    ].map { ("changed/\($0).keras", "changed/\($0)") } + [
      ("changed/layers.keras", "changed/layers.keras"),
      ("changed/layers.h5", "changed/layers.keras"),
      ("changed/layers.tfkeras.keras", "changed/layers.tf_keras"),
      ("changed/layers.tfkeras.h5", "changed/layers.tf_keras"),
    ]

  @Test("Every layer is within 2e-6 of what Keras computed", arguments: models)
  func agreesWithKeras(_ model: (file: String, activations: String)) throws {
    let truth = try WeightFile.open(
      Fixture.path("keras/\(model.activations).activations.npz"))
    let errors = try errors(of: "keras/\(model.file)", against: truth)
    // Every value of Keras has a layer; the input is not one.
    #expect(errors.count == truth.tensors.count - 1)
    for (name, error) in errors { #expect(error <= 2e-6, "\(name)") }
  }

  @Test("A file of weights alone has no graph", arguments: ["narrow.h5", "narrow.weights.h5"])
  func weightsAlone(_ file: String) throws {
    let source = try WeightFile.open(Fixture.path("keras/\(file)"))
    #expect(try source.graph() == nil)
  }

  @Test(
    "A variable that its layer's configuration lacks is refused by name, one of another layer is not",
    arguments: [
      ("narrow.keras3.full.h5", "conv1_conv/lora_kernel_a", true),
      ("narrow.keras", "layers/conv2d/vars/2", true),
      ("narrow.nested.full.h5", "somewhere/lora_kernel_a", false),
      ("narrow.keras", "layers/dropout/seed_generator/vars/0", false),
    ])
  func unknownVariables(_ file: String, _ name: String, isRefused: Bool) throws {
    let source = try WeightFile.open(Fixture.path("keras/\(file)"))
    let graph = try #require(try source.graph())
    let added = Added(source: source, name: name)
    guard isRefused else {
      _ = try SourceWeights(of: graph, in: added)
      return
    }
    let error = #expect(throws: InputError.self) { try SourceWeights(of: graph, in: added) }
    #expect(error?.problem == "has a variable that the configuration of its layer lacks")
    #expect(error?.place == "\(name) (3)")
  }

  /// A source with one tensor more.
  private struct Added: WeightSource {
    let source: any WeightSource
    let name: String
    var container: String { source.container }
    var path: String { source.path }
    var metadata: [String: String] { source.metadata }
    var files: [SourceFile] { source.files }
    var tensors: [TensorInfo] {
      source.tensors + [TensorInfo(name: name, dtype: .float32, shape: [3])]
    }
    func tensor(named name: String) throws(InputError) -> TensorData {
      try source.tensor(named: name)
    }
  }

  /// The scaled error of every layer that the framework has a value of.
  private func errors(
    of file: String, against truth: any WeightSource
  ) throws -> [(name: String, error: Double)] {
    let source = try WeightFile.open(Fixture.path(file))
    let network = try #require(try source.graph())
    let input = try truth.tensor(named: "input")
    let run = try SourceRun(
      Activation(shape: input.shape, values: input.floats()), through: network,
      weights: try SourceWeights(of: network, in: source),
      arithmetic: ReferenceArithmetic(pool: WorkerPool(threads: 2)))
    return try network.nodes.indices.dropFirst().compactMap { index in
      let node = network.nodes[index]
      let value = try #require(try run.value(of: index))
      // What a layer gives before its function, Keras never shows.
      guard !node.name.hasSuffix(SourceGraph.linearPart) else { return nil }
      guard truth.tensors.contains(where: { $0.name == node.name }) else {
        // A call of a layer within a model, or the second one, has no value in the archive.
        #expect(file.contains("layers."), "\(node.name)")
        return nil
      }
      let expected = try truth.tensor(named: node.name)
      #expect(value.shape == expected.shape, "\(node.name)")
      let pairs = zip(value.values, expected.floats())
      let scale = pairs.map { Double($1.magnitude) }.max() ?? 0
      let difference = pairs.map { (Double($0) - Double($1)).magnitude }.max() ?? .infinity
      return (node.name, difference / (scale > 0 ? scale : 1))
    }
  }
}

import Comparison
import Families
import Files
import Foundation
import Inference
import RNW
import ResNetV2
import SourceGraph
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

@Suite("Networks that are written as Keras models")
struct KerasExportTests {
  private func exported(_ file: String, in folder: TemporaryFolder) throws -> (Model, Model) {
    var request = ExportRequest(model: Fixture.path(file), output: folder.file("x.keras"))
    request.threads = 2
    try export(request)
    return (try Model(path: Fixture.path(file)), try Model(path: folder.file("x.keras")))
  }

  @Test(
    "What is read again has the same bits and the same options", arguments: ONNXExportTests.files)
  func readsAgain(_ file: String) throws {
    let folder = try TemporaryFolder()
    let (model, again) = try exported(file, in: folder)
    var expected = model.graph.configuration
    // Zeros after a ReLU never win either; and a norm of Keras always has statistics.
    if expected.stem.hasNorm, expected.stem.pool?.padding == .negativeInfinity {
      expected.stem.pool?.padding = .zero
    }
    expected.hasNormStatistics = true
    #expect(again.graph.configuration == expected)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["x.keras"])
    for parameter in model.graph.parameters {
      let (own, other) = (try model.tensor(of: parameter), try again.tensor(of: parameter))
      #expect(own?.floats() == other?.floats(), "\(parameter.name)")
    }
  }

  @Test(
    "An exported model is converted, and agrees with its own graph",
    arguments: [
      "kinds/fine_tuned.keras", "torch/bottleneck.pth", "pytorch/cifar.zeros.safetensors",
      "pytorch/timm.deep.safetensors", "mxnet/bottleneck.params", "onnx/keras.onnx",
    ])
  func converts(_ file: String) throws {
    let folder = try TemporaryFolder()
    _ = try exported(file, in: folder)
    let outcome = try convert(
      ConversionRequest(source: folder.file("x.keras"), output: folder.file("y.rnw"))
    ) { _, _ in }
    #expect(outcome.passes)
    #expect(outcome.ownGraph?.verdict.passes == true)
  }

  @Test(
    "A network of Keras has the layers that Keras gave it, by name",
    arguments: ["keras/narrow.keras", "keras/notop.keras", "keras/v1.full.h5"])
  func namesOfKeras(_ file: String) throws {
    let folder = try TemporaryFolder()
    _ = try exported(file, in: folder)
    let graphs = try [Fixture.path(file), folder.file("x.keras")].map { path in
      try #require(try WeightFile.open(path).graph())
    }
    #expect(graphs[1].names == graphs[0].names)
  }

  // MARK: - Options that no fixture has

  struct Change: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var sample = SampleNetwork.basicPreActivation
    let change: @Sendable (inout Configuration) -> Void
  }

  static let changes = [
    Change(testDescription: "a border that never wins, and no ReLU before it") {
      $0.stem.hasNorm = false
    },
    Change(testDescription: "an input with its channels reversed, and adjusted") {
      $0.input.scale = [1.0 / 255, 0.25, 3]
      $0.input.offset = [-0.5, 0, 1]
      $0.input.reversesChannels = true
    },
    Change(testDescription: "an input with its channels reversed alone") {
      $0.input.reversesChannels = true
    },
    Change(testDescription: "features with their channels outermost") {
      $0.head.pooling = .flatten(height: 3, width: 3, channelsFirst: true)
    },
    Change(testDescription: "features with their channels innermost") {
      $0.head.pooling = .flatten(height: 3, width: 3, channelsFirst: false)
    },
    Change(testDescription: "no pooling, and layers for every pixel") {
      $0.head = .init(
        pooling: .none, layers: [.dense(outputs: 7, hasBias: true), .activation(.softmax)])
    },
    Change(testDescription: "norms that are a scale and a shift") {
      $0.hasNormStatistics = false
      $0.norm = .batch(epsilon: 0)
    },
    Change(testDescription: "taps that are apart") {
      ($0.stages[1].stride, $0.stages[1].dilation) = (1, 2)
    },
    Change(testDescription: "TensorFlow's borders", sample: .postActivation) {
      $0.convolutionPadding = .same
    },
  ]

  static let functions: [ActivationFunction] = [
    .softmax, .sigmoid, .tanh, .relu, .relu6, .leakyRelu(slope: 0.2), .leakyRelu(slope: 0.01),
    .elu(alpha: 1), .elu(alpha: 0.5), .selu, .gelu, .geluTanh, .silu, .softplus,
    .hardSigmoid(slope: 1.0 / 6), .hardSwish,
  ]

  @Test("Every option that Keras has is read again, and computes the same", arguments: changes)
  func options(_ change: Change) throws {
    var configuration = change.sample.configuration
    change.change(&configuration)
    let again = try checked(configuration)
    configuration.hasNormStatistics = true
    if configuration.stem.hasNorm, configuration.stem.pool?.padding == .negativeInfinity {
      configuration.stem.pool?.padding = .zero
    }
    #expect(again == configuration)
  }

  @Test("Every function that Keras has is read again", arguments: functions)
  func function(_ function: ActivationFunction) throws {
    var configuration = SampleNetwork.basicPreActivation.configuration
    configuration.head.layers.append(.activation(function))
    #expect(try checked(configuration).head == configuration.head)
  }

  @Test("Standardised weights are written as they are used, group norms as they are")
  func standardized() throws {
    let again = try checked(SampleNetwork.deepGroupNorm.configuration)
    #expect(again.weightStandardizationEpsilon == nil)
    #expect(again.norm == SampleNetwork.deepGroupNorm.configuration.norm)
  }

  /// Writes a network, reads and converts it again, and compares what both compute.
  private func checked(_ configuration: Configuration) throws -> Configuration {
    let folder = try TemporaryFolder()
    let graph = try Graph(configuration)
    let parameters = try Parameters.random(for: graph, seed: 3)
    let path = folder.file("x.keras")
    try write(parameters, graph, to: path)
    let again = try Model(path: path)
    let image = try #require(graph.usualInput(side: 45))
    let input = Activation.probe(image, seed: 5)
    let outputs = try [parameters, try again.parameters(threads: 2)].map { parameters in
      try ReferenceExecutor(parameters, pool: WorkerPool(threads: 2)).run(input, observer: nil)
    }
    #expect(ScaledError(of: outputs[1].values, from: outputs[0].values).value <= 1e-6)
    let outcome = try convert(
      ConversionRequest(source: path, output: folder.file("y.rnw"))
    ) { _, _ in }
    #expect(outcome.passes)
    #expect(outcome.ownGraph?.verdict.passes == true)
    return again.graph.configuration
  }

  private func write(_ parameters: Parameters, _ graph: Graph, to path: String) throws {
    try Conversion.write(
      parameters, of: graph, family: .torch, as: .keras, codec: .planes, origin: "",
      to: OutputFile(path: path, replacing: false), threads: 2)
  }

  // MARK: - What is refused

  struct Refusal: Sendable, CustomTestStringConvertible {
    /// The canonical name of the first node in the way.
    let testDescription: String
    let change: @Sendable (inout Configuration) -> Void
  }

  static let refusals = [
    Refusal(testDescription: "head.activation") {
      $0.head.layers.append(.activation(.hardSigmoid(slope: 0.2)))
    },
    Refusal(testDescription: "head.norm") {
      $0.head.layers.append(
        .norm(.group(count: 1, epsilon: 1e-5), hasScale: true, hasShift: true))
    },
    // Keras takes a stride or a dilation.
    Refusal(testDescription: "stage2.block1.conv1") { $0.stages[1].dilation = 2 },
  ]

  @Test("What Keras has no layer for is refused by name, and leaves no file", arguments: refusals)
  func refuses(_ refusal: Refusal) throws {
    var configuration = SampleNetwork.basicPreActivation.configuration
    refusal.change(&configuration)
    let graph = try Graph(configuration)
    let parameters = try Parameters.random(for: graph, seed: 3)
    let folder = try TemporaryFolder()
    let error = #expect(throws: InputError.self) {
      try write(parameters, graph, to: folder.file("x.keras"))
    }
    #expect(error?.place == refusal.testDescription)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test("The names of a family that has no such network are refused")
  func otherFamily() throws {
    let folder = try TemporaryFolder()
    for family in [Family.keras, .torch] {
      var request = ExportRequest(
        model: Fixture.path("torch/basic.pth"), output: folder.file("x.keras"))
      request.family = family
      #expect(throws: InputError.self) { try export(request) }
    }
  }
}

extension SourceGraph {
  /// What the layers are called, but for the input, which Keras counts.
  fileprivate var names: Set<String> { Set(nodes.dropFirst().map(\.layerName)) }
}

import Files
import Plain
import ResNetV2
import SourceGraph
import Tensors
import Testing

@testable import Families

@Suite("Heads of Keras files without a graph")
struct ChainedHeadTests {
  typealias Layer = Configuration.Head.Layer

  /// Layers beside a network of 2048 features, and the head that they are.
  struct Head: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var pooling = Configuration.Head.Pooling.average
    let layers: [Layer]
    var assumed: [String] = []
    let added: [(name: String, sizes: [Int])]
  }

  static let norm = Layer.norm(.batch(epsilon: 1e-3), hasScale: true, hasShift: false)

  static let heads = [
    Head(
      testDescription: "one layer of any name",
      layers: [.dense(outputs: 5, hasBias: true), .activation(.softmax)],
      added: [("my_head/kernel", [2048, 5]), ("my_head/bias", [5])]),
    Head(
      testDescription: "no bias",
      layers: [.dense(outputs: 5, hasBias: false), .activation(.softmax)],
      added: [("dense_3/kernel", [2048, 5])]),
    Head(
      testDescription: "a norm between dense layers",
      layers: [
        .dense(outputs: 8, hasBias: false), .activation(.relu), norm,
        .dense(outputs: 5, hasBias: false), .activation(.softmax),
      ], assumed: ["a before norm before b", "ReLU at a", "0.001 at norm"],
      added: [
        ("a/kernel", [2048, 8]), ("norm/gamma", [8]), ("norm/moving_mean", [8]),
        ("norm/moving_variance", [8]), ("b/kernel", [8, 5]),
      ]),
    Head(
      testDescription: "the chain of shapes decides, not names",
      layers: [
        .dense(outputs: 64, hasBias: true), .activation(.relu), .dense(outputs: 5, hasBias: true),
        .activation(.softmax),
      ], assumed: ["z before a", "ReLU at z"],
      added: [
        ("a/kernel", [64, 5]), ("a/bias", [5]), ("z/kernel", [2048, 64]), ("z/bias", [64]),
      ]),
    Head(
      testDescription: "where shapes allow two orders, the file's own",
      layers: [
        .dense(outputs: 2048, hasBias: false), .activation(.relu),
        .norm(.batch(epsilon: 1e-3), hasScale: false, hasShift: false),
      ], assumed: ["z before a", "ReLU at z", "0.001 at a"],
      added: [
        ("z/kernel", [2048, 2048]), ("a/moving_mean", [2048]), ("a/moving_variance", [2048]),
      ]),
    Head(
      testDescription: "all pixels side by side",
      pooling: .flatten(height: 7, width: 7, channelsFirst: false),
      layers: [.dense(outputs: 5, hasBias: true), .activation(.softmax)],
      assumed: ["7×7 pixels side by side"],
      added: [("dense/kernel", [49 * 2048, 5]), ("dense/bias", [5])]),
    Head(
      testDescription: "a norm of the features",
      layers: [norm, .dense(outputs: 5, hasBias: true), .activation(.softmax)],
      assumed: ["0.001 at batch_normalization"],
      added: [
        ("batch_normalization/gamma", [2048]), ("batch_normalization/moving_mean", [2048]),
        ("batch_normalization/moving_variance", [2048]), ("dense/kernel", [2048, 5]),
        ("dense/bias", [5]),
      ]),
  ]

  private static func network(_ added: [(name: String, sizes: [Int])]) throws -> KerasNamed {
    var source = KerasNamed(try KerasTests.graph("resnet50_v2", classes: 0))
    source.tensors += added.map {
      TensorInfo(name: $0.name, dtype: .float32, shape: Shape($0.sizes))
    }
    return source
  }

  @Test("A head is read from its shapes, and what they leave open is said", arguments: heads)
  func reading(_ head: Head) throws {
    let source = try Self.network(head.added)
    let mapping = try Mapping(source)
    #expect(mapping.graph.configuration.head == .init(pooling: head.pooling, layers: head.layers))
    let assumed = mapping.assumptions.filter { $0.option.hasPrefix("head.layers") }.map(\.value)
    #expect(assumed == head.assumed)
    #expect(mapping.entries.count == source.tensors.count)
    #expect(mapping.family.canExpress(mapping.graph.configuration))
  }

  @Test("The head may stand outside the network's model, at any depth")
  func nested() throws {
    var source = try Self.network([]).renaming { "model/resnet50v2/\($0)" }
    for (name, sizes) in [("hidden/kernel", [2048, 9]), ("model/out/kernel", [9, 4])] {
      source.tensors.append(TensorInfo(name: name, dtype: .float32, shape: Shape(sizes)))
    }
    let mapping = try Mapping(source)
    #expect(mapping.graph.configuration.head.classes == 4)
    #expect(mapping.layerNames.name(of: "head.activation") == "hidden")
  }

  /// Layers that are no head of the network, and what the message must say.
  static let faults: [(expected: String, added: [(name: String, sizes: [Int])])] = [
    ("dense makes 5 values of 2047", [("dense/kernel", [2047, 5])]),
    (
      "that is no chain from 2048 features",
      [("a/kernel", [2048, 8]), ("b/kernel", [9, 5])]
    ),
    ("unexpected table/embeddings (7×8)", [("table/embeddings", [7, 8])]),
    // Two heads side by side have such tensors too.
    (
      "z and a both fit the 2048 features",
      [("z/kernel", [2048, 2048]), ("a/kernel", [2048, 5])]
    ),
    (
      "scaled has the tensors of a LayerNormalization",
      [("a/kernel", [2048, 5]), ("scaled/gamma", [2048]), ("scaled/beta", [2048])]
    ),
  ]

  @Test("What is no head is named", arguments: faults)
  func refusing(_ fault: (expected: String, added: [(name: String, sizes: [Int])])) throws {
    let source = try Self.network(fault.added)
    let error = #expect(throws: InputError.self) { try Mapping(source) }
    #expect(error?.place?.contains(fault.expected) == true, "\(error?.description ?? "")")
  }

  @Test("A text before all names is taken off, and biases are read from the file")
  func prefixAndBiases() throws {
    var source = try Self.network([]).renaming { "tl_\($0)" }
    source.tensors.removeAll { $0.name == "tl_conv1_conv/bias" }
    let mapping = try Mapping(source)
    #expect(!mapping.graph.configuration.stem.convolutions[0].hasBias)
    #expect(mapping.entries.count == source.tensors.count)
  }

  @Test(
    "A listed layer that changes the values is not passed over",
    arguments: [
      ("rescaling", "lists a layer that changes the input"),
      ("tf.math.truediv", "changes the input"),
      ("leaky_re_lu", "does not tell what it does"), ("lambda", "does not tell what it does"),
      ("my_attention", "does not tell what it does"),
    ])
  func listedLayers(_ layer: String, _ expected: String) throws {
    var source = try Self.network([("dense/kernel", [2048, 5])])
    source.carriedLayers.areNames = layer.hasPrefix("tf.")
    source.carriedLayers.append("dropout")
    source.carriedLayers.append(layer)
    for _ in 0..<18 { source.carriedLayers.append("zero_padding2d") }
    let error = #expect(throws: InputError.self) { try Mapping(source) }
    #expect(error?.problem.contains(expected) == true, "\(error?.description ?? "")")
    var told = Told()
    told.ignored = [Glob(layer)]
    #expect(try Mapping(source, told: told).graph.configuration.head.classes == 5)
    guard expected.contains("input") else { return }
    told.ignored = []
    told.inputScale = [2]
    #expect(try Mapping(source, told: told).graph.configuration.input.scale == [2, 2, 2])
  }

  @Test("A function that is listed apart from the layers may stand before them all, which is said")
  func functionsApart() throws {
    var source = try Self.network([("dense/kernel", [2048, 5])])
    for _ in 0..<18 { source.carriedLayers.append("zero_padding2d") }
    for _ in 0..<49 { source.carriedLayers.append("activation") }
    let value = "no function before dense"
    #expect(try !Mapping(source).assumptions.contains { $0.value == value })
    source.carriedLayers.append("activation")
    #expect(try Mapping(source).assumptions.contains { $0.value == value })
  }

  @Test("A norm is refused whose place among functions of their own is not told")
  func normAmongFunctions() throws {
    var source = try Self.network([
      ("a/kernel", [2048, 8]), ("norm/moving_mean", [8]), ("norm/moving_variance", [8]),
      ("b/kernel", [8, 5]),
    ])
    source.carriedLayers.append("dense")
    for _ in 0..<18 { source.carriedLayers.append("zero_padding2d") }
    for _ in 0..<49 { source.carriedLayers.append("activation") }
    #expect(try Mapping(source).graph.configuration.head.layers.count == 5)
    source.carriedLayers.append("re_lu")
    let error = #expect(throws: InputError.self) { try Mapping(source) }
    #expect(error?.place?.hasPrefix("norm may stand before or after a function") == true)
  }

  @Test("A pool without its layer of zeros has no border; other counts are refused")
  func listedBorders() throws {
    var source = try Self.network([("dense/kernel", [2048, 5])])
    for _ in 0..<17 { source.carriedLayers.append("zero_padding2d") }
    #expect(try Mapping(source).graph.configuration.stem.pool?.padding == .valid)
    source.carriedLayers = .init()
    for _ in 0..<16 { source.carriedLayers.append("zero_padding2d") }
    let error = #expect(throws: InputError.self) { try Mapping(source) }
    #expect(error?.problem == "lists 16 layers that pad an image")
  }
}

import Files
import ResNetV2
import Tensors
import Testing

@testable import Families

@Suite("Heads and wrappers of PyTorch")
struct HeadTests {
  typealias Layer = Configuration.Head.Layer

  /// Tensors beside a torchvision network of 64 features, and the head that they are.
  struct Head: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var pooling = Configuration.Head.Pooling.average
    let layers: [Layer]
    /// What is said to be assumed of the layers.
    var assumed: [String] = []
    let add: @Sendable (inout NamedShapes) -> Void
  }

  static let norm = Layer.norm(.batch(epsilon: 1e-5), hasScale: true, hasShift: true)

  static let heads = [
    Head(testDescription: "the family's own", layers: [.dense(outputs: 5, hasBias: true)]) {
      $0.addDense("fc", 64, 5)
    },
    Head(testDescription: "no bias", layers: [.dense(outputs: 5, hasBias: false)]) {
      $0.addDense("fc", 64, 5, hasBias: false)
    },
    Head(testDescription: "none", layers: [], assumed: []) { _ in },
    Head(
      testDescription: "dropout before", layers: [.dense(outputs: 5, hasBias: true)],
      assumed: ["nothing before fc.1"]
    ) { $0.addDense("fc.1", 64, 5) },
    Head(testDescription: "another name", layers: [.dense(outputs: 5, hasBias: true)]) {
      $0.addDense("last_linear", 64, 5)
    },
    Head(
      testDescription: "two dense layers with a gap",
      layers: [
        .dense(outputs: 32, hasBias: true), .activation(.relu), .dense(outputs: 5, hasBias: true),
      ], assumed: ["ReLU at fc.1"]
    ) {
      $0.addDense("fc.0", 64, 32)
      $0.addDense("fc.3", 32, 5)
    },
    Head(
      testDescription: "two dense layers without a gap",
      layers: [.dense(outputs: 32, hasBias: true), .dense(outputs: 5, hasBias: true)]
    ) {
      $0.addDense("classifier.0", 64, 32)
      $0.addDense("classifier.1", 32, 5)
    },
    Head(
      testDescription: "a norm between, and ten places",
      layers: [
        .dense(outputs: 32, hasBias: true), norm, .activation(.relu),
        .dense(outputs: 5, hasBias: true),
      ], assumed: ["nothing before head.2", "ReLU at head.4"]
    ) {
      // Places are numbers, not texts: 10 comes after 2.
      $0.addDense("head.10", 32, 5)
      $0.addDense("head.2", 64, 32)
      $0.addNorm("head.3", 32)
    },
    Head(
      testDescription: "a norm after the activation",
      layers: [
        .dense(outputs: 32, hasBias: true), .activation(.relu), norm,
        .dense(outputs: 5, hasBias: true),
      ], assumed: ["ReLU at fc.1", "nothing before fc.4"]
    ) {
      $0.addDense("fc.0", 64, 32)
      $0.addNorm("fc.2", 32)
      $0.addDense("fc.4", 32, 5)
    },
    Head(
      testDescription: "a norm first", layers: [norm, .dense(outputs: 5, hasBias: true)],
      assumed: ["nothing before fc.2"]
    ) {
      $0.addNorm("fc.0", 64)
      $0.addDense("fc.2", 64, 5)
    },
    Head(
      testDescription: "layers of one name",
      layers: [
        .dense(outputs: 32, hasBias: true), .activation(.relu), .dense(outputs: 5, hasBias: true),
      ], assumed: ["ReLU between the dense layers", "fc1 before fc2"]
    ) {
      $0.addDense("fc1", 64, 32)
      $0.addDense("fc2", 32, 5)
    },
    Head(
      testDescription: "all pixels side by side",
      pooling: .flatten(height: 7, width: 7, channelsFirst: true),
      layers: [.dense(outputs: 5, hasBias: true)], assumed: ["7×7 pixels side by side"]
    ) { $0.addDense("fc", 49 * 64, 5) },
  ]

  @Test(
    "A head is read from its names and shapes, and what they leave open is said", arguments: heads)
  func reading(_ head: Head) throws {
    var source = NamedShapes.torchvision()
    head.add(&source)
    let mapping = try Mapping(source)
    #expect(mapping.graph.configuration.head == .init(pooling: head.pooling, layers: head.layers))
    let assumed = mapping.assumptions.filter { $0.option.hasPrefix("head.layers") }
    #expect(
      assumed.filter { !$0.option.hasSuffix("epsilon") }.map(\.value) == head.assumed)
    // The ε of every norm is the family's, at its place in the list.
    let norms = head.layers.indices.filter { head.layers[$0] == Self.norm }
    #expect(
      assumed.filter { $0.option.hasSuffix("epsilon") }.map(\.option)
        == norms.map { "head.layers[\($0)].norm.kind.batch.epsilon" })
    #expect(mapping.entries.count + mapping.waived.count == source.tensors.count)
    #expect(mapping.entries.map(\.parameter) == mapping.graph.parameters)
    #expect(mapping.family.canExpress(mapping.graph.configuration))
  }

  @Test("What is told of a layer of the head is taken, and no longer assumed")
  func telling() throws {
    var source = NamedShapes.torchvision()
    source.addDense("fc.0", 64, 32)
    source.addNorm("fc.2", 32)
    source.addDense("fc.4", 32, 5)
    let all = try Mapping(source)
    func layers(_ settings: [(String, String)]) throws -> [Layer] {
      var told = Told()
      told.settings = settings.map { .init(path: $0, value: $1) }
      let mapping = try Mapping(source, told: told)
      let expected = all.assumptions.filter { assumption in
        !settings.contains { $0.0 == assumption.option }
      }
      #expect(mapping.assumptions == expected)
      return mapping.graph.configuration.head.layers
    }
    let (function, epsilon) = (
      "head.layers[1].activation", "head.layers[2].norm.kind.batch.epsilon"
    )
    #expect(try layers([(function, "tanh")])[1] == .activation(.tanh))
    #expect(try layers([(function, "leakyRelu:0.2")])[1] == .activation(.leakyRelu(slope: 0.2)))
    // Nothing stands there; what is told of later places is of the list as it was.
    let plain = try layers([(function, "none"), (epsilon, "0.01")])
    #expect(plain[1] == .norm(.batch(epsilon: 0.01), hasScale: true, hasShift: true))
    #expect(plain.count == 3)
    for setting in [(function, "wobble"), ("head.layers[0].activation", "none")] {
      #expect(throws: InputError.self) { try layers([setting]) }
    }
  }

  @Test(
    "The head may stand outside the wrapper", arguments: ["backbone.", "module.encoder.", "net."])
  func wrappers(_ prefix: String) throws {
    var source = NamedShapes.torchvision().renaming { prefix + $0 }
    let folder = prefix.hasPrefix("module.") ? "module." : ""
    source.addDense("\(folder)classifier", 64, 3)
    let mapping = try Mapping(source)
    #expect(mapping.graph.configuration.head.layers == [.dense(outputs: 3, hasBias: true)])
    #expect(mapping.entries.count + mapping.waived.count == source.tensors.count)
    #expect(mapping.layerNames.name(of: "head.dense") == "classifier")
    #expect(mapping.renamedLayers == ["head.dense": "classifier"])
  }

  /// Tensors that are no head of the network, and what the message must say.
  static let faults: [(expected: String, add: @Sendable (inout NamedShapes) -> Void)] = [
    ("fc.0 reads 128 values of 64 features", { $0.addDense("fc.0", 128, 5) }),
    (
      "fc gives 5 values, fc reads 64",
      {
        $0.addDense("fc", 64, 5)
        $0.addDense("fc.", 64, 5)
      }
    ),
    (
      "fc.0 gives 32 values, fc.2 reads 33",
      {
        $0.addDense("fc.0", 64, 32)
        $0.addDense("fc.2", 33, 5)
      }
    ),
    (
      "are not of one list",
      {
        $0.addDense("fc", 64, 32)
        $0.addDense("classifier", 32, 5)
      }
    ),
    (
      "unexpected prototypes.weight (300×64)",
      { $0.addDense("prototypes", 64, 300, hasBias: false) }
    ),
    ("unexpected fc.0.weight_g (5×1)", { $0.add("fc.0.weight_g", 5, 1) }),
    ("unexpected fc.1.weight (64)", { $0.addNorm("fc.1", 64, hasStatistics: false) }),
    // Two heads side by side have such tensors too.
    (
      "fc1 and fc2 both fit the 64 features",
      {
        $0.addDense("fc1", 64, 64)
        $0.addDense("fc2", 64, 5)
      }
    ),
    (
      "heads.0 and heads.1 both fit the 64 features",
      {
        $0.addDense("heads.0", 64, 64)
        $0.addDense("heads.1", 64, 5)
      }
    ),
    (
      "fc.1 has the tensors of a LayerNormalization",
      {
        $0.addDense("fc.0", 64, 32)
        $0.addNorm("fc.1", 32, hasStatistics: false)
        $0.addDense("fc.3", 32, 5)
      }
    ),
  ]

  @Test("What is no head is refused, never passed over", arguments: faults.indices)
  func refusals(_ index: Int) throws {
    var source = NamedShapes.torchvision()
    Self.faults[index].add(&source)
    let error = #expect(throws: InputError.self) { try Mapping(source) }
    let description = error?.description ?? ""
    #expect(
      description.contains(Self.faults[index].expected) || index == 1 && !description.isEmpty,
      "\(description)")
  }

  @Test(
    "Numbered children of a Sequential are torchvision's modules", arguments: ["", "features."])
  func children(_ prefix: String) throws {
    let numbers = ["conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5]
    var source = NamedShapes.torchvision().renaming { name in
      let module = name.prefix { $0 != "." }
      return "\(prefix)\(numbers[String(module)] ?? 99)\(name.dropFirst(module.count))"
    }
    var mapping = try Mapping(source)
    #expect(mapping.family.id == "torchvision")
    #expect(mapping.entries.count + mapping.waived.count == source.tensors.count)
    #expect(mapping.renamedLayers["stage2.block1.conv1"] == "5.0.conv1")
    source.addDense("classifier", 64, 3)
    mapping = try Mapping(source)
    #expect(mapping.graph.configuration.head.classes == 3)
    // Something at the place of the ReLU: the numbers are those of other modules.
    source.addNorm("\(prefix)2", 8)
    #expect(throws: InputError.self) { try Mapping(source) }
  }

  @Test("A 3×3 stem is read as one for small images, and said; other kernels are refused")
  func stems() throws {
    let small = NamedShapes.torchvision(stem: 3)
    let mapping = try Mapping(small)
    #expect(mapping.graph.configuration.stem.pool == nil)
    #expect(mapping.graph.configuration.stem.convolutions[0].stride == 1)
    #expect(mapping.assumptions.contains(.init(option: "stem.stride", value: "1")))
    #expect(mapping.assumptions.contains(.init(option: "stem.pool", value: "none")))
    let error = #expect(throws: InputError.self) { try Mapping(NamedShapes.torchvision(stem: 5)) }
    #expect(error?.place == "the stem's kernel is 5×5: its stride and padding are not known")
  }

  @Test(
    "Weights of a loss are passed over by rule, wherever they stand", arguments: ["", "model."])
  func losses(_ prefix: String) throws {
    var source = NamedShapes.torchvision().renaming { prefix + $0 }
    source.add("criterion.weight", 5)
    source.addDense("\(prefix)fc", 64, 5)
    let mapping = try Mapping(source)
    #expect(mapping.waived.contains { $0.tensor.name == "criterion.weight" })
  }

  @Test("Another network is told what it is")
  func otherNetworks() throws {
    var source = NamedShapes()
    source.add("layers.0.blocks.0.attn.relative_position_bias_table", 169, 3)
    let error = #expect(throws: InputError.self) { try Mapping(source) }
    #expect(error?.problem == "is a Swin Transformer, which is not computed")
  }

  @Test("Grouped convolutions are refused by name")
  func groups() throws {
    var source = NamedShapes.torchvision(isBottleneck: true)
    source.tensors.replace("layer1.0.conv2.weight", shape: [8, 2, 3, 3])
    let error = #expect(throws: InputError.self) { try Mapping(source) }
    #expect(error?.place?.contains("in 4 groups, as a ResNeXt's") == true)
  }

  @Test("Shortcuts without tensors are channels of zeros, and said")
  func zeroChannels() throws {
    var source = NamedShapes()
    source.add("conv1.weight", 16, 3, 3, 3)
    source.addNorm("bn1", 16)
    for (stage, width) in [16, 32, 64].enumerated() {
      let name = "layer\(stage + 1).0"
      source.add("\(name).conv1.weight", width, stage == 0 ? 16 : width / 2, 3, 3)
      source.addNorm("\(name).bn1", width)
      source.add("\(name).conv2.weight", width, width, 3, 3)
      source.addNorm("\(name).bn2", width)
    }
    source.addDense("linear", 64, 10)
    let mapping = try Mapping(source)
    #expect(mapping.family.id == "cifar")
    #expect(mapping.graph.configuration.shortcut.kind == .zeroChannelsAround)
    #expect(
      mapping.assumptions.contains(.init(option: "shortcut.kind", value: "zeroChannelsAround")))
  }
}

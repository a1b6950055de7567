import Files
import ResNetV2
import Tensors
import Testing

@testable import Families

@Suite("Networks of TF-Slim, by the names that its code gives")
struct SlimNamesTests {
  /// The trained parameters with 1001 classes, as the library counts them.
  static let counts = [50: 25_570_409, 101: 44_579_945, 152: 60_238_953, 200: 64_728_169]

  static func extents(_ depth: Int) -> Extents {
    Extents.depths[depth] ?? .init(blocks: [3, 24, 36, 3], isBottleneck: true)
  }

  @Test(
    "A network is recognised and every tensor is used or waived", arguments: counts.keys.sorted(),
    ["", "module/"])
  func recognition(_ depth: Int, _ prefix: String) throws {
    let scope = "\(prefix)resnet_v2_\(depth)/"
    let source = Self.names(Self.extents(depth), scope: scope, classes: 1001)
    let mapping = try Mapping(source)
    let configuration = mapping.graph.configuration
    #expect(mapping.family.id == "tf-slim")
    #expect(mapping.family.architectureName(of: configuration) == "resnet_v2_\(depth)")
    #expect(mapping.entries.count == source.tensors.count)
    #expect(mapping.renamedLayers.isEmpty)
    let trained = mapping.graph.parameters.filter(\.role.isTrained)
    #expect(trained.reduce(0) { $0 + $1.shape.elementCount } == Self.counts[depth])
    #expect(mapping.family.canExpress(configuration))
    let made = mapping.family.configuration(architecture: "resnet_v2_\(depth)", classes: 1001)
    #expect(made == configuration)
  }

  @Test("What training and TensorFlow add is passed over")
  func additions() throws {
    let scope = "resnet_v2_50/"
    var source = Self.names(.init(blocks: [1, 2], isBottleneck: true), scope: scope, classes: 5)
    let count = source.tensors.count
    source = source.renaming { $0 + ":0" }
    source.add("global_step", dtype: .int64)
    source.add("resnet_v2_50/conv1/weights/Momentum", 7, 7, 3, 64)
    source.add("resnet_v2_50/conv1/biases/ExponentialMovingAverage", 64)
    let mapping = try Mapping(source)
    #expect(mapping.entries.count == count)
    #expect(mapping.waived.count == 3)
  }

  @Test("A first block that changes nothing has no projection, as the code makes it")
  func identity() throws {
    var source = Self.names(.init(blocks: [2, 1], isBottleneck: true), scope: "x/", classes: 5)
    source.tensors.removeAll { $0.name.contains("block1/unit_1/bottleneck_v2/shortcut") }
    source.tensors = source.tensors.map { info in
      let isStem = info.name.hasPrefix("x/conv1")
      let isFirst = info.name.contains("block1/unit_1") && info.name.contains(#/preact|conv1\/w/#)
      let sizes = info.shape.dimensions.map { isStem || isFirst ? ($0 == 64 ? 256 : $0) : $0 }
      let shape = info.name.contains("unit_1/bottleneck_v2/conv1/w") ? [1, 1, 256, 64] : sizes
      return info.name.contains("block2")
        ? info : TensorInfo(name: info.name, dtype: info.dtype, shape: Shape(shape))
    }
    let mapping = try Mapping(source)
    #expect(mapping.graph.configuration.shortcut.placement == .whereShapeChanges)
    #expect(mapping.entries.count == source.tensors.count)
  }

  @Test("The names are written with the network's scope")
  func scope() throws {
    let configuration = try #require(Family.tfSlim.configuration(architecture: "resnet_v2_101"))
    #expect(Family.tfSlim.publishedName(of: configuration) == "resnet_v2_101")
    #expect(Family.tfSlim.scope("resnet_v2_101") == "resnet_v2_101/")
    #expect(Family.tfSlim.scope(nil) == "resnet_v2/")
  }

  static func names(_ extents: Extents, scope: String, classes: Int) -> NamedShapes {
    var list = NamedShapes()
    func norm(_ name: String, _ channels: Int) {
      for role in ["gamma", "beta", "moving_mean", "moving_variance"] {
        list.add("\(scope)\(name)/\(role)", channels)
      }
    }
    list.add("\(scope)conv1/weights", 7, 7, 3, 64)
    list.add("\(scope)conv1/biases", 64)
    extents.forEachBlock { stage, block, inputs in
      let name = "block\(stage + 1)/unit_\(block + 1)/bottleneck_v2"
      let (inner, output) = (extents.inner(stage), extents.output(stage))
      norm("\(name)/preact", inputs)
      if block == 0 {
        list.add("\(scope)\(name)/shortcut/weights", 1, 1, inputs, output)
        list.add("\(scope)\(name)/shortcut/biases", output)
      }
      list.add("\(scope)\(name)/conv1/weights", 1, 1, inputs, inner)
      norm("\(name)/conv1/BatchNorm", inner)
      list.add("\(scope)\(name)/conv2/weights", 3, 3, inner, inner)
      norm("\(name)/conv2/BatchNorm", inner)
      list.add("\(scope)\(name)/conv3/weights", 1, 1, inner, output)
      list.add("\(scope)\(name)/conv3/biases", output)
    }
    norm("postnorm", extents.features)
    list.add("\(scope)logits/weights", 1, 1, extents.features, classes)
    list.add("\(scope)logits/biases", classes)
    return list
  }
}

import Files
import ResNetV2
import Tensors
import Testing

@testable import Families

@Suite("Networks of Haiku, by the names that its modules give")
struct HaikuNamesTests {
  /// The parameters of both versions as the library counts them, and all tensors with the state's.
  static let counts: [Int: (v2: Int, v1: Int)] = [
    18: (11_687_720, 11_689_512), 34: (21_795_880, 21_797_672), 50: (25_549_352, 25_557_032),
    101: (44_541_480, 44_549_160), 152: (60_185_128, 60_192_808), 200: (64_666_152, 64_673_832),
  ]
  static let totals = [50: (v2: 447, v1: 479), 18: (v2: 158, v1: 182)]

  @Test(
    "A network is recognised and every tensor is used or waived", arguments: counts.keys.sorted(),
    [true, false])
  func recognition(_ depth: Int, _ isPre: Bool) throws {
    let extents = Extents.depths[depth] ?? .init(blocks: [3, 24, 36, 3], isBottleneck: true)
    let source = Self.names(extents, scope: "res_net\(depth)/~/", isPre: isPre)
    if let total = Self.totals[depth] {
      #expect(source.tensors.count == (isPre ? total.v2 : total.v1))
    }
    let mapping = try Mapping(source)
    let configuration = mapping.graph.configuration
    #expect(mapping.family.id == (isPre ? "haiku" : "haiku-v1"))
    let name = "resnet\(depth)_\(isPre ? "v2" : "v1")"
    #expect(mapping.family.architectureName(of: configuration) == name)
    #expect(mapping.entries.count + mapping.waived.count == source.tensors.count)
    #expect(mapping.renamedLayers.isEmpty)
    let trained = mapping.graph.parameters.filter(\.role.isTrained)
    let count = try #require(Self.counts[depth])
    #expect(trained.reduce(0) { $0 + $1.shape.elementCount } == (isPre ? count.v2 : count.v1))
    #expect(mapping.family.configuration(architecture: name) == configuration)
    #expect(mapping.family.canExpress(configuration))
    #expect(mapping.family.scope(name) == "res_net\(depth)/~/")
  }

  static func names(_ extents: Extents, scope: String, isPre: Bool) -> NamedShapes {
    var list = NamedShapes()
    func convolution(_ name: String, _ kernel: Int, _ inputs: Int, _ outputs: Int) {
      list.add("\(scope)\(name)/w", kernel, kernel, inputs, outputs)
    }
    func norm(_ name: String, _ channels: Int) {
      for role in ["scale", "offset"] { list.add("\(scope)\(name)/\(role)", 1, 1, 1, channels) }
      for average in ["mean_ema", "var_ema"] {
        list.add("\(scope)\(name)/~/\(average)/counter", dtype: .int32)
        for role in ["hidden", "average"] {
          list.add("\(scope)\(name)/~/\(average)/\(role)", 1, 1, 1, channels)
        }
      }
    }
    convolution("initial_conv", 7, 3, 64)
    if !isPre { norm("initial_batchnorm", 64) }
    extents.forEachBlock { stage, block, inputs in
      let name = "block_group_\(stage)/~/block_\(block)/~"
      let (inner, output) = (extents.inner(stage), extents.output(stage))
      let isBottleneck = extents.isBottleneck
      norm("\(name)/batchnorm_0", isPre ? inputs : inner)
      convolution("\(name)/conv_0", isBottleneck ? 1 : 3, inputs, inner)
      norm("\(name)/batchnorm_1", isPre || isBottleneck ? inner : output)
      convolution("\(name)/conv_1", 3, inner, inner)
      if isBottleneck {
        norm("\(name)/batchnorm_2", isPre ? inner : output)
        convolution("\(name)/conv_2", 1, inner, output)
      }
      if block == 0, isBottleneck || stage > 0 {
        convolution("\(name)/shortcut_conv", 1, inputs, output)
        if !isPre { norm("\(name)/shortcut_batchnorm", output) }
      }
    }
    if isPre { norm("final_batchnorm", extents.features) }
    list.add("\(scope)logits/w", extents.features, 1000)
    list.add("\(scope)logits/b", 1000)
    return list
  }
}

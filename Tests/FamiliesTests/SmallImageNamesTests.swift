import Files
import ResNetV2
import Tensors
import Testing

@testable import Families

@Suite("Wide and pre-activation networks for small images, by the names of their code")
struct SmallImageNamesTests {
  /// The depth, the factor of widths, and the trained parameters with 10 classes.
  static let wideNetworks = [
    (28, 10, 36_479_194), (28, 2, 1_467_610), (34, 10, 46_160_474), (34, 20, 184_531_674),
    (70, 16, 266_796_506), (40, 2, 2_243_546), (40, 4, 8_949_210), (16, 4, 2_748_890),
    (16, 8, 10_961_370),
  ]

  /// The depth, the blocks of a stage, and the trained parameters with 10 classes.
  static let plainNetworks = [
    (20, 3, 272_282), (32, 5, 466_714), (164, 18, 1_703_258), (1001, 111, 10_327_706),
  ]

  @Test("A wide network is recognised and every tensor is used", arguments: wideNetworks)
  func wide(_ depth: Int, _ factor: Int, _ count: Int) throws {
    let source = Self.wideNames(blocks: (depth - 4) / 6, factor: factor)
    try check(source, "wide-resnet", "wide_resnet\(depth)_\(factor)", count)
  }

  @Test("A pre-activation network is recognised and every tensor is used", arguments: plainNetworks)
  func plain(_ depth: Int, _ blocks: Int, _ count: Int) throws {
    let source = Self.plainNames(blocks: blocks, isBottleneck: depth > 44)
    try check(source, "preresnet", "preresnet\(depth)", count)
  }

  private func check(
    _ source: NamedShapes, _ family: String, _ name: String, _ count: Int
  ) throws {
    let mapping = try Mapping(source)
    let configuration = mapping.graph.configuration
    #expect(mapping.family.id == family)
    #expect(mapping.family.architectureName(of: configuration) == name)
    #expect(mapping.entries.count + mapping.waived.count == source.tensors.count)
    let trained = mapping.graph.parameters.filter(\.role.isTrained)
    #expect(trained.reduce(0) { $0 + $1.shape.elementCount } == count)
    #expect(mapping.renamedLayers.isEmpty)
    #expect(mapping.family.configuration(architecture: name, classes: 10) == configuration)
    #expect(mapping.family.canExpress(configuration))
  }

  @Test(
    "Prefixes are taken off, and the unused block of robust training is passed over",
    arguments: ["", "module.", "model.module."])
  func prefixes(_ prefix: String) throws {
    var source = Self.wideNames(blocks: 2, factor: 2)
    let count = source.tensors.count
    for info in source.tensors where info.name.hasPrefix("block1.") {
      source.tensors.append(
        TensorInfo(name: "sub_\(info.name)", dtype: info.dtype, shape: info.shape))
    }
    let mapping = try Mapping(source.renaming { prefix + $0 })
    #expect(mapping.family.id == "wide-resnet")
    let counters = source.tensors.filter { $0.name.hasSuffix("num_batches_tracked") }.count
    #expect(mapping.waived.contains { $0.reason.contains("does not use") })
    #expect(mapping.entries.count < count)
    #expect(mapping.entries.count + mapping.waived.count == source.tensors.count)
    #expect(counters < mapping.waived.count)
  }

  @Test("A network of the collection without the last norm is not taken for one with it")
  func signs() throws {
    var source = Self.plainNames(blocks: 1, isBottleneck: false)
    source.tensors.removeAll { $0.name.hasPrefix("bn.") }
    #expect(throws: InputError.self) { try Mapping(source, family: .preResNet) }
  }

  static func wideNames(blocks: Int, factor: Int) -> NamedShapes {
    var list = NamedShapes()
    list.add("conv1.weight", 16, 3, 3, 3)
    var inputs = 16
    for stage in 0..<3 {
      let output = 16 * factor << stage
      for block in 0..<blocks {
        let name = "block\(stage + 1).layer.\(block)"
        list.addNorm("\(name).bn1", inputs)
        list.add("\(name).conv1.weight", output, inputs, 3, 3)
        list.addNorm("\(name).bn2", output)
        list.add("\(name).conv2.weight", output, output, 3, 3)
        if inputs != output { list.add("\(name).convShortcut.weight", output, inputs, 1, 1) }
        inputs = output
      }
    }
    list.addNorm("bn1", inputs)
    list.addDense("fc", inputs, 10)
    return list
  }

  static func plainNames(blocks: Int, isBottleneck: Bool) -> NamedShapes {
    var list = NamedShapes()
    list.add("conv1.weight", 16, 3, 3, 3)
    var inputs = 16
    for stage in 0..<3 {
      let inner = 16 << stage
      let output = isBottleneck ? inner * 4 : inner
      for block in 0..<blocks {
        let name = "layer\(stage + 1).\(block)"
        list.addNorm("\(name).bn1", inputs)
        list.add("\(name).conv1.weight", inner, inputs, isBottleneck ? 1 : 3, isBottleneck ? 1 : 3)
        list.addNorm("\(name).bn2", inner)
        list.add("\(name).conv2.weight", inner, inner, 3, 3)
        if isBottleneck {
          list.addNorm("\(name).bn3", inner)
          list.add("\(name).conv3.weight", output, inner, 1, 1)
        }
        if inputs != output { list.add("\(name).downsample.0.weight", output, inputs, 1, 1) }
        inputs = output
      }
    }
    list.addNorm("bn", inputs)
    list.addDense("fc", inputs, 10)
    return list
  }
}

import Files
import ResNetV2
import Tensors
import Testing

@testable import Families

@Suite("Networks of PyTorch's other collections, by the names that their code gives")
struct PublishedNamesTests {
  /// A published network, the parameters that its library counts, and the names it writes.
  struct Published: Sendable, CustomTestStringConvertible {
    let family: String
    let architecture: String
    let parameters: Int
    let names: @Sendable () -> NamedShapes

    var testDescription: String { "\(family) \(architecture)" }
  }

  static let timm: [Published] = [
    (18, "", 11_687_720), (18, "d", 11_706_952), (34, "", 21_795_880), (34, "d", 21_815_112),
    (50, "", 25_549_352), (50, "d", 25_568_584), (50, "t", 25_566_048), (101, "", 44_541_480),
    (101, "d", 44_560_712), (152, "", 60_185_128), (152, "d", 60_204_360),
    (50, "d_gn", 25_568_584),
  ].map { depth, variant, parameters in
    Published(family: "timm", architecture: "resnetv2_\(depth)\(variant)", parameters: parameters) {
      let stem: [Int]? =
        variant.hasPrefix("d") ? [32, 32, 64] : variant == "t" ? [24, 32, 64] : nil
      return timmNames(
        Extents.depths[depth] ?? .init(blocks: [], isBottleneck: false), stem: stem,
        hasStatistics: variant != "d_gn")
    }
  }

  static let bit: [Published] = [
    (50, 1, 25_549_352), (50, 3, 217_319_080), (101, 1, 44_541_480), (101, 3, 387_934_888),
    (152, 2, 236_335_208), (152, 4, 936_533_224),
  ].flatMap { depth, factor, parameters in
    var extents = Extents.depths[depth] ?? .init(blocks: [], isBottleneck: true)
    extents.factor = factor
    return [
      Published(
        family: "timm-bit", architecture: "resnetv2_\(depth)x\(factor)_bit", parameters: parameters
      ) { [extents] in timmNames(extents, stem: nil, hasStatistics: false) },
      Published(family: "bit", architecture: "bit_r\(depth)x\(factor)", parameters: parameters) {
        [extents] in npzNames(extents)
      },
      Published(
        family: "bit-torch", architecture: "bit_r\(depth)x\(factor)", parameters: parameters
      ) { [extents] in googleNames(extents) },
      Published(family: "bit-hf", architecture: "bit_r\(depth)x\(factor)", parameters: parameters) {
        [extents] in huggingFaceNames(extents)
      },
    ]
  }

  static let cifar: [Published] = [
    (18, 11_171_146, 11_173_962), (34, 21_279_306, 21_282_122), (50, 23_509_066, 23_520_842),
    (101, 42_501_194, 42_512_970), (152, 58_144_842, 58_156_618),
  ].flatMap { depth, preActivation, postActivation in
    let extents = Extents.depths[depth] ?? .init(blocks: [], isBottleneck: false)
    return [
      Published(
        family: "cifar-preact", architecture: "preact_resnet\(depth)", parameters: preActivation
      ) { cifarNames(extents, isPre: true) },
      Published(family: "cifar", architecture: "resnet\(depth)_cifar", parameters: postActivation) {
        cifarNames(extents, isPre: false)
      },
    ]
  }

  @Test("A network is recognised and every tensor is used or waived", arguments: timm + bit + cifar)
  func recognition(_ published: Published) throws {
    let source = published.names()
    let mapping = try Mapping(source)
    let configuration = mapping.graph.configuration
    #expect(mapping.family.id == published.family)
    #expect(mapping.family.architectureName(of: configuration) == published.architecture)
    #expect(mapping.entries.count + mapping.waived.count == source.tensors.count)
    let trained = mapping.graph.parameters.filter(\.role.isTrained)
    #expect(trained.reduce(0) { $0 + $1.shape.elementCount } == published.parameters)
    #expect(mapping.renamedLayers.isEmpty)
    #expect(mapping.family.canExpress(configuration))
    let made = mapping.family.configuration(
      architecture: published.architecture, classes: configuration.head.classes)
    #expect(made == configuration)
  }

  @Test("Without its head a network is the features, and the pooling is said to be assumed")
  func headless() throws {
    var source = Self.timmNames(.init(blocks: [1, 1], isBottleneck: true), stem: nil)
    source.tensors.removeAll { $0.name.hasPrefix("head.") }
    let mapping = try Mapping(source)
    #expect(mapping.graph.configuration.head == .init(pooling: .average))
    #expect(mapping.assumptions.contains(.init(option: "head.pooling", value: "average")))
  }

  @Test("Hugging Face's BitModel has no prefix, and keeps its own names")
  func bitModel() throws {
    var source = Self.huggingFaceNames(.init(blocks: [1, 2], isBottleneck: true))
    source.tensors.removeAll { $0.name.hasPrefix("classifier") }
    source = source.renaming { String($0.dropFirst(4)) }
    let mapping = try Mapping(source)
    #expect(mapping.family.id == "bit-hf")
    #expect(mapping.entries.count == source.tensors.count)
    #expect(mapping.renamedLayers["stem.conv"] == "embedder.convolution")
  }

  @Test("The groups of a group norm are the most up to 32 that all widths allow, and are said")
  func groups() throws {
    var narrow = Self.npzNames(.init(blocks: [1, 1], isBottleneck: true))
    narrow.tensors = narrow.tensors.map { info in
      let sizes = info.shape.dimensions.map { $0 % 64 == 0 ? $0 / 4 : $0 }
      return TensorInfo(name: info.name, dtype: info.dtype, shape: Shape(sizes))
    }
    let mapping = try Mapping(narrow)
    #expect(mapping.graph.configuration.norm == .group(count: 16, epsilon: 1e-5))
    #expect(mapping.assumptions.contains(.init(option: "norm.groups", value: "16")))
    let epsilon = Assumption(option: "weightStandardizationEpsilon", value: "1e-10")
    #expect(mapping.assumptions.contains(epsilon))
  }

  @Test("Vectors that Google stored with axes of length 1 are vectors")
  func axesOfLengthOne() throws {
    var source = Self.npzNames(.init(blocks: [1, 1], isBottleneck: true))
    source.tensors = source.tensors.map { info in
      let isVector = info.name.contains("group_norm")
      return isVector
        ? TensorInfo(name: info.name, dtype: info.dtype, shape: [1, 1, 1, info.shape[0]]) : info
    }
    #expect(try Mapping(source).entries.count == source.tensors.count)
  }

  @Test(
    "A relative that is not computed is refused by name",
    arguments: [
      ("stages.0.blocks.0.norm1.v", "evos"), ("stages.0.blocks.0.norm1.tau", "frn"),
      ("cls_token", "Vision Transformer"), ("stem.norm.weight", "post-activation"),
    ])
  func relatives(_ name: String, _ reason: String) throws {
    for hasStatistics in [true, false] {
      var source = Self.timmNames(
        .init(blocks: [1, 1], isBottleneck: true), stem: nil, hasStatistics: hasStatistics)
      source.add(name, 64)
      let error = #expect(throws: InputError.self) { try Mapping(source) }
      #expect(error?.place?.contains(reason) == true, "\(error?.description ?? "")")
    }
  }
}

// MARK: - The names, written down from the code that writes them

extension PublishedNamesTests {
  static func timmNames(
    _ extents: Extents, stem: [Int]?, hasStatistics: Bool = true
  ) -> NamedShapes {
    var list = NamedShapes()
    var channels = 3
    for (index, width) in (stem ?? []).enumerated() {
      list.add("stem.conv\(index + 1).weight", width, channels, 3, 3)
      if index < 2 { list.addNorm("stem.norm\(index + 1)", width, hasStatistics: hasStatistics) }
      channels = width
    }
    if stem == nil { list.add("stem.conv.weight", 64 * extents.factor, 3, 7, 7) }
    extents.forEachBlock { stage, block, inputs in
      let name = "stages.\(stage).blocks.\(block)"
      let (inner, output) = (extents.inner(stage), extents.output(stage))
      if block == 0, extents.isBottleneck || inputs != output {
        list.add("\(name).downsample.conv.weight", output, inputs, 1, 1)
      }
      list.addNorm("\(name).norm1", inputs, hasStatistics: hasStatistics)
      list.addNorm("\(name).norm2", inner, hasStatistics: hasStatistics)
      if extents.isBottleneck {
        list.addNorm("\(name).norm3", inner, hasStatistics: hasStatistics)
        list.add("\(name).conv1.weight", inner, inputs, 1, 1)
        list.add("\(name).conv2.weight", inner, inner, 3, 3)
        list.add("\(name).conv3.weight", output, inner, 1, 1)
      } else {
        list.add("\(name).conv1.weight", inner, inputs, 3, 3)
        list.add("\(name).conv2.weight", inner, inner, 3, 3)
      }
    }
    let features = extents.features
    list.addNorm("norm", features, hasStatistics: hasStatistics)
    list.add("head.fc.weight", 1000, features, 1, 1)
    list.add("head.fc.bias", 1000)
    return list
  }

  static func npzNames(_ extents: Extents) -> NamedShapes {
    var list = NamedShapes()
    list.add("resnet/root_block/standardized_conv2d/kernel", 7, 7, 3, 64 * extents.factor)
    func norm(_ name: String, _ channels: Int) {
      list.add("resnet/\(name)group_norm/gamma", channels)
      list.add("resnet/\(name)group_norm/beta", channels)
    }
    extents.forEachBlock { stage, block, inputs in
      let unit = "block\(stage + 1)/unit\(block < 9 ? "0" : "")\(block + 1)/"
      let (inner, output) = (extents.inner(stage), extents.output(stage))
      let conv = "standardized_conv2d/kernel"
      norm("\(unit)a/", inputs)
      norm("\(unit)b/", inner)
      norm("\(unit)c/", inner)
      list.add("resnet/\(unit)a/\(conv)", 1, 1, inputs, inner)
      list.add("resnet/\(unit)b/\(conv)", 3, 3, inner, inner)
      list.add("resnet/\(unit)c/\(conv)", 1, 1, inner, output)
      if block == 0 { list.add("resnet/\(unit)a/proj/\(conv)", 1, 1, inputs, output) }
    }
    let features = extents.features
    norm("", features)
    list.add("resnet/head/conv2d/kernel", 1, 1, features, 1000)
    list.add("resnet/head/conv2d/bias", 1000)
    return list
  }

  static func googleNames(_ extents: Extents) -> NamedShapes {
    var list = NamedShapes()
    list.add("module.root.conv.weight", 64 * extents.factor, 3, 7, 7)
    extents.forEachBlock { stage, block, inputs in
      let unit = "module.body.block\(stage + 1).unit\(block < 9 ? "0" : "")\(block + 1)"
      let (inner, output) = (extents.inner(stage), extents.output(stage))
      list.addNorm("\(unit).gn1", inputs, hasStatistics: false)
      list.addNorm("\(unit).gn2", inner, hasStatistics: false)
      list.addNorm("\(unit).gn3", inner, hasStatistics: false)
      list.add("\(unit).conv1.weight", inner, inputs, 1, 1)
      list.add("\(unit).conv2.weight", inner, inner, 3, 3)
      list.add("\(unit).conv3.weight", output, inner, 1, 1)
      if block == 0 { list.add("\(unit).downsample.weight", output, inputs, 1, 1) }
    }
    list.addNorm("module.head.gn", extents.features, hasStatistics: false)
    list.add("module.head.conv.weight", 1000, extents.features, 1, 1)
    list.add("module.head.conv.bias", 1000)
    return list
  }

  static func huggingFaceNames(_ extents: Extents) -> NamedShapes {
    var list = timmNames(extents, stem: nil, hasStatistics: false).renaming { name in
      if name.hasPrefix("head.fc") { return "classifier.1" + name.dropFirst(7) }
      if name.hasPrefix("stem.conv") { return "bit.embedder.convolution.weight" }
      if name.hasPrefix("norm") { return "bit.\(name)" }
      return "bit.encoder." + name.replacing(".blocks.", with: ".layers.")
    }
    list.tensors = list.tensors.map { info in
      info.name == "classifier.1.weight"
        ? TensorInfo(name: info.name, dtype: info.dtype, shape: [info.shape[0], info.shape[1]])
        : info
    }
    return list
  }

  static func cifarNames(_ extents: Extents, isPre: Bool) -> NamedShapes {
    var list = NamedShapes()
    list.add("conv1.weight", 64, 3, 3, 3)
    if !isPre { list.addNorm("bn1", 64) }
    extents.forEachBlock { stage, block, inputs in
      let name = "layer\(stage + 1).\(block)"
      let (inner, output) = (extents.inner(stage), extents.output(stage))
      list.addNorm("\(name).bn1", isPre ? inputs : inner)
      list.addNorm("\(name).bn2", inner)
      if extents.isBottleneck {
        list.addNorm("\(name).bn3", isPre ? inner : output)
        list.add("\(name).conv1.weight", inner, inputs, 1, 1)
        list.add("\(name).conv2.weight", inner, inner, 3, 3)
        list.add("\(name).conv3.weight", output, inner, 1, 1)
      } else {
        list.add("\(name).conv1.weight", inner, inputs, 3, 3)
        list.add("\(name).conv2.weight", inner, inner, 3, 3)
      }
      if block == 0, stage > 0 || inputs != output {
        list.add("\(name).shortcut.0.weight", output, inputs, 1, 1)
        if !isPre { list.addNorm("\(name).shortcut.1", output) }
      }
    }
    list.addDense("linear", extents.features, 10)
    return list
  }
}

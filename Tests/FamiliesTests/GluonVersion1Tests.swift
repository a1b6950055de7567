import Files
import ResNetV2
import Tensors
import Testing

@testable import Families

@Suite("Networks of MXNet Gluon's version 1, by the names that it gives")
struct GluonVersion1Tests {
  /// The values of each depth, running statistics among them, as the library counts them.
  static let counts = [
    18: 11_699_112, 34: 21_814_696, 50: 25_629_032, 101: 44_695_144, 152: 60_404_072,
  ]

  /// What stands before the names of a file: nothing but places, or counted layers.
  static let forms = ["places", "", "resnetv10_", "arg:resnetv17_"]

  @Test(
    "A network is recognised and every tensor is used", arguments: counts.keys.sorted(), forms)
  func recognition(_ depth: Int, _ form: String) throws {
    let source = Self.names(try #require(Extents.depths[depth]), form: form)
    let total = source.tensors.reduce(0) { $0 + $1.shape.elementCount }
    #expect(total == Self.counts[depth])
    let mapping = try Mapping(source)
    #expect(mapping.family.id == "gluon-v1")
    let configuration = mapping.graph.configuration
    #expect(mapping.family.architectureName(of: configuration) == "resnet\(depth)_v1")
    #expect(mapping.entries.count == source.tensors.count)
    #expect(mapping.waived.isEmpty)
    #expect(mapping.renamedLayers.isEmpty)
    #expect(mapping.family.canExpress(configuration))
    #expect(mapping.family.configuration(architecture: "resnet\(depth)_v1") == configuration)
  }

  @Test("Only the 1×1 convolutions of a bottleneck's main path have biases")
  func biases() throws {
    let source = Self.names(.init(blocks: [1, 1], isBottleneck: true), form: "places")
    let mapping = try Mapping(source)
    let biased = mapping.graph.parameters.filter { $0.role == .bias }.map(\.node)
    #expect(
      Set(biased) == [
        "stage1.block1.conv1", "stage1.block1.conv3", "stage2.block1.conv1", "stage2.block1.conv3",
        "head.dense",
      ])
    #expect(mapping.graph.configuration.block.omitsSpatialBias)
  }

  @Test("Biases on the 3×3 convolutions too, or on no convolution, are read from the file")
  func otherBiases() throws {
    let extents = Extents(blocks: [1, 2], isBottleneck: true)
    var all = Self.names(extents, form: "places")
    for tensor in all.tensors where tensor.name.hasSuffix("body.3.weight") {
      all.add(tensor.name.replacing(".weight", with: ".bias"), tensor.shape[0])
    }
    let block = try Mapping(all).graph.configuration.block
    #expect(block.hasInnerBiases && block.hasLastBias && !block.omitsSpatialBias)
    var none = Self.names(extents, form: "places")
    none.tensors.removeAll { $0.name.contains("body") && $0.name.hasSuffix(".bias") }
    let bare = try Mapping(none).graph.configuration.block
    #expect(!bare.hasInnerBiases && !bare.hasLastBias && !bare.omitsSpatialBias)
  }

  @Test("Both forms of the names give each parameter the same tensor", arguments: [true, false])
  func sameTensors(_ isBottleneck: Bool) throws {
    let extents = Extents(blocks: [2, 3, 1, 1], isBottleneck: isBottleneck)
    let places = Self.names(extents, form: "places")
    let counted = Self.names(extents, form: "net_")
    let order = Dictionary(
      uniqueKeysWithValues: zip(counted.tensors.map(\.name), places.tensors.map(\.name)))
    for (first, second) in zip(try Mapping(places).entries, try Mapping(counted).entries) {
      #expect(first.parameter == second.parameter)
      #expect(first.tensor.name == order[second.tensor.name])
    }
  }

  @Test("A missing tensor is named, and one bias too many is left over", arguments: forms)
  func faults(_ form: String) throws {
    let extents = Extents(blocks: [1, 2], isBottleneck: true)
    var source = Self.names(extents, form: form)
    let lost = form == "places" ? "features.5.1.body.6.bias" : "\(form)stage2_conv6_bias"
    source.tensors.removeAll { $0.name == lost }
    let missing = #expect(throws: InputError.self) { try Mapping(source) }
    #expect(missing?.description.contains("features.5.1.body.6.bias") == true)
    source = Self.names(extents, form: form)
    let added = form == "places" ? "features.5.1.body.3.bias" : "\(form)stage2_conv5_bias"
    source.add(added, 128)
    let unexpected = #expect(throws: InputError.self) { try Mapping(source) }
    #expect(unexpected?.description.contains(added) == true, "\(unexpected?.description ?? "")")
  }

  @Test("A network of basic blocks is torchvision's too, one of bottlenecks is not")
  func torchvision() throws {
    for (depth, isThere) in [(18, true), (34, true), (50, false)] {
      let configuration = try #require(
        Family.gluonV1.configuration(architecture: "resnet\(depth)_v1"))
      #expect(Family.torchvision.canExpress(configuration) == isThere, "\(depth)")
    }
  }

  @Test("A network of one version is never taken for the other's")
  func versionsAreTold() {
    let extents = Extents(blocks: [1, 1, 1, 1], isBottleneck: true)
    for form in Self.forms {
      #expect(throws: InputError.self) {
        try Mapping(Self.names(extents, form: form), family: .gluon)
      }
      #expect(throws: InputError.self) {
        try Mapping(GluonNamesTests.names(extents, form: form), family: .gluonV1)
      }
    }
  }

  /// The names in the order in which the code makes the layers, written down from it.
  static func names(
    _ extents: Extents, form: String, isThumbnail: Bool = false
  ) -> NamedShapes {
    var list = NamedShapes()
    let isCounted = form != "places"
    func add(_ place: String, _ counted: String, _ role: String, _ sizes: Int...) {
      let prefix = role.hasPrefix("running") ? form.replacing("arg:", with: "aux:") : form
      let name = isCounted ? "\(prefix)\(counted)_\(role)" : "\(place).\(role)"
      list.tensors.append(TensorInfo(name: name, dtype: .float32, shape: Shape(sizes)))
    }
    func norm(_ place: String, _ counted: String, _ channels: Int) {
      for role in ["gamma", "beta", "running_mean", "running_var"] {
        add(place, counted, role, channels)
      }
    }
    if isThumbnail {
      add("features.0", "conv0", "weight", 64, 3, 3, 3)
    } else {
      add("features.0", "conv0", "weight", 64, 3, 7, 7)
      norm("features.1", "batchnorm0", 64)
    }
    var count: [Int: Int] = [:]
    extents.forEachBlock { stage, block, inputs in
      let (inner, output) = (extents.inner(stage), extents.output(stage))
      let place = "features.\(stage + (isThumbnail ? 1 : 4)).\(block)"
      func pair(
        _ name: String, _ index: Int, _ outputs: Int, _ inputs: Int, _ kernel: Int,
        hasBias: Bool = false
      ) {
        let number = count[stage, default: 0]
        count[stage] = number + 1
        let convolution = "stage\(stage + 1)_conv\(number)"
        add("\(place).\(name).\(index)", convolution, "weight", outputs, inputs, kernel, kernel)
        if hasBias { add("\(place).\(name).\(index)", convolution, "bias", outputs) }
        norm("\(place).\(name).\(index + 1)", "stage\(stage + 1)_batchnorm\(number)", outputs)
      }
      if extents.isBottleneck {
        pair("body", 0, inner, inputs, 1, hasBias: true)
        pair("body", 3, inner, inner, 3)
        pair("body", 6, output, inner, 1, hasBias: true)
      } else {
        pair("body", 0, output, inputs, 3)
        pair("body", 3, output, output, 3)
      }
      if block == 0, inputs != output { pair("downsample", 0, output, inputs, 1) }
    }
    add("output", "dense0", "weight", 1000, extents.features)
    add("output", "dense0", "bias", 1000)
    return list
  }
}

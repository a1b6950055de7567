import Files
import ResNetV2
import Tensors
import Testing

@testable import Families

@Suite("Networks of MXNet Gluon, by the names that it gives")
struct GluonNamesTests {
  /// The parameters of the depths as the library counts them, but for the input norm's scale, which it does not use.
  static let counts = [
    18: 11_687_851, 34: 21_796_011, 50: 25_549_483, 101: 44_541_611, 152: 60_185_259,
  ]

  /// What stands before the names of a file: nothing but places, or counted layers.
  static let forms = ["places", "", "resnetv24_", "arg:resnetv20_"]

  @Test(
    "A network is recognised and every tensor is used or waived", arguments: counts.keys.sorted(),
    forms)
  func recognition(_ depth: Int, _ form: String) throws {
    let source = Self.names(try #require(Extents.depths[depth]), form: form)
    let mapping = try Mapping(source)
    #expect(mapping.family.id == "gluon")
    let configuration = mapping.graph.configuration
    #expect(mapping.family.architectureName(of: configuration) == "resnet\(depth)_v2")
    #expect(mapping.entries.count + mapping.waived.count == source.tensors.count)
    #expect(mapping.waived.count == 1)
    #expect(mapping.renamedLayers.isEmpty)
    let trained = mapping.graph.parameters.filter(\.role.isTrained)
    #expect(trained.reduce(0) { $0 + $1.shape.elementCount } == Self.counts[depth])
    #expect(mapping.family.canExpress(configuration))
    let made = mapping.family.configuration(architecture: "resnet\(depth)_v2")
    #expect(made == configuration)
  }

  @Test("Both forms of the names give each parameter the same tensor")
  func sameTensors() throws {
    let extents = Extents(blocks: [2, 1, 1, 1], isBottleneck: true)
    let places = try Mapping(Self.names(extents, form: "places"))
    let counted = try Mapping(Self.names(extents, form: "net_"))
    let order = Self.names(extents, form: "places").tensors.map(\.name)
    let countedOrder = Self.names(extents, form: "net_").tensors.map(\.name)
    for (first, second) in zip(places.entries, counted.entries) {
      #expect(first.parameter == second.parameter)
      #expect(
        order.firstIndex(of: first.tensor.name) == countedOrder.firstIndex(of: second.tensor.name))
    }
  }

  @Test("A missing tensor is named, and a kernel that is one too many is left over")
  func faults() throws {
    let extents = Extents(blocks: [1, 1, 1, 1], isBottleneck: false)
    var source = Self.names(extents, form: "net_")
    source.tensors.removeAll { $0.name == "net_stage2_batchnorm1_beta" }
    let missing = #expect(throws: InputError.self) { try Mapping(source) }
    #expect(missing?.description.contains("features.6.0.bn2.beta") == true)
    source = Self.names(extents, form: "net_")
    source.add("net_stage2_conv7_weight", 128, 128, 3, 3)
    #expect(throws: InputError.self) { try Mapping(source) }
  }

  /// The names in the order in which the code makes the layers, written down from it.
  static func names(
    _ extents: Extents, form: String, isThumbnail: Bool = false
  ) -> NamedShapes {
    var list = NamedShapes()
    let isCounted = form != "places"
    func add(_ place: String, _ counted: String, _ role: String, _ sizes: Int...) {
      let isState = role.hasPrefix("running")
      let prefix = isState ? form.replacing("arg:", with: "aux:") : form
      let name = isCounted ? "\(prefix)\(counted)_\(role)" : "\(place).\(role)"
      list.tensors.append(TensorInfo(name: name, dtype: .float32, shape: Shape(sizes)))
    }
    func norm(_ place: String, _ counted: String, _ channels: Int) {
      for role in ["gamma", "beta", "running_mean", "running_var"] {
        add(place, counted, role, channels)
      }
    }
    norm("features.0", "batchnorm0", 3)
    if isThumbnail {
      add("features.1", "conv0", "weight", 64, 3, 3, 3)
    } else {
      add("features.1", "conv0", "weight", 64, 3, 7, 7)
      norm("features.2", "batchnorm1", 64)
    }
    var norms: [Int: Int] = [:]
    var convolutions: [Int: Int] = [:]
    extents.forEachBlock { stage, block, inputs in
      let (inner, output) = (extents.inner(stage), extents.output(stage))
      let place = "features.\(stage + (isThumbnail ? 2 : 5)).\(block)"
      func nextNorm(_ name: String, _ channels: Int) {
        norm(
          "\(place).\(name)", "stage\(stage + 1)_batchnorm\(norms[stage, default: 0])", channels)
        norms[stage, default: 0] += 1
      }
      func nextConvolution(_ name: String, _ outputs: Int, _ inputs: Int, _ kernel: Int) {
        add(
          "\(place).\(name)", "stage\(stage + 1)_conv\(convolutions[stage, default: 0])", "weight",
          outputs, inputs, kernel, kernel)
        convolutions[stage, default: 0] += 1
      }
      nextNorm("bn1", inputs)
      nextConvolution("conv1", inner, inputs, extents.isBottleneck ? 1 : 3)
      nextNorm("bn2", inner)
      nextConvolution("conv2", inner, inner, 3)
      if extents.isBottleneck {
        nextNorm("bn3", inner)
        nextConvolution("conv3", output, inner, 1)
      }
      if block == 0, inputs != output { nextConvolution("downsample", output, inputs, 1) }
    }
    if isThumbnail {
      norm("features.6", "batchnorm1", extents.features)
    } else {
      norm("features.9", "batchnorm2", extents.features)
    }
    add("output", "dense0", "weight", 1000, extents.features)
    add("output", "dense0", "bias", 1000)
    return list
  }
}

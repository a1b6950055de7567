import Files
import ResNetV2
import Tensors
import Testing

@testable import Families

@Suite("Gluon's networks for small images, by the names that it gives")
struct GluonThumbnailTests {
  /// All forms of names, with the depth and the version of a network.
  static let cases = [18, 34, 50, 101, 152].flatMap { depth in
    GluonNamesTests.forms.flatMap { form in
      [false, true].map { Case(depth: depth, form: form, isFirst: $0) }
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let depth: Int
    let form: String
    let isFirst: Bool

    var testDescription: String { "\(depth), version \(isFirst ? 1 : 2), '\(form)'" }

    func names(isThumbnail: Bool) throws -> NamedShapes {
      let extents = try #require(Extents.depths[depth])
      return isFirst
        ? GluonVersion1Tests.names(extents, form: form, isThumbnail: isThumbnail)
        : GluonNamesTests.names(extents, form: form, isThumbnail: isThumbnail)
    }
  }

  @Test(
    "A network is recognised, its stem bare, and every tensor is used or waived", arguments: cases)
  func recognition(_ network: Case) throws {
    let source = try network.names(isThumbnail: true)
    let mapping = try Mapping(source)
    #expect(mapping.family.id == (network.isFirst ? "gluon-v1-thumbnail" : "gluon-thumbnail"))
    let configuration = mapping.graph.configuration
    let name = "resnet\(network.depth)_v\(network.isFirst ? 1 : 2)_thumbnail"
    #expect(mapping.family.architectureName(of: configuration) == name)
    #expect(mapping.family.configuration(architecture: name) == configuration)
    #expect(mapping.family.canExpress(configuration))
    #expect(
      configuration.stem
        == .init(
          convolutions: [.init(kernel: 3, stride: 1, outputChannels: 64, hasBias: false)],
          hasNorm: false, pool: nil))
    #expect(configuration.stages.map(\.stride) == [1, 2, 2, 2])
    #expect(mapping.entries.count + mapping.waived.count == source.tensors.count)
    // The scale of the input's norm, which MXNet does not use.
    #expect(mapping.waived.count == (network.isFirst ? 0 : 1))
    #expect(mapping.renamedLayers.isEmpty)
    let stem = mapping.graph.nodes.map(\.name).filter { $0.hasPrefix("stem.") }
    #expect(stem == ["stem.conv"])
  }

  @Test("A network of one stem is never taken for the other's", arguments: cases)
  func stemsAreTold(_ network: Case) throws {
    let (usual, thumbnail): (Family, Family) =
      network.isFirst ? (.gluonV1, .gluonV1Thumbnail) : (.gluon, .gluonThumbnail)
    #expect(try Mapping(network.names(isThumbnail: false)).family.id == usual.id)
    #expect(throws: InputError.self) {
      try Mapping(network.names(isThumbnail: true), family: usual)
    }
    #expect(throws: InputError.self) {
      try Mapping(network.names(isThumbnail: false), family: thumbnail)
    }
  }

  @Test(
    "A 3×3 stem with a norm behind it, as GluonCV's networks for CIFAR have it, is refused",
    arguments: GluonNamesTests.forms, [true, false])
  func stemWithNorm(_ form: String, _ isFirst: Bool) throws {
    var source = try Case(depth: 18, form: form, isFirst: isFirst).names(isThumbnail: false)
    let index = try #require(source.tensors.firstIndex { $0.shape == [64, 3, 7, 7] })
    source.tensors[index] = TensorInfo(
      name: source.tensors[index].name, dtype: .float32, shape: [64, 3, 3, 3])
    #expect(throws: InputError.self) { try Mapping(source) }
  }
}

import Files
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Families

@Suite("Names that real libraries gave")
struct RealNamesTests {
  /// A listing in `Fixtures/names` and what it must be recognised as.
  struct Listing: Sendable, CustomTestStringConvertible {
    let family: String
    let architecture: String
    /// The trained parameters that the library counts.
    let trained: Int
    let waived: Int

    var testDescription: String { "\(family)-\(architecture)" }
  }

  static let listings = [
    Listing(family: "keras", architecture: "resnet50_v2", trained: 25_568_360, waived: 0),
    Listing(family: "keras-v1", architecture: "resnet50_v1", trained: 25_583_592, waived: 0),
    Listing(family: "torchvision", architecture: "resnet18_v1", trained: 11_689_512, waived: 20),
    Listing(family: "torchvision", architecture: "resnet50_v1", trained: 25_557_032, waived: 53),
  ]

  @Test("A real network is recognised and every tensor is used or waived", arguments: listings)
  func recognition(_ listing: Listing) throws {
    let source = try ListedNames(listing.testDescription)
    let mapping = try Mapping(source)
    #expect(mapping.family.id == listing.family)
    let name = mapping.family.architectureName(of: mapping.graph.configuration)
    #expect(name == listing.architecture)
    #expect(mapping.waived.count == listing.waived)
    #expect(mapping.entries.count + mapping.waived.count == source.tensors.count)
    let trained = mapping.graph.parameters.filter(\.role.isTrained)
    #expect(trained.reduce(0) { $0 + $1.shape.elementCount } == listing.trained)
  }

  @Test("A prefix that all tensors share is taken off", arguments: ["module.", "model.module."])
  func prefixes(_ prefix: String) throws {
    var source = try ListedNames("torchvision-resnet18_v1")
    source.tensors = source.tensors.map {
      TensorInfo(name: prefix + $0.name, dtype: $0.dtype, shape: $0.shape)
    }
    #expect(try Mapping(source).family.id == "torchvision")
  }

  @Test("A version-1 file is never taken for version 2, though nearly all names are the same")
  func versionsAreTold() throws {
    let source = try ListedNames("torchvision-resnet50_v1")
    let error = #expect(throws: InputError.self) { try Mapping(source, family: .torch) }
    #expect(error?.problem == "is not a file of the family torch")
    let keras = try ListedNames("keras-v1-resnet50_v1")
    #expect(throws: InputError.self) { try Mapping(keras, family: .keras) }
  }

  @Test("The five depths have as many parameters as in PyTorch")
  func torchCounts() throws {
    let counts = [
      "resnet18_v2": 11_689_640, "resnet34_v2": 21_797_800, "resnet50_v2": 25_557_160,
      "resnet101_v2": 44_549_288, "resnet152_v2": 60_192_936,
    ]
    #expect(Set(Family.torch.architectureNames) == Set(counts.keys))
    for (name, count) in counts {
      let configuration = try #require(Family.torch.configuration(architecture: name))
      let trained = try Graph(configuration).parameters.filter(\.role.isTrained)
      #expect(trained.reduce(0) { $0 + $1.shape.elementCount } == count, "\(name)")
    }
  }
}

/// A source that lists the names and shapes of a file in `Fixtures/names`; there is no data.
struct ListedNames: WeightSource {
  let container = "listing"
  let path: String
  let metadata: [String: String] = [:]
  var tensors: [TensorInfo]

  init(_ name: String) throws {
    path = "\(name).tsv"
    let text = String(decoding: try Fixture.bytes("names/\(name).tsv"), as: UTF8.self)
    tensors = try text.split(separator: "\n").map { line in
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
      let shape = fields[1].isEmpty ? [] : fields[1].split(separator: "x").compactMap { Int($0) }
      return TensorInfo(
        name: String(fields[0]), dtype: try #require(DType(rawValue: String(fields[2]))),
        shape: Shape(shape))
    }
  }

  func tensor(named name: String) throws(InputError) -> TensorData {
    throw InputError(.badData, path: path, "has no data")
  }
}

import Files
import Tensors
import Testing

@testable import Families

@Suite("Convolutions in heads")
struct HeadConvolutionTests {
  /// Heads of which a function follows a convolution, and what the message must say.
  static let faults: [(expected: String, add: @Sendable (inout NamedShapes) -> Void)] = [
    (
      "head.0 is a convolution, and a function may stand at head.1: nothing tells whether the features are pooled",
      {
        $0.add("head.0.weight", 32, 64, 1, 1)
        $0.addDense("head.4", 32, 5)
      }
    ),
    (
      "conv1 is a convolution, and a function may stand after it",
      {
        $0.add("head.conv1.weight", 32, 64, 1, 1)
        $0.add("head.conv2.weight", 5, 32, 1, 1)
      }
    ),
    (
      "head.0 is a convolution, and a function may stand at head.2",
      {
        $0.add("head.0.weight", 32, 64, 1, 1)
        $0.addNorm("head.1", 32)
        $0.addDense("head.5", 32, 5)
      }
    ),
  ]

  @Test(
    "A function is refused whose average may be wanted, or whose value for an average",
    arguments: faults.indices)
  func functions(_ index: Int) throws {
    var source = NamedShapes.torchvision()
    Self.faults[index].add(&source)
    let error = #expect(throws: InputError.self) { try Mapping(source) }
    #expect(
      error?.description.contains(Self.faults[index].expected) == true,
      "\(error?.description ?? "")")
  }

  @Test(
    "Where a convolution may read the map, a maximum or a function says that the pool was taken to come first"
  )
  func convolutions() throws {
    var source = NamedShapes.torchvision()
    source.add("head.1.weight", 5, 64, 1, 1)
    let pooled = Assumption(option: "head.layers", value: "pooled before head.1")
    // An average and a matrix may change places.
    #expect(!(try Mapping(source)).assumptions.contains(pooled))
    var told = Told()
    told.pooling = .max
    #expect(try Mapping(source, told: told).assumptions.contains(pooled))
    told = Told()
    told.activation = .function(.relu)
    #expect(try Mapping(source, told: told).assumptions.contains(pooled))
    // timm's own head is a convolution that stands behind its pool, as does what is put in its place.
    var timm = PublishedNamesTests.timm[0].names()
    timm.tensors.removeAll { $0.name.hasPrefix("head.fc.") }
    timm.add("head.fc.0.weight", 32, 512, 1, 1)
    timm.add("head.fc.2.weight", 5, 32, 1, 1)
    let words = try Mapping(timm).assumptions.map(\.value)
    #expect(words.contains("ReLU at head.fc.1") && words.contains("pooled before head.fc.0"))
  }
}

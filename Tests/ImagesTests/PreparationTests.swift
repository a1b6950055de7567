import Families
import Files
import Images
import Tensors
import TestSupport
import Testing
import WeightSources

@Suite("Images as networks take them", .enabled(if: ImageFile.isBuiltIn))
struct PreparationTests {
  /// The sizes of the fixtures, which are smaller than the families'.
  static func resize(
    _ rule: Preprocessing.Resize.Rule, _ filter: Preprocessing.Resize.Filter
  ) -> Preprocessing.Resize {
    Preprocessing.Resize(
      rule: rule, size: rule == .stretch ? 32 : 36, crop: 32, filter: filter)
  }

  static let files = ["rgb.png", "tall.png", "small.png", "subsampled.jpg"]

  @Test(
    "Resizing gives the bytes that Keras' load_img and torchvision's Resize give",
    arguments: files, Preprocessing.Resize.Filter.allCases)
  func resizes(_ name: String, _ filter: Preprocessing.Resize.Filter) throws {
    let truth = try WeightFile.open(Fixture.path("images/resized.npz"))
    let image = try ImageFile.read(MappedFile(path: Fixture.path("images/\(name)")))
    for rule in [Preprocessing.Resize.Rule.stretch, .shorterSide] {
      let expected = try truth.tensor(named: "\(rule.rawValue).\(filter.rawValue).\(name)")
      let fitted = try image.fitted(Self.resize(rule, filter))
      #expect(fitted.width == 32 && fitted.height == 32)
      let differing = zip(fitted.bytes, expected.withUnsafeBytes { Array($0) }).count { $0 != $1 }
      #expect(differing == 0, "\(rule)")
    }
  }

  static let families: [(family: Family, filter: Preprocessing.Resize.Filter)] = [
    (.keras, .nearest), (.kerasV1, .nearest), (.torch, .bilinear),
  ]

  @Test(
    "Preprocessing gives the floats that the family's own functions give",
    arguments: families, ["rgb.png", "tall.png"])
  func preprocesses(
    _ family: (family: Family, filter: Preprocessing.Resize.Filter), _ name: String
  ) throws {
    let truth = try WeightFile.open(Fixture.path("images/prepared.npz"))
    let expected = try truth.tensor(named: "\(family.family.id).\(name)").floats()
    let own = try #require(family.family.preprocessing.resize)
    #expect(own.filter == family.filter && own.crop == 224)
    let image = try ImageFile.read(MappedFile(path: Fixture.path("images/\(name)")))
    let prepared = try image.prepared(
      family.family.preprocessing, Self.resize(own.rule, own.filter))
    #expect(prepared.height == 32 && prepared.width == 32)
    #expect(prepared.values == expected)
  }

  @Test("An image that would become too long is refused, not made")
  func refusesNarrowImages() {
    let line = PixelImage(width: 16384, height: 1, bytes: Array(repeating: 0, count: 16384 * 3))
    let error = #expect(throws: UnfitImage.self) {
      try line.fitted(.init(rule: .shorterSide, size: 256, crop: 224, filter: .bilinear))
    }
    #expect(error?.description.contains("16384×1") == true)
  }

  @Test("Of a flat image every filter makes a flat image, whatever the sizes")
  func keepsFlatImagesFlat() {
    for filter in Preprocessing.Resize.Filter.allCases {
      for (width, height) in [(1, 1), (3, 200), (57, 2), (200, 301)] {
        let image = PixelImage(
          width: 31, height: 17, bytes: Array(repeating: 201, count: 31 * 17 * 3))
        let resized = image.resized(width: width, height: height, filter: filter)
        #expect(resized.bytes == Array(repeating: 201, count: width * height * 3))
      }
    }
  }
}

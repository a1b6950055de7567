import Comparison
import Families
import Files
import FoundationEssentials
import Images
import Inference
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

@Suite("Inputs")
struct InputTests {
  private func model(_ name: String = "keras/narrow.h5") throws -> Model {
    try Model(path: Fixture.path(name))
  }

  @Test("The images of a probe are the same one by one as all at once")
  func streamsProbes() throws {
    var images = try InputImages(
      .probe(seed: 7, count: 3), for: try model(), passesStrangers: false)
    #expect(images.count == 3)
    let all = Activation.probe(seed: 7, shape: [3, 224, 224, 3])
    #expect(try images.all().values == all.values)
    #expect(try images.next() == nil)
  }

  @Test("An array is handed out image by image, whatever its type")
  func streamsArrays() throws {
    let folder = try TemporaryFolder()
    let values = (0..<3 * 4 * 5 * 3).map { Float($0) - 7 }
    let path = try write(values, shape: [3, 4, 5, 3], to: folder.file("x.npz"))
    var images = try InputImages(.path(path), for: try model(), passesStrangers: true)
    #expect(images.count == 3 && images.names == ["x.npz 1", "x.npz 2", "x.npz 3"])
    let second = try (0..<2).map { _ in try #require(try images.next()) }[1]
    #expect(second.shape == [1, 4, 5, 3])
    #expect(second.values == Array(values[60..<120]))
  }

  @Test("A folder is read in the order of names, files with a dot aside")
  func readsFolders() throws {
    let folder = try TemporaryFolder()
    let one = [Float](repeating: 1, count: 12)
    _ = try write(one, shape: [2, 2, 3], to: folder.file("b.npz"))
    _ = try write(one.map { $0 * 2 } + one, shape: [2, 2, 2, 3], to: folder.file("a.npz"))
    _ = try folder.write([1, 2], to: ".hidden")
    var images = try InputImages(.path(folder.path), for: try model(), passesStrangers: true)
    #expect(images.names == ["a.npz 1", "a.npz 2", "b.npz"])
    #expect(try images.all().values.map { Int($0) }.reduce(0, +) == 48)
  }

  @Test("Strangers in a folder are passed over and told; damaged inputs are none")
  func tellsStrangers() throws {
    let folder = try TemporaryFolder()
    let one = [Float](repeating: 1, count: 12)
    _ = try write(one, shape: [2, 2, 3], to: folder.file("b.npz"))
    _ = try folder.write(Array("class,count\n".utf8), to: "labels.csv")
    var images = try InputImages(.path(folder.path), for: try model(), passesStrangers: true)
    #expect(try images.all().shape == [1, 2, 2, 3])
    let remark = try #require(images.remarks.first)
    #expect(remark.hasSuffix("labels.csv is no image and no array, and was passed over"))
    _ = try folder.write([1, 2], to: "notes.txt")
    #expect(
      try InputImages(.path(folder.path), for: try model(), passesStrangers: true).remarks.first?
        .hasSuffix("labels.csv and 1 other file are no image and no array, and were passed over")
        == true)
    _ = try folder.write([0xFF, 0xD8], to: "photo.JPG")
    let damaged = try #require(throws: InputError.self) {
      try InputImages(.path(folder.path), for: try model(), passesStrangers: true)
    }
    #expect(damaged.path == folder.file("photo.JPG"))
    // Who would not tell it refuses: a network of Swift programs, and one of no known family.
    let strict = try #require(throws: InputError.self) {
      try InputImages(.path(folder.path), for: try model(), passesStrangers: false)
    }
    #expect(strict.path == folder.file("labels.csv"))
    let strangers = try TemporaryFolder()
    _ = try strangers.write([1, 2], to: "notes.txt")
    let none = try #require(throws: InputError.self) {
      try InputImages(.path(strangers.path), for: try model(), passesStrangers: true)
    }
    #expect(none.problem == "holds no input")
  }

  @Test("What is no input is refused, by its name and before anything is read")
  func refuses() throws {
    let model = try model()
    let folder = try TemporaryFolder()
    let empty = try #require(throws: InputError.self) {
      try InputImages(.path(folder.path), for: model, passesStrangers: true)
    }
    #expect(empty.problem == "is an empty folder")
    let image = [Float](repeating: 0, count: 12)
    _ = try write(image, shape: [2, 2, 3], to: folder.file("a.npz"))
    _ = try write(image, shape: [1, 4, 3], to: folder.file("b.npz"))
    let sizes = try #require(throws: InputError.self) {
      try InputImages(.path(folder.path), for: model, passesStrangers: true)
    }
    #expect(sizes.path == folder.file("b.npz") && sizes.problem == "has images of 1×4×3")
    let text = try folder.write(Array("hello".utf8), to: "b.npz")
    let kind = try #require(throws: InputError.self) {
      try InputImages(.path(folder.path), for: model, passesStrangers: true)
    }
    #expect(kind.path == text && kind.problem == "is no input")
  }

  @Test("A photo is prepared as its family does it", .enabled(if: ImageFile.isBuiltIn))
  func preparesImages() throws {
    let photo = Fixture.path("images/rgb.jpg")
    let pixels = try ImageFile.read(MappedFile(path: photo))
    for (file, family) in [("keras/narrow.h5", Family.keras), ("torch/basic.pth", .torch)] {
      let model = try model(file)
      var images = try InputImages(.path(photo), for: model, passesStrangers: true)
      let image = try #require(try images.next())
      let resize = try #require(family.preprocessing.resize)
      #expect(image.shape == [1, 224, 224, 3])
      #expect(try image.values == pixels.prepared(family.preprocessing, resize).values)
      var other = resize
      other.filter = .bicubic
      var filtered = try InputImages(
        .path(photo, filter: .bicubic), for: model, passesStrangers: true)
      #expect(try filtered.next()?.values == pixels.prepared(family.preprocessing, other).values)
    }
  }

  @Test(
    "A photo gets the size that the file's own graph fixes, also once it is converted",
    .enabled(if: ImageFile.isBuiltIn))
  func fixedSize() throws {
    let folder = try TemporaryFolder()
    let source = Fixture.path("kinds/fine_tuned.keras")
    _ = try convert(ConversionRequest(source: source, output: folder.file("x.rnw"))) { _, _ in }
    let photo = Fixture.path("images/rgb.jpg")
    for path in [source, folder.file("x.rnw")] {
      let model = try Model(path: path)
      #expect(try model.resize(nil) == .init(rule: .stretch, size: 32, crop: 32, filter: .nearest))
      var images = try InputImages(.path(photo), for: model, passesStrangers: true)
      #expect(try images.next()?.shape == [1, 32, 32, 3])
    }
    // As much is left out around the middle part.
    let usual = Preprocessing.Resize(rule: .shorterSide, size: 256, crop: 224, filter: .bilinear)
    #expect(
      usual.fitted(to: 64) == .init(rule: .shorterSide, size: 73, crop: 64, filter: .bilinear))
    #expect(usual.fitted(to: 224) == usual)
  }

  @Test(
    "Of many inputs the statistics are those of all, and the cause is found on the one that shows it"
  )
  func comparesMany() throws {
    let folder = try TemporaryFolder()
    let shape: Shape = [3, 32, 32, 3]
    var values = Activation.probe(seed: 3, shape: shape).values
    // Of two images of zeros a kernel's fault does not show.
    values.replaceSubrange(0..<2 * 32 * 32 * 3, with: repeatElement(0, count: 2 * 32 * 32 * 3))
    let path = try write(values, shape: shape.dimensions, to: folder.file("x.npz"))
    var request = VerificationRequest(model: Fixture.path("keras/broken/transposed.h5"))
    request.mode = .both
    request.input = .path(path)
    let calls = Calls()
    let result = try verify(
      request, against: Fixture.path("keras/narrow.h5"), progress: calls.add)
    #expect(result.images == 3 && result.inputShape == [1, 32, 32, 3])
    #expect(result.agreement?.images == 3)
    #expect(result.verdict.culprit?.familyName == "conv3_block2_2_conv")
    #expect(
      result.verdict.culprit?.suspicion?.explanation
        == "kernel has input and output channels transposed")
    let layer = try #require(result.layers.first)
    #expect(layer.statistics.count == 3 * layer.shape.elementCount)
    #expect(calls.isInOrder)
  }

  /// Writes one float32 array as a `.npz`.
  private func write(_ values: [Float], shape: [Int], to path: String) throws -> String {
    let file = try OutputFile(path: path, replacing: true)
    var writer = NPZWriter(to: file)
    try writer.append("input", TensorData(shape: Shape(shape), values: values))
    try writer.finish()
    try file.commit()
    return path
  }
}

@Suite("Class labels")
struct ClassLabelTests {
  static let files: [String] = [
    "tench\ngold, fish\nbird\n", "\u{FEFF}tench\r\ngold, fish\r\nbird",
    #"["tench", "gold, fish", "bird"]"#,
    #"{"2": "bird", "0": "tench", "1": "gold, fish"}"#,
    #"{"0": ["n1", "tench"], "1": ["n2", "gold, fish"], "2": ["n3", "bird"]}"#,
  ]

  @Test("Every form of labels gives the names in the order of the classes", arguments: files)
  func reads(_ text: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array(text.utf8), to: "labels")
    #expect(try ClassLabels(path: path, classes: 3).names == ["tench", "gold, fish", "bird"])
  }

  static let broken: [(text: String, problem: String)] = [
    ("a\nb\n", "has 2 labels"), ("", "has 0 labels"), ("a\n\nc\n", "has no name for a class"),
    (#"["a", "b", 3]"#, "is no list of labels"),
    (#"{"0": "a", "1": "b", "3": "c"}"#, "lacks a class"),
    (#"{"0": [], "1": ["b"], "2": ["c"]}"#, "has no name for a class"),
    ("[", "is no list of labels"),
    ("\u{FFFD}\nb", "has 2 labels"),
  ]

  @Test("Labels that are not those of the network are refused", arguments: broken)
  func refuses(_ text: String, _ problem: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array(text.utf8), to: "labels")
    let error = #expect(throws: InputError.self) { try ClassLabels(path: path, classes: 3) }
    #expect(error?.problem == problem && error?.kind == .badData)
  }

  @Test("Bytes that are no text are refused")
  func refusesBytes() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([0x61, 0xFF, 0x0A], to: "labels")
    let error = #expect(throws: InputError.self) { try ClassLabels(path: path, classes: 1) }
    #expect(error?.problem == "is no text")
  }
}

import Files
import Images
import Tensors
import TestSupport
import Testing
import WeightSources

@Suite("Image files", .enabled(if: ImageFile.isBuiltIn))
struct ImageFileTests {
  static let names = [
    "bilevel.png", "grey.jpg", "grey.png", "grey2.png", "grey4.png", "grey_alpha.png",
    "interlaced.png", "palette.png", "palette2.png", "palette_transparent.png", "progressive.jpg",
    "rgb.jpg", "rgb.png", "rgb16.png", "rgba.png", "small.png", "subsampled.jpg", "tall.png",
    "turned.jpg",
  ]

  @Test("Every kind of image gives the bytes that Pillow gives", arguments: names)
  func decodes(_ name: String) throws {
    let truth = try WeightFile.open(Fixture.path("images/decoded.npz"))
    let expected = try truth.tensor(named: name)
    let image = try ImageFile.read(MappedFile(path: Fixture.path("images/\(name)")))
    #expect([image.height, image.width, 3] == expected.shape.dimensions)
    #expect(image.bytes == expected.withUnsafeBytes { Array($0) })
  }

  /// What is refused, and the reason that is given.
  static let broken: [(name: String, reason: String)] = [
    ("truncated.png", "the file ends too early"), ("without_end.png", "the file ends too early"),
    ("checksum.png", "IDAT: CRC error"), ("no_pixels.png", "Invalid IHDR data"),
    ("huge.png", "Invalid IHDR data"), ("many_pixels.png", "it is 16384×16384; at most"),
    ("cannot_hold.png", "which 69 bytes cannot hold"), ("few_rows.png", "Not enough image data"),
    ("no_palette.png", "Missing PLTE before IDAT"), ("bad_colour.png", "Invalid IHDR data"),
    ("grey16.png", "16-bit grey"), ("signature_only.png", "the file ends too early"),
    ("truncated.jpg", "Premature end of JPEG file"),
    ("marker_only.jpg", "Premature end of JPEG file"), ("cmyk.jpg", "it has 4 colours"),
    ("huge.jpg", "it is 65500×65500; at most"), ("cannot_hold.jpg", "cannot hold"),
    ("no_rows.jpg", "DNL not supported"), ("twelve_bits.jpg", "precision 12"),
    ("damaged.jpg", "Corrupt JPEG data"), ("many_scans.jpg", "more than 100 scans"),
    ("text.jpg", "a PNG or JPEG was expected"),
  ]

  @Test("A damaged or hostile image is refused with its reason", arguments: broken)
  func refuses(_ name: String, _ reason: String) throws {
    let path = Fixture.path("images/broken/\(name)")
    let error = #expect(throws: InputError.self) {
      try ImageFile.read(MappedFile(path: path))
    }
    #expect(error?.kind == .badData && error?.path == path)
    #expect(error?.place?.contains(reason) == true, "\(error?.description ?? "")")
  }

  @Test(
    "A file cut off anywhere, or with any byte changed, is read or refused",
    arguments: ["small.png", "subsampled.jpg", "progressive.jpg"])
  func survivesDamage(_ name: String) throws {
    let bytes = try Fixture.bytes("images/\(name)")
    var refused = 0
    for end in stride(from: 0, to: bytes.count, by: 3) {
      refused += try isRefused(Array(bytes[..<end])) ? 1 : 0
    }
    #expect(refused == (bytes.count + 2) / 3)
    for index in stride(from: 2, to: bytes.count, by: 5) {
      var changed = bytes
      changed[index] = changed[index] &+ UInt8(truncatingIfNeeded: 1 + index * 37)
      _ = try isRefused(changed)
    }
  }

  private func isRefused(_ bytes: [UInt8]) throws -> Bool {
    let file = try MappedFile(temporary: bytes, path: "image")
    do {
      let image = try ImageFile.read(file)
      #expect(image.bytes.count == image.width * image.height * 3)
      return false
    } catch {
      return true
    }
  }
}

package import Files
import Tensors

#if Images
  import CImages
#endif

/// Reads PNG and JPEG images; the content decides which it is, never the name.
///
/// What comes out are the bytes that Pillow's `Image.open(path).convert("RGB")` gives: an alpha channel and
/// colour profiles are passed over, of 16 bits the upper 8 count, and a photo lies as it is stored,
/// whatever it says of the camera's position.
package enum ImageFile {
  /// The largest width and height that are read.
  package static let maximumSide = 16384

  /// The largest number of pixels that are read: 201 MB of colours.
  package static let maximumPixels = 1 << 26

  /// Whether a file begins as a PNG or JPEG does.
  package static func isImage(_ file: MappedFile) -> Bool { Kind(file) != nil }

  /// Decodes an image.
  ///
  /// - Throws: `InputError` where it is damaged, too large, or of a kind that is not read.
  package static func read(_ file: MappedFile) throws(InputError) -> PixelImage {
    guard let kind = Kind(file) else {
      throw InputError(
        .badData, path: file.path, "is no image", place: "a PNG or JPEG was expected")
    }
    return try decode(file, kind)
  }

  /// The reader as a fuzzer calls it: every refusal is fine.
  package static func readForFuzzing(_ bytes: [UInt8]) {
    guard let file = try? MappedFile(temporary: bytes, path: "image") else { return }
    _ = try? read(file)
  }

  /// The libraries that images are decoded by, with their versions; none where this was built without them.
  package static var libraries: [(name: String, version: String)] {
    #if Images
      [
        ("libpng", String(cString: rnw_png_version())),
        ("libjpeg-turbo", "interface \(rnw_jpeg_version())"),
      ]
    #else
      []
    #endif
  }

  private enum Kind {
    case png
    case jpeg

    init?(_ file: MappedFile) {
      let start = file.bytes(at: 0, count: min(8, file.count)) ?? []
      if start == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] {
        self = .png
      } else if start.starts(with: [0xFF, 0xD8, 0xFF]) {
        self = .jpeg
      } else {
        return nil
      }
    }

    var title: String { self == .png ? "PNG" : "JPEG" }
  }
}

#if Images
  extension ImageFile {
    /// Whether this build decodes images.
    package static let isBuiltIn = true

    private static func decode(
      _ file: MappedFile, _ kind: Kind
    ) throws(InputError) -> PixelImage {
      let limits = RNWImageLimits(side: UInt32(maximumSide), pixels: UInt64(maximumPixels))
      var size = RNWImageSize()
      try call(file, kind) { bytes, count, message in
        kind == .png
          ? rnw_png_size(bytes, count, limits, &size, message)
          : rnw_jpeg_size(bytes, count, limits, &size, message)
      }
      let (width, height) = (Int(size.width), Int(size.height))
      var pixels = [UInt8](repeating: 0, count: width * height * 3)
      try call(file, kind) { bytes, count, message in
        pixels.withUnsafeMutableBufferPointer { pixels in
          kind == .png
            ? rnw_png_decode(bytes, count, limits, size, pixels.baseAddress, message)
            : rnw_jpeg_decode(bytes, count, limits, size, pixels.baseAddress, message)
        }
      }
      return PixelImage(width: width, height: height, bytes: pixels)
    }

    /// Calls a decoder, and turns its message into an error.
    private static func call(
      _ file: MappedFile, _ kind: Kind,
      _ decoder: (UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<CChar>?) -> CInt
    ) throws(InputError) {
      var message = [CChar](repeating: 0, count: Int(RNW_IMAGE_MESSAGE))
      let status = file.withUnsafeBytes { bytes in
        message.withUnsafeMutableBufferPointer { message in
          decoder(
            bytes.assumingMemoryBound(to: UInt8.self).baseAddress, bytes.count, message.baseAddress)
        }
      }
      guard status != 0 else { return }
      let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      throw InputError(
        .badData, path: file.path, "is a \(kind.title) that cannot be read",
        place: String(decoding: text, as: UTF8.self))
    }
  }
#else
  extension ImageFile {
    /// Whether this build decodes images.
    package static let isBuiltIn = false

    private static func decode(
      _ file: MappedFile, _ kind: Kind
    ) throws(InputError) -> PixelImage {
      throw InputError(
        .badData, path: file.path, "is a \(kind.title), and this rnw was built without images",
        hint: "build it with the package trait Images, which needs libpng and libjpeg-turbo")
    }
  }
#endif

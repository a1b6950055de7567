/// An image of 8-bit red, green and blue, row by row.
package struct PixelImage: Hashable, Sendable {
  /// The number of pixels in a row.
  package let width: Int

  /// The number of rows.
  package let height: Int

  /// Three bytes for each pixel.
  package let bytes: [UInt8]

  /// Makes an image.
  ///
  /// - Precondition: there are three bytes for each pixel.
  package init(width: Int, height: Int, bytes: [UInt8]) {
    precondition(bytes.count == width * height * 3)
    self.width = width
    self.height = height
    self.bytes = bytes
  }

  /// The part that begins at a column and a row.
  ///
  /// - Precondition: it lies within the image.
  package func cropped(left: Int, top: Int, width: Int, height: Int) -> PixelImage {
    precondition(
      left >= 0 && top >= 0 && width >= 0 && height >= 0 && left + width <= self.width
        && top + height <= self.height)
    var part: [UInt8] = []
    part.reserveCapacity(width * height * 3)
    for row in top..<top + height {
      let start = (row * self.width + left) * 3
      part += bytes[start..<start + width * 3]
    }
    return PixelImage(width: width, height: height, bytes: part)
  }
}

package import Families
import Tensors

extension PixelImage {
  /// The image as the family's networks take it: resized, cropped, its channels in order, scaled.
  ///
  /// - Returns: [H, W, 3] values, row by row, channels innermost, and how many rows and columns there
  ///   are.
  /// - Throws: ``UnfitImage`` where the image is so narrow that its other side would become too long.
  package func prepared(
    _ preprocessing: Preprocessing, _ resize: Preprocessing.Resize
  ) throws(UnfitImage) -> (values: [Float], height: Int, width: Int) {
    let image = try fitted(resize)
    return (image.values(preprocessing), image.height, image.width)
  }

  /// The image in the size that the rule gives, by its filter.
  package func fitted(_ resize: Preprocessing.Resize) throws(UnfitImage) -> PixelImage {
    var (width, height) = (resize.size, resize.size)
    if resize.rule == .shorterSide {
      // Rounded down, as torchvision does.
      let long = Int(
        Double(resize.size * max(self.width, self.height)) / Double(min(self.width, self.height)))
      (width, height) = self.width <= self.height ? (resize.size, long) : (long, resize.size)
    }
    guard width * height <= ImageFile.maximumPixels else {
      throw UnfitImage(width: self.width, height: self.height, size: resize.size)
    }
    let image = resized(width: width, height: height, filter: resize.filter)
    let crop = resize.crop
    guard crop < width || crop < height else { return image }
    return image.cropped(
      left: half(width - crop), top: half(height - crop), width: min(crop, width),
      height: min(crop, height))
  }

  /// Each step rounded to float32, as the frameworks do it.
  private func values(_ preprocessing: Preprocessing) -> [Float] {
    let divisor = Float(255 / preprocessing.inputRange)
    let mean = preprocessing.mean.map { Float($0) }
    let deviation = preprocessing.deviation.map { Float($0) }
    let order = preprocessing.channelOrder == .rgb ? [0, 1, 2] : [2, 1, 0]
    return [Float](unsafeUninitializedCapacity: bytes.count) { target, count in
      for start in stride(from: 0, to: bytes.count, by: 3) {
        for channel in 0..<3 {
          let pixel = Float(bytes[start + order[channel]]) / divisor
          target[start + channel] = (pixel - mean[channel]) / deviation[channel]
        }
      }
      count = bytes.count
    }
  }
}

/// Half of what is cut off, a half pixel rounded to the even number, as Python's `round` does.
private func half(_ count: Int) -> Int {
  Int((Double(max(count, 0)) / 2).rounded(.toNearestOrEven))
}

/// An image that cannot be brought to the size of the network.
package struct UnfitImage: Error, Hashable, Sendable, CustomStringConvertible {
  let width: Int
  let height: Int
  let size: Int

  /// What is wrong, in one line.
  package var description: String {
    "with a shorter side of \(size) the image of \(width)×\(height) would have more than "
      + "\(ImageFile.maximumPixels) pixels"
  }
}

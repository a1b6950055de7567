import Tensors

/// What moves the values of images [N, H, W, C] or picks among them, without arithmetic.
struct RearrangedValues {
  private let images: Int
  private let pixels: Int
  private let channels: Int

  init(_ shape: Shape) {
    images = shape[0]
    pixels = shape[1] * shape[2]
    channels = shape[3]
  }

  /// The largest value of each channel; NaN wins over everything, as in the frameworks.
  func maximum(_ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>) {
    for image in 0..<images {
      let source = input + image * pixels * channels
      let target = output + image * channels
      target.update(from: source, count: channels)
      for pixel in 1..<max(pixels, 1) {
        for channel in 0..<channels {
          let value = source[pixel * channels + channel]
          if value > target[channel] || value.isNaN { target[channel] = value }
        }
      }
    }
  }

  /// All values of an image side by side, the channels outermost or, as they are, innermost.
  func flatten(
    _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, channelsFirst: Bool
  ) {
    let perImage = pixels * channels
    guard channelsFirst else { return output.update(from: input, count: images * perImage) }
    for image in 0..<images {
      let (source, target) = (input + image * perImage, output + image * perImage)
      for pixel in 0..<pixels {
        for channel in 0..<channels {
          target[channel * pixels + pixel] = source[pixel * channels + channel]
        }
      }
    }
  }

  /// Channels of zeros before and after the others.
  func padChannels(
    _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, before: Int, of total: Int
  ) {
    for pixel in 0..<images * pixels {
      let target = output + pixel * total
      target.update(repeating: 0, count: before)
      (target + before).update(from: input + pixel * channels, count: channels)
      (target + before + channels).update(repeating: 0, count: total - before - channels)
    }
  }
}

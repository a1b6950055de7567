extension Kernels {
  /// (x − mean) / √(variance + ε) · scale + shift per channel, in Double, rounded once.
  package static func normalizeReference(
    _ input: UnsafePointer<Float>, mean: UnsafePointer<Double>, variance: UnsafePointer<Double>,
    epsilon: Double, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>, pixels: Int, channels: Int
  ) {
    for channel in 0..<channels {
      let deviation = (variance[channel] + epsilon).squareRoot()
      let (mean, scale, shift) = (mean[channel], Double(scale[channel]), Double(shift[channel]))
      var place = channel
      let factor = Float(scale / deviation)
      let offset = Float(shift - mean * (scale / deviation))
      guard factor.isFinite, offset.isFinite else {
        // Without bound or not a number: in one order or the other it would be another of the two. This is
        // the order of everything that is made to be fast.
        for _ in 0..<pixels {
          output[place] = input[place] * factor + offset
          place += channels
        }
        continue
      }
      for _ in 0..<pixels {
        output[place] = Float((Double(input[place]) - mean) / deviation * scale + shift)
        place += channels
      }
    }
  }

  /// The mean and the biased variance of a group of channels over an image, in Double, pixel by
  /// pixel.
  package static func groupMoments(
    _ input: UnsafePointer<Float>, pixels: Int, channels: Int, group: Range<Int>,
    mean: UnsafeMutablePointer<Double>, variance: UnsafeMutablePointer<Double>
  ) {
    var sum = 0.0
    for pixel in 0..<pixels {
      for channel in group { sum += Double(input[pixel * channels + channel]) }
    }
    let count = Double(pixels * group.count)
    let average = sum / count
    var squares = 0.0
    for pixel in 0..<pixels {
      for channel in group {
        let difference = Double(input[pixel * channels + channel]) - average
        squares += difference * difference
      }
    }
    mean.pointee = average
    variance.pointee = squares / count
  }
}

extension Kernels {
  /// (x − mean) / √(variance + ε) · scale + shift per channel, in Double, rounded once.
  package static func normalizeReference(
    _ input: UnsafePointer<Float>, mean: UnsafePointer<Double>, variance: UnsafePointer<Double>,
    epsilon: Double, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>, pixels: Int, channels: Int
  ) {
    let whole = channels / 8 * 8
    // A few pixels at a time, which stay in the cache while all channels go by.
    for start in stride(from: 0, to: pixels, by: 16) {
      let pixels = start..<min(start + 16, pixels)
      for channel in stride(from: 0, to: whole, by: 8) {
        let deviation = (load(variance + channel) + epsilon).squareRoot()
        let mean = load(mean + channel)
        let (scale, shift) = (doubles(scale + channel), doubles(shift + channel))
        for pixel in pixels {
          let place = pixel * channels + channel
          let result = (doubles(input + place) - mean) / deviation * scale + shift
          for lane in 0..<8 { output[place + lane] = Float(result[lane]) }
        }
      }
    }
    for channel in 0..<channels {
      let deviation = (variance[channel] + epsilon).squareRoot()
      let (mean, scale, shift) = (mean[channel], Double(scale[channel]), Double(shift[channel]))
      let factor = Float(scale / deviation)
      let offset = Float(shift - mean * (scale / deviation))
      let isFinite = factor.isFinite && offset.isFinite
      guard !isFinite || channel >= whole else { continue }
      for place in stride(from: channel, to: pixels * channels, by: channels) {
        // Without bound or not a number: in one order or the other it would be another of the two. This is
        // the order of everything that is made to be fast.
        output[place] =
          isFinite
          ? Float((Double(input[place]) - mean) / deviation * scale + shift)
          : input[place] * factor + offset
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

@inline(__always)
private func load(_ values: UnsafePointer<Double>) -> SIMD8<Double> {
  UnsafeRawPointer(values).loadUnaligned(as: SIMD8<Double>.self)
}

/// Written out, it is one instruction; a conversion of the whole vector is a call.
@inline(__always)
private func doubles(_ values: UnsafePointer<Float>) -> SIMD8<Double> {
  SIMD8(
    Double(values[0]), Double(values[1]), Double(values[2]), Double(values[3]),
    Double(values[4]), Double(values[5]), Double(values[6]), Double(values[7]))
}

extension Kernels {
  /// Adds what each channel's values are above a pivot, and the squares of that, in Double, pixel by pixel.
  ///
  /// Channel beside channel, so that values are read in the order in which they lie and the sums of several channels fit a vector.
  package static func addMoments(
    _ input: UnsafePointer<Float>, pivot: UnsafePointer<Float>, pixels: Int, channels: Int,
    sums: UnsafeMutablePointer<Double>, squares: UnsafeMutablePointer<Double>
  ) {
    var pixel = 0
    // Sums are loaded and stored once for four pixels.
    while pixel + 4 <= pixels {
      let first = input + pixel * channels
      var channel = 0
      while channel + 8 <= channels {
        let pivots = doubles(pivot + channel)
        var sum = UnsafeRawPointer(sums + channel).loadUnaligned(as: SIMD8<Double>.self)
        var square = UnsafeRawPointer(squares + channel).loadUnaligned(as: SIMD8<Double>.self)
        var row = first + channel
        for _ in 0..<4 {
          let difference = doubles(row) - pivots
          sum += difference
          square += difference * difference
          row += channels
        }
        UnsafeMutableRawPointer(sums + channel).storeBytes(of: sum, as: SIMD8<Double>.self)
        UnsafeMutableRawPointer(squares + channel).storeBytes(of: square, as: SIMD8<Double>.self)
        channel += 8
      }
      while channel < channels {
        var row = first + channel
        for _ in 0..<4 {
          let difference = Double(row.pointee) - Double(pivot[channel])
          sums[channel] += difference
          squares[channel] += difference * difference
          row += channels
        }
        channel += 1
      }
      pixel += 4
    }
    while pixel < pixels {
      let row = input + pixel * channels
      for channel in 0..<channels {
        let difference = Double(row[channel]) - Double(pivot[channel])
        sums[channel] += difference
        squares[channel] += difference * difference
      }
      pixel += 1
    }
  }
}

/// Eight values as Doubles.
@inline(__always)
private func doubles(_ pointer: UnsafePointer<Float>) -> SIMD8<Double> {
  let values = UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Float>.self)
  return SIMD8(
    Double(values[0]), Double(values[1]), Double(values[2]), Double(values[3]), Double(values[4]),
    Double(values[5]), Double(values[6]), Double(values[7]))
}

package import CKernelSupport

extension Kernels {
  /// The largest value of each window, for some rows of the output (counted over all images).
  ///
  /// NaN wins over everything, as in the frameworks.
  package static func maxPool(_ work: UnsafePointer<RNWPool>, rows: Range<Int>) {
    let layer = work.pointee
    for row in rows {
      let image = row / layer.outputHeight
      let top = (row - image * layer.outputHeight) * layer.stride - layer.top
      let base = layer.input + image * layer.height * layer.width * layer.channels
      for x in 0..<layer.outputWidth {
        let left = x * layer.stride - layer.left
        let ys = max(top, 0)..<min(top + layer.size, layer.height)
        let xs = max(left, 0)..<min(left + layer.size, layer.width)
        let touchesBorder = ys.count < layer.size || xs.count < layer.size
        let start: Float = touchesBorder && layer.includesZeros != 0 ? 0 : -.infinity
        let target = layer.output + (row * layer.outputWidth + x) * layer.channels
        var channel = 0
        while channel + lanes <= layer.channels {
          var largest = Vector(repeating: start)
          for inputY in ys {
            for inputX in xs {
              let value = load(base + (inputY * layer.width + inputX) * layer.channels + channel)
              largest.replace(with: value, where: (value .> largest) .| (value .!= value))
            }
          }
          store(largest, target + channel)
          channel += lanes
        }
        while channel < layer.channels {
          var largest = start
          for inputY in ys {
            for inputX in xs {
              let value = base[(inputY * layer.width + inputX) * layer.channels + channel]
              if value > largest || value.isNaN { largest = value }
            }
          }
          target[channel] = largest
          channel += 1
        }
      }
    }
  }

  /// The mean of each window, counting only what lies within the image; summed in Double.
  package static func averagePool(_ work: UnsafePointer<RNWPool>, rows: Range<Int>) {
    let layer = work.pointee
    for row in rows {
      let image = row / layer.outputHeight
      let top = (row - image * layer.outputHeight) * layer.stride - layer.top
      let base = layer.input + image * layer.height * layer.width * layer.channels
      for x in 0..<layer.outputWidth {
        let left = x * layer.stride - layer.left
        let ys = max(top, 0)..<min(top + layer.size, layer.height)
        let xs = max(left, 0)..<min(left + layer.size, layer.width)
        let target = layer.output + (row * layer.outputWidth + x) * layer.channels
        for channel in 0..<layer.channels {
          var sum = 0.0
          for inputY in ys {
            for inputX in xs {
              sum += Double(base[(inputY * layer.width + inputX) * layer.channels + channel])
            }
          }
          target[channel] = Float(sum / Double(ys.count * xs.count))
        }
      }
    }
  }

  /// The mean over an image of [pixels, channels], summed in Double in the order of the pixels.
  package static func globalAverage(
    _ input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, pixels: Int, channels: Int
  ) {
    var channel = 0
    while channel + 8 <= channels {
      var sums = SIMD8<Double>(repeating: 0)
      var values = input + channel
      for _ in 0..<pixels {
        sums += SIMD8<Double>(UnsafeRawPointer(values).loadUnaligned(as: SIMD8<Float>.self))
        values += channels
      }
      for lane in 0..<8 { output[channel + lane] = Float(sums[lane] / Double(pixels)) }
      channel += 8
    }
    while channel < channels {
      var sum = 0.0
      for pixel in 0..<pixels { sum += Double(input[pixel * channels + channel]) }
      output[channel] = Float(sum / Double(pixels))
      channel += 1
    }
  }
}

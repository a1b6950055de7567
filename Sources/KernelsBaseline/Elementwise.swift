extension Kernels {
  /// output = input · scale + shift per channel, then max(·, 0) if it rectifies; pixels of `channels`
  /// values.
  package static func affine(
    _ input: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    rectifies: Bool, output: UnsafeMutablePointer<Float>, pixels: Int, channels: Int
  ) {
    for pixel in 0..<pixels {
      let source = input + pixel * channels
      let target = output + pixel * channels
      var channel = 0
      while channel + lanes <= channels {
        let value = multiplyAdd(
          load(shift + channel), load(source + channel), load(scale + channel))
        store(rectifies ? rectified(value) : value, target + channel)
        channel += lanes
      }
      while channel < channels {
        let value = multiplyAdd(shift[channel], source[channel], scale[channel])
        target[channel] = rectifies ? rectified(value) : value
        channel += 1
      }
    }
  }

  /// output = max(input, 0).
  package static func rectify(
    _ input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, count: Int
  ) {
    var index = 0
    while index + lanes <= count {
      store(rectified(load(input + index)), output + index)
      index += lanes
    }
    while index < count {
      output[index] = rectified(input[index])
      index += 1
    }
  }

  /// output = first + second.
  package static func add(
    _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>, count: Int
  ) {
    var index = 0
    while index + lanes <= count {
      store(load(first + index) + load(second + index), output + index)
      index += lanes
    }
    while index < count {
      output[index] = first[index] + second[index]
      index += 1
    }
  }
}

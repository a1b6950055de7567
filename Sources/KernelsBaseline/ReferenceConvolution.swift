package import CKernelSupport

extension Kernels {
  /// A convolution with sums in Double, for some pixels of the output: the oracle of all others.
  ///
  /// The product of two floats is exact in Double, and the order of the sum is fixed: rows of the
  /// kernel, then columns, then input channels. So a fused multiply-add gives the same bits as a
  /// product and a sum, and every machine gives the same bits as any other. The weights are
  /// [tap][inputChannels][outputChannels].
  package static func convolveReference(_ work: UnsafePointer<RNWConvolution>, pixels: Range<Int>) {
    let outputChannels = work.pointee.outputChannels
    for pixel in pixels {
      var channel = 0
      while channel + 32 <= outputChannels {
        convolve32(work, pixel: pixel, channel: channel)
        channel += 32
      }
      while channel < outputChannels {
        convolve1(work, pixel: pixel, channel: channel)
        channel += 1
      }
    }
  }
}

private func convolve32(_ work: UnsafePointer<RNWConvolution>, pixel: Int, channel: Int) {
  var (sum0, sum1) = (SIMD8<Double>(repeating: 0), SIMD8<Double>(repeating: 0))
  var (sum2, sum3) = (SIMD8<Double>(repeating: 0), SIMD8<Double>(repeating: 0))
  let layer = work.pointee
  forEachTap(layer, pixel: pixel) { input, tap in
    var weights = layer.weights + tap * layer.inputChannels * layer.outputChannels + channel
    for inputChannel in 0..<layer.inputChannels {
      let value = SIMD8(repeating: Double(input[inputChannel]))
      sum0 = multiplyAdd(sum0, value, doubles(weights))
      sum1 = multiplyAdd(sum1, value, doubles(weights + 8))
      sum2 = multiplyAdd(sum2, value, doubles(weights + 16))
      sum3 = multiplyAdd(sum3, value, doubles(weights + 24))
      weights += layer.outputChannels
    }
  }
  storeSums(sum0, layer, pixel: pixel, channel: channel)
  storeSums(sum1, layer, pixel: pixel, channel: channel + 8)
  storeSums(sum2, layer, pixel: pixel, channel: channel + 16)
  storeSums(sum3, layer, pixel: pixel, channel: channel + 24)
}

@inline(__always)
private func storeSums(
  _ sums: SIMD8<Double>, _ layer: RNWConvolution, pixel: Int, channel: Int
) {
  guard let output = layer.epilogue.output else { return }
  for lane in 0..<8 {
    var sum = sums[lane]
    if let bias = layer.epilogue.bias { sum += Double(bias[channel + lane]) }
    output[pixel * layer.outputChannels + channel + lane] = Float(sum)
  }
}

private func convolve1(_ work: UnsafePointer<RNWConvolution>, pixel: Int, channel: Int) {
  let layer = work.pointee
  var sum = 0.0
  forEachTap(layer, pixel: pixel) { input, tap in
    let weights = layer.weights + tap * layer.inputChannels * layer.outputChannels + channel
    for inputChannel in 0..<layer.inputChannels {
      sum += Double(input[inputChannel]) * Double(weights[inputChannel * layer.outputChannels])
    }
  }
  if let bias = layer.epilogue.bias { sum += Double(bias[channel]) }
  guard let output = layer.epilogue.output else { return }
  output[pixel * layer.outputChannels + channel] = Float(sum)
}

/// Calls for every tap that lies within the image, in order, and for those outside where there are zeros
/// to multiply with.
///
/// Zeros add nothing to finite weights. A weight that is NaN or infinite spoils the border as well, here as
/// in every executor that fills the border with zeros.
@inline(__always)
private func forEachTap(
  _ layer: RNWConvolution, pixel: Int, _ body: (UnsafePointer<Float>, Int) -> Void
) {
  let perImage = layer.outputHeight * layer.outputWidth
  let image = pixel / perImage
  let y = (pixel - image * perImage) / layer.outputWidth
  let x = pixel - image * perImage - y * layer.outputWidth
  let base = layer.input + image * layer.height * layer.width * layer.inputChannels
  for tapY in 0..<layer.kernelHeight {
    let inputY = y * layer.stride - layer.top + tapY * layer.dilation
    let isInside = inputY >= 0 && inputY < layer.height
    guard isInside || layer.zeros != nil else { continue }
    for tapX in 0..<layer.kernelWidth {
      let inputX = x * layer.stride - layer.left + tapX * layer.dilation
      guard isInside, inputX >= 0, inputX < layer.width else {
        if let zeros = layer.zeros { body(zeros, tapY * layer.kernelWidth + tapX) }
        continue
      }
      body(
        base + (inputY * layer.width + inputX) * layer.inputChannels,
        tapY * layer.kernelWidth + tapX)
    }
  }
}

@inline(__always)
private func doubles(_ pointer: UnsafePointer<Float>) -> SIMD8<Double> {
  SIMD8<Double>(UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Float>.self))
}

@inline(__always)
private func multiplyAdd(
  _ sum: SIMD8<Double>, _ a: SIMD8<Double>, _ b: SIMD8<Double>
) -> SIMD8<Double> {
  #if BASELINE
    sum + a * b
  #else
    sum.addingProduct(a, b)
  #endif
}

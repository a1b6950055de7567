import CKernelSupport
import KernelSet
import ResNetV2
import Tensors

// What both executors need of the operations, beyond the kernels.

extension RNWConvolution {
  /// The extents of a convolution from an input [N, H, W, C] or [N, C].
  init(_ conv: Operation.Convolution, input: Shape, output: Shape) {
    self.init()
    setExtents(input: input, output: output)
    inputChannels = conv.inputChannels
    outputChannels = conv.outputChannels
    kernelHeight = conv.kernel
    kernelWidth = conv.kernel
    pixelStride = conv.inputChannels
    stride = conv.stride
    dilation = conv.dilation
    if input.rank == 4 {
      let border = conv.border(input: input, output: output)
      (top, left) = (border.top, border.left)
    }
    tapsPerBlock = conv.kernel * conv.kernel
  }

  /// Takes the number of images, and the sizes before and after; features are images of one pixel.
  mutating func setExtents(input: Shape, output: Shape) {
    images = input[0]
    height = input.rank == 4 ? input[1] : 1
    width = input.rank == 4 ? input[2] : 1
    outputHeight = output.rank == 4 ? output[1] : 1
    outputWidth = output.rank == 4 ? output[2] : 1
    outputChannels = output[output.rank - 1]
    outputStride = outputChannels
  }
}

extension PoolWindow {
  /// The window of an operation on an image of a size.
  init(_ pool: Operation.Pool, input: Shape, output: Shape) {
    let border = pool.border(input: input, output: output)
    let includesZeros = if case .zero = pool.padding { true } else { false }
    self.init(
      size: pool.size, stride: pool.stride, top: border.top, left: border.left,
      includesZeros: includesZeros)
  }
}

extension RNWPool {
  /// The extents of a pooling window.
  init(_ pool: Operation.Pool, input: Shape, output: Shape) {
    self.init(PoolWindow(pool, input: input, output: output), input: input, output: output)
  }
}

extension TensorData {
  /// Whether no value is NaN or infinite.
  var isFinite: Bool {
    withFloats { values in
      // All bits of the exponent are set exactly in NaN and infinity.
      var largest: UInt32 = 0
      for value in values { largest = max(largest, value.bitPattern & 0x7FFF_FFFF) }
      return largest < 0x7F80_0000
    }
  }
}

extension KernelSet {
  /// The mean and the biased variance of every channel's group over one image.
  static func moments(
    _ input: UnsafePointer<Float>, pixels: Int, channels: Int, groups: Int
  ) -> (mean: [Double], variance: [Double]) {
    var mean = [Double](repeating: 0, count: channels)
    var variance = mean
    // Channels that do not divide evenly leave a smaller last group; no public network has one.
    let perGroup = max(channels / max(groups, 1), 1)
    for start in stride(from: 0, to: channels, by: perGroup) {
      let group = start..<min(start + perGroup, channels)
      var (groupMean, groupVariance) = (0.0, 0.0)
      groupMoments(
        input, pixels: pixels, channels: channels, group: group, mean: &groupMean,
        variance: &groupVariance)
      for channel in group { (mean[channel], variance[channel]) = (groupMean, groupVariance) }
    }
    return (mean, variance)
  }
}

extension Activation {
  /// Gives the address of the values to a closure, which must not let it escape.
  func withPointer<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result {
    values.withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else {
        preconditionFailure("no operation reads an empty value")
      }
      return body(start)
    }
  }
}

extension Optional where Wrapped == [Float] {
  /// Gives the address of the values, or `nil`, to a closure, which must not let it escape.
  func withOptionalPointer<Result>(_ body: (UnsafePointer<Float>?) -> Result) -> Result {
    guard let values = self else { return body(nil) }
    return values.withUnsafeBufferPointer { body($0.baseAddress) }
  }
}

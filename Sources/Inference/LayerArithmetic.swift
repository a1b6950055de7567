import CKernelSupport
import ResNetV2
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

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
    padding = conv.padding
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
  }
}

extension PoolWindow {
  /// The window of an operation on an image of a size.
  init(_ pool: Operation.Pool, input: Shape, output: Shape) {
    // TensorFlow puts the odd row and column below and right.
    func before(_ size: Int, _ outputs: Int) -> Int {
      max((outputs - 1) * pool.stride + pool.size - size, 0) / 2
    }
    let (top, left) =
      switch pool.padding {
      case .zero(let padding), .ignored(let padding): (padding, padding)
      case .same: (before(input[1], output[1]), before(input[2], output[2]))
      }
    let includesZeros = if case .zero = pool.padding { true } else { false }
    self.init(
      size: pool.size, stride: pool.stride, top: top, left: left, includesZeros: includesZeros)
  }
}

extension RNWPool {
  /// The extents of a pooling window.
  init(_ pool: Operation.Pool, input: Shape, output: Shape) {
    self.init(PoolWindow(pool, input: input, output: output), input: input, output: output)
  }
}

extension TensorData {
  /// Standardised kernels: (W − mean) / √(variance + ε) per output channel, biased variance, in
  /// Double.
  ///
  /// Qiao et al., “Micro-Batch Training with Batch-Channel Normalization and Weight
  /// Standardization”, 2019.
  func standardized(epsilon: Double) -> TensorData {
    let perFilter = shape.elementCount / shape[0]
    var values = floats()
    for filter in 0..<shape[0] {
      let range = filter * perFilter..<(filter + 1) * perFilter
      let mean = values[range].reduce(0.0) { $0 + Double($1) } / Double(perFilter)
      let variance =
        values[range].reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        / Double(perFilter)
      let deviation = (variance + epsilon).squareRoot()
      for index in range { values[index] = Float((Double(values[index]) - mean) / deviation) }
    }
    return TensorData(shape: shape, values: values)
  }
}

extension Kernels {
  /// The mean and the biased variance of every channel's group over one image.
  func moments(
    _ input: UnsafePointer<Float>, pixels: Int, channels: Int, groups: Int
  ) -> (mean: [Double], variance: [Double]) {
    var mean = [Double](repeating: 0, count: channels)
    var variance = mean
    // Channels that do not divide evenly leave a smaller last group; no public network has one.
    let perGroup = max(channels / max(groups, 1), 1)
    for start in stride(from: 0, to: channels, by: perGroup) {
      let group = start..<min(start + perGroup, channels)
      var (groupMean, groupVariance) = (0.0, 0.0)
      groupMoments(input, pixels, channels, group, &groupMean, &groupVariance)
      for channel in group { (mean[channel], variance[channel]) = (groupMean, groupVariance) }
    }
    return (mean, variance)
  }
}

/// exp(x) / Σ exp(x) per image, in Double.
func softmax(_ input: Activation) -> Activation {
  let channels = input.shape[input.shape.rank - 1]
  var values = input.values
  for start in stride(from: 0, to: values.count, by: channels) {
    let range = start..<start + channels
    let largest = Double(values[range].max() ?? 0)
    let exponentials = values[range].map { exp(Double($0) - largest) }
    let sum = exponentials.reduce(0, +)
    for (index, value) in zip(range, exponentials) { values[index] = Float(value / sum) }
  }
  return Activation(shape: input.shape, values: values)
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

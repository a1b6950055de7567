import Inference
import ResNetV2
import Tensors

/// The mean of everything that a convolution or a matrix multiplies with, over images and pixels: one
/// value for every weight of an output channel, in their order.
struct InputMeans: Sendable {
  let values: [Double]

  /// How many images it is over.
  private let images: Int

  /// Takes the mean over the input of a node; `nil` for a node that multiplies with no weights as
  /// they are.
  init?(_ operation: Operation, input: Activation, output: Shape) {
    images = input.shape[0]
    switch operation {
    case .convolution(let conv) where conv.weightStandardizationEpsilon == nil:
      values = Self.means(conv, input: input, output: output)
    case .dense(let inputs, _, _):
      values = (0..<inputs).map { channel in
        let sum = stride(from: channel, to: input.values.count, by: inputs)
          .reduce(0.0) { $0 + Double(input.values[$1]) }
        return sum / Double(max(input.shape[0], 1))
      }
    default:
      return nil
    }
  }

  /// The mean over the images of both.
  func merged(with other: InputMeans) -> InputMeans {
    let share = Double(other.images) / Double(max(images + other.images, 1))
    return InputMeans(
      values: zip(values, other.values).map { $0 + ($1 - $0) * share },
      images: images + other.images)
  }

  private init(values: [Double], images: Int) {
    (self.values, self.images) = (values, images)
  }

  /// The means of a convolution's taps: at the border some of them fall on zeros.
  private static func means(
    _ conv: Operation.Convolution, input: Activation, output: Shape
  ) -> [Double] {
    let (height, width, channels) = (input.shape[1], input.shape[2], conv.inputChannels)
    let taps = conv.kernel * conv.kernel
    let border = conv.border(input: input.shape, output: output)
    var sums = [Double](repeating: 0, count: channels * taps)
    input.values.withUnsafeBufferPointer { values in
      for tap in 0..<taps {
        let rows = (0..<output[1]).map {
          $0 * conv.stride + tap / conv.kernel * conv.dilation - border.top
        }.filter { (0..<height).contains($0) }
        let columns = (0..<output[2]).map {
          $0 * conv.stride + tap % conv.kernel * conv.dilation - border.left
        }.filter { (0..<width).contains($0) }
        for image in 0..<input.shape[0] {
          for row in rows {
            for column in columns {
              let start = ((image * height + row) * width + column) * channels
              for channel in 0..<channels {
                sums[channel * taps + tap] += Double(values[start + channel])
              }
            }
          }
        }
      }
    }
    let pixels = Double(max(output[0] * output[1] * output[2], 1))
    return sums.map { $0 / pixels }
  }
}

extension TensorData {
  /// The tensor in a narrower type, such that the mean output of every channel stays what it is.
  ///
  /// Every value becomes the nearest of the type or, where it is nearly as near, the one on its other
  /// side: of these as few and as cheap ones are taken as bring Σ (rounded − value) · mean to zero.
  /// What would else be lost is a constant in every pixel of every image, which no averaging in the
  /// network removes; the squared error of the weights hardly grows.
  ///
  /// - Parameter means: what each weight of an output channel is multiplied with on average; where
  ///   `nil`, every value becomes the nearest.
  /// - Throws: ``RoundingError`` where a value does not exist in the type.
  func rounded(
    to type: DType, keeping means: InputMeans?
  ) throws(RoundingError) -> TensorData {
    let nearest = try rounded(to: type)
    guard let means, nearest.dtype != dtype, nearest.dtype.coarseness > 0, shape.rank > 1 else {
      return nearest
    }
    var bytes = nearest.withUnsafeBytes { Array($0) }
    let widened = nearest.floats()
    let perChannel = shape.elementCount / shape[0]
    precondition(means.values.count == perChannel && widened.count == shape.elementCount)
    bytes.withUnsafeMutableBufferPointer { bytes in
      widened.withUnsafeBufferPointer { rounded in
        withFloats { values in
          means.values.withUnsafeBufferPointer { means in
            for channel in 0..<shape[0] {
              let range = channel * perChannel..<(channel + 1) * perChannel
              let grid = NeighbourGrid(
                type, scale: Double(nearest.channelScales?[channel] ?? 1),
                bytes, first: range.lowerBound)
              grid.balance(
                UnsafeBufferPointer(rebasing: values[range]),
                UnsafeBufferPointer(rebasing: rounded[range]), means)
            }
          }
        }
      }
    }
    let result = TensorData(dtype: type, shape: shape, bytes: bytes)
    return nearest.channelScales.map { result.scaled(byChannel: $0) } ?? result
  }
}

/// The bytes of one channel in a narrow type, and which value is next to which.
private struct NeighbourGrid {
  private let type: DType
  private let scale: Double
  private let bytes: UnsafeMutableBufferPointer<UInt8>
  private let first: Int

  /// A value on the other side, and what taking it does.
  private struct Flip {
    let position: Int
    let bits: UInt16
    /// What it adds to the mean output.
    let effect: Double
    /// What it adds to the squared error of the weights, per effect.
    let price: Double
  }

  init(
    _ type: DType, scale: Double, _ bytes: UnsafeMutableBufferPointer<UInt8>, first: Int
  ) {
    (self.type, self.scale, self.bytes, self.first) = (type, scale, bytes, first)
  }

  /// Takes values on the other side until the mean output is what it was.
  func balance(
    _ values: UnsafeBufferPointer<Float>, _ rounded: UnsafeBufferPointer<Float>,
    _ means: UnsafeBufferPointer<Double>
  ) {
    var error = 0.0
    for position in values.indices {
      error += (Double(rounded[position]) - Double(values[position])) * means[position]
    }
    var flips: [Flip] = []
    for position in values.indices {
      // A step goes against the difference; it has to bring the error nearer to zero.
      let difference = Double(rounded[position]) - Double(values[position])
      guard difference * means[position] * error > 0 else { continue }
      guard let bits = neighbour(of: bits(position), isLarger: difference < 0) else { continue }
      let step = value(bits) - Double(rounded[position])
      // Far from the middle the other side costs too much.
      guard abs(difference) > 0.35 * abs(step) else { continue }
      let cost = (step + difference) * (step + difference) - difference * difference
      let effect = step * means[position]
      flips.append(
        Flip(position: position, bits: bits, effect: effect, price: cost / abs(effect)))
    }
    for flip in flips.sorted(by: { ($0.price, $0.position) < ($1.price, $1.position) })
    where abs(error + flip.effect) < abs(error) {
      error += flip.effect
      store(flip.bits, at: flip.position)
    }
  }

  /// The bits of an element; an integer is extended with its sign.
  private func bits(_ position: Int) -> UInt16 {
    let index = first + position
    return type == .int8
      ? UInt16(bitPattern: Int16(Int8(bitPattern: bytes[index])))
      : UInt16(bytes[2 * index]) | UInt16(bytes[2 * index + 1]) << 8
  }

  private func store(_ bits: UInt16, at position: Int) {
    let index = first + position
    if type == .int8 {
      bytes[index] = UInt8(truncatingIfNeeded: bits)
    } else {
      bytes[2 * index] = UInt8(truncatingIfNeeded: bits)
      bytes[2 * index + 1] = UInt8(bits >> 8)
    }
  }

  /// What bits stand for.
  private func value(_ bits: UInt16) -> Double {
    switch type {
    case .int8: Double(Int16(bitPattern: bits)) * scale
    case .float16: Double(Float(halfBits: bits))
    default: Double(Float(bfloat16Bits: bits))
    }
  }

  /// The next value in one direction; `nil` where there is none.
  private func neighbour(of bits: UInt16, isLarger: Bool) -> UInt16? {
    if type == .int8 {
      let next = Int16(bitPattern: bits) + (isLarger ? 1 : -1)
      return abs(next) <= 127 ? UInt16(bitPattern: next) : nil
    }
    // Sign and magnitude: away from zero is one bit pattern more.
    if bits & 0x7FFF == 0 { return isLarger ? 1 : 0x8001 }
    let isNegative = bits & 0x8000 != 0
    let next = isLarger != isNegative ? bits + 1 : bits - 1
    let infinity: UInt16 = type == .float16 ? 0x7C00 : 0x7F80
    return next & 0x7FFF < infinity ? next : nil
  }
}

import KernelSet
import Tensors

extension LayerRun {
  /// A norm of groups of channels over each image, and perhaps a ReLU.
  ///
  /// Sums are made of pieces of the same pixels for any number of threads, and added in one order: so are the bits.
  func groupNorm(
    _ input: UnsafePointer<Float>, groups: Int, epsilon: Double, rectifies: Bool,
    output: UnsafeMutablePointer<Float>
  ) {
    guard let scale = constants.scale, let shift = constants.shift else { return }
    let channels = scale.count
    let images = outputShape[0]
    let pixels = outputShape.elementCount / channels / images
    let perPiece = max(Self.pieceElements / channels, 1)
    let pieces = (pixels + perPiece - 1) / perPiece
    let factors = AlignedFloats(count: images * channels)
    let offsets = AlignedFloats(count: images * channels)
    let length = 2 * channels
    withUnsafeTemporaryAllocation(of: Double.self, capacity: images * pieces * length) { moments in
      guard let moments = moments.baseAddress else { return }
      pool.run(images * pieces) { index, _ in
        let (image, piece) = index.quotientAndRemainder(dividingBy: pieces)
        let start = input + image * pixels * channels
        let sums = moments + index * length
        sums.initialize(repeating: 0, count: length)
        kernels.addMoments(
          start + piece * perPiece * channels, pivot: start,
          pixels: min(perPiece, pixels - piece * perPiece), channels: channels, sums: sums,
          squares: sums + channels)
      }
      for image in 0..<images {
        GroupMoments(
          moments + image * pieces * length, pieces: pieces,
          pivot: input + image * pixels * channels,
          pixels: pixels, channels: channels
        ).forEachGroup(of: max(channels / max(groups, 1), 1)) { group, mean, variance in
          let deviation = (variance + epsilon).squareRoot()
          for channel in group {
            let factor = Double(scale.pointer[channel]) / deviation
            let place = image * channels + channel
            factors.pointer[place] = Float(factor)
            offsets.pointer[place] = Float(Double(shift.pointer[channel]) - mean * factor)
          }
        }
      }
    }
    pool.run(images * pieces) { index, _ in
      let (image, piece) = index.quotientAndRemainder(dividingBy: pieces)
      let start = (image * pixels + piece * perPiece) * channels
      kernels.affine(
        input + start, scale: factors.pointer + image * channels,
        shift: offsets.pointer + image * channels, rectifies: rectifies, output: output + start,
        pixels: min(perPiece, pixels - piece * perPiece), channels: channels)
    }
  }

  /// The values of a piece: few enough to stay in the second-level cache.
  private static let pieceElements = 1 << 15
}

/// The sums of one image's channels, put together to the moments of groups of them.
///
/// Chan, Golub and LeVeque, 1983: the variance of a group is that of its channels and that of their means, which loses nothing where
/// means are large.
private struct GroupMoments {
  private let mean: [Double]
  private let squares: [Double]
  private let pixels: Double

  /// - Parameter moments: for each piece the sums of all channels above the pivot, then those of their squares.
  init(
    _ moments: UnsafePointer<Double>, pieces: Int, pivot: UnsafePointer<Float>, pixels: Int,
    channels: Int
  ) {
    var (mean, squares) = (
      [Double](repeating: 0, count: channels), [Double](repeating: 0, count: channels)
    )
    for piece in 0..<pieces {
      let sums = moments + piece * 2 * channels
      for channel in 0..<channels {
        mean[channel] += sums[channel]
        squares[channel] += sums[channels + channel]
      }
    }
    for channel in 0..<channels {
      let above = mean[channel] / Double(pixels)
      let sum = squares[channel] - above * mean[channel]
      // Rounding may leave less than nothing; what is not a number stays so.
      squares[channel] = sum < 0 ? 0 : sum
      mean[channel] = Double(pivot[channel]) + above
    }
    (self.mean, self.squares, self.pixels) = (mean, squares, Double(pixels))
  }

  /// Gives the mean and the biased variance of each group; channels that do not divide evenly leave a smaller last one.
  func forEachGroup(
    of size: Int, _ body: (_ group: Range<Int>, _ mean: Double, _ variance: Double) -> Void
  ) {
    for start in stride(from: 0, to: mean.count, by: size) {
      let group = start..<min(start + size, mean.count)
      let average = mean[group].reduce(0, +) / Double(group.count)
      let sum = group.reduce(0.0) { sum, channel in
        let distance = mean[channel] - average
        return sum + squares[channel] + pixels * distance * distance
      }
      body(group, average, sum / (pixels * Double(group.count)))
    }
  }
}

package import Families

extension PixelImage {
  /// The image with another number of pixels, to the last bit as Pillow's `Image.resize` makes it.
  ///
  /// Linear and cubic filters widen where the image shrinks, so that every pixel counts. Rows are done
  /// first, then columns, or the other way round where that is less work by Pillow 13's rule; between the
  /// two, values are rounded to 8 bits. Earlier versions of Pillow always do rows first, and may differ
  /// by one.
  ///
  /// - Precondition: both sides are positive.
  package func resized(
    width: Int, height: Int, filter: Preprocessing.Resize.Filter
  ) -> PixelImage {
    precondition(width > 0 && height > 0 && self.width > 0 && self.height > 0)
    if width == self.width, height == self.height { return self }
    guard let kernel = Kernel(filter) else { return nearest(width: width, height: height) }
    let isVerticalFirst = height < self.height && self.height - height > 2 * (self.width - width)
    if isVerticalFirst {
      return resampledColumns(to: height, kernel).resampledRows(to: width, kernel)
    }
    return resampledRows(to: width, kernel).resampledColumns(to: height, kernel)
  }

  private func resampledRows(to width: Int, _ kernel: Kernel) -> PixelImage {
    guard width != self.width else { return self }
    let taps = Taps(from: self.width, to: width, kernel)
    let result = [UInt8](unsafeUninitializedCapacity: width * height * 3) { target, count in
      bytes.withUnsafeBufferPointer { source in
        for row in 0..<height {
          for column in 0..<width {
            let start = (row * self.width + taps.starts[column]) * 3
            for channel in 0..<3 {
              target[(row * width + column) * 3 + channel] = weighted(
                source, from: start + channel, step: 3, taps.weights[column])
            }
          }
        }
      }
      count = width * height * 3
    }
    return PixelImage(width: width, height: height, bytes: result)
  }

  private func resampledColumns(to height: Int, _ kernel: Kernel) -> PixelImage {
    guard height != self.height else { return self }
    let taps = Taps(from: self.height, to: height, kernel)
    let row = width * 3
    let result = [UInt8](unsafeUninitializedCapacity: height * row) { target, count in
      bytes.withUnsafeBufferPointer { source in
        for line in 0..<height {
          for index in 0..<row {
            target[line * row + index] = weighted(
              source, from: taps.starts[line] * row + index, step: row, taps.weights[line])
          }
        }
      }
      count = height * row
    }
    return PixelImage(width: width, height: height, bytes: result)
  }

  /// Takes for each pixel the one that its middle falls into.
  ///
  /// Places are found by adding up, not by multiplying: the rounding is part of what Pillow does.
  private func nearest(width: Int, height: Int) -> PixelImage {
    func places(from source: Int, to target: Int) -> [Int] {
      let step = Double(source) / Double(target)
      var place = step * 0.5
      return (0..<target).map { _ in
        defer { place += step }
        return min(Int(place), source - 1)
      }
    }
    let columns = places(from: self.width, to: width)
    var result: [UInt8] = []
    result.reserveCapacity(width * height * 3)
    for row in places(from: self.height, to: height) {
      for column in columns {
        let start = (row * self.width + column) * 3
        result += bytes[start..<start + 3]
      }
    }
    return PixelImage(width: width, height: height, bytes: result)
  }
}

/// A function by which neighbours are weighted.
private struct Kernel {
  /// How far it reaches, in pixels.
  let support: Double
  let weight: (Double) -> Double

  /// `nil` for the filter that weights nothing.
  init?(_ filter: Preprocessing.Resize.Filter) {
    switch filter {
    case .nearest:
      return nil
    case .bilinear:
      support = 1
      weight = { max(1 - abs($0), 0) }
    case .bicubic:
      support = 2
      weight = { x in
        let (a, x) = (-0.5, abs(x))
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
      }
    }
  }
}

/// Which pixels of a line make each new one, and with which weights, in units of 2⁻²².
private struct Taps {
  private(set) var starts: [Int] = []
  private(set) var weights: [[Int]] = []

  static let precision = 22

  init(from source: Int, to target: Int, _ kernel: Kernel) {
    let scale = Double(source) / Double(target)
    let widening = max(scale, 1)
    let support = kernel.support * widening
    for index in 0..<target {
      let center = (Double(index) + 0.5) * scale
      let start = max(Int(center - support + 0.5), 0)
      let end = min(Int(center + support + 0.5), source)
      let raw = (start..<end).map {
        kernel.weight((Double($0) - center + 0.5) * (1 / widening))
      }
      let sum = raw.reduce(0, +)
      starts.append(start)
      weights.append(
        raw.map { weight in
          let scaled = (sum != 0 ? weight / sum : weight) * Double(1 << Self.precision)
          return Int(scaled < 0 ? scaled - 0.5 : scaled + 0.5)
        })
    }
  }
}

/// The weighted sum of pixels of one channel, rounded to 8 bits.
@inline(__always)
private func weighted(
  _ source: UnsafeBufferPointer<UInt8>, from start: Int, step: Int, _ weights: [Int]
) -> UInt8 {
  var sum = 1 << (Taps.precision - 1)
  var index = start
  for weight in weights {
    sum += Int(source[index]) * weight
    index += step
  }
  return UInt8(min(max(sum >> Taps.precision, 0), 255))
}

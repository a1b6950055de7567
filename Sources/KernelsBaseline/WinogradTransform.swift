package import CKernelSupport

// Winograd's minimal filtering F(m×m, 3×3): m×m outputs of a 3×3 convolution from (m+2)×(m+2) products instead of 9·m².
//
//   Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A        d: a square of the input, g: the kernel, Y: a square of the output
//
// A. Lavin, S. Gray: Fast Algorithms for Convolutional Neural Networks (2015), arXiv:1509.09308.
//
// The matrices follow from the points at which the polynomials are evaluated: 0, ±1, ∞ for m = 2, and 0, ±√½, ±√2, ∞
// for m = 4. The usual 0, ±1, ±2, ∞ lose five times as much: measured against Double sums over 64 and 256 channels,
// 5e-6 and 1e-5 of the largest output, and these 1.0e-6 and 1.9e-6, hardly more than a plain sum in float32.

extension Kernels {
  /// Transforms some squares of the input: V = Bᵀ d B for each vector of channels.
  ///
  /// - Parameters:
  ///   - squares: counted over all images.
  ///   - pixels: room for 36 addresses.
  package static func transformInput(
    _ work: UnsafePointer<RNWWinograd>, squares: Range<Int>,
    pixels: UnsafeMutablePointer<UnsafePointer<Float>>
  ) {
    let side = work.pointee.outputs + 2
    let channels = work.pointee.layer.inputChannels
    let step = wholeVectors(channels)
    for square in squares {
      findSquare(work.pointee, square, pixels)
      let target = work.pointee.inputs + (square - work.pointee.firstSquare) * step
      var channel = 0
      while channel < channels {
        let isWhole = channel + lanes <= channels
        if side == 6, isWhole {
          transformSix(target + channel, step: work.pointee.inputStep) {
            load(pixels[$0] + channel)
          }
        } else if side == 6 {
          transformSix(target + channel, step: work.pointee.inputStep) {
            load(pixels[$0] + channel, count: channels - channel)
          }
        } else {
          transformFour(target + channel, step: work.pointee.inputStep) {
            isWhole
              ? load(pixels[$0] + channel) : load(pixels[$0] + channel, count: channels - channel)
          }
        }
        channel += lanes
      }
    }
  }

  /// Transforms some squares of products back, Y = Aᵀ M A, finishes and stores them.
  ///
  /// - Parameter squares: counted over all images.
  /// - Returns: whether all outputs are finite. What is not is worth less here than in a plain sum,
  ///   because it spoils the whole square.
  package static func transformOutput(_ work: UnsafePointer<RNWWinograd>, squares: Range<Int>)
    -> Bool
  {
    let layer = work.pointee.layer
    let step = wholeVectors(layer.outputChannels)
    var check = Vector(repeating: 0)
    for square in squares {
      let target = OutputSquare(work.pointee, square)
      let products = work.pointee.products + (square - work.pointee.firstSquare) * step
      var channel = 0
      while channel < layer.outputChannels {
        let values = products + channel
        let sum =
          work.pointee.outputs == 4
          ? transformSixBack(values, step: work.pointee.productStep)
          : transformFourBack(values, step: work.pointee.productStep)
        check = multiplyAdd(check, sum, Vector(repeating: 0))
        target.finish(values, step: work.pointee.productStep, channel: channel, layer)
        channel += lanes
      }
    }
    for lane in 0..<lanes where check[lane] != 0 { return false }
    return true
  }
}

// MARK: - Squares

@inline(__always)
private func transformSix(
  _ target: UnsafeMutablePointer<Float>, step: Int, _ pixel: (Int) -> Vector
) {
  @inline(__always)
  func column(_ x: Int) -> Six {
    Six(
      v0: pixel(x), v1: pixel(6 + x), v2: pixel(12 + x), v3: pixel(18 + x), v4: pixel(24 + x),
      v5: pixel(30 + x)
    ).inputTransformed
  }
  let (c0, c1, c2, c3, c4, c5) = (column(0), column(1), column(2), column(3), column(4), column(5))
  @inline(__always)
  func storeRow(_ row: Int, _ values: Six) {
    let values = values.inputTransformed
    let target = target + row * 6 * step
    store(values.v0, target)
    store(values.v1, target + step)
    store(values.v2, target + 2 * step)
    store(values.v3, target + 3 * step)
    store(values.v4, target + 4 * step)
    store(values.v5, target + 5 * step)
  }
  storeRow(0, Six(v0: c0.v0, v1: c1.v0, v2: c2.v0, v3: c3.v0, v4: c4.v0, v5: c5.v0))
  storeRow(1, Six(v0: c0.v1, v1: c1.v1, v2: c2.v1, v3: c3.v1, v4: c4.v1, v5: c5.v1))
  storeRow(2, Six(v0: c0.v2, v1: c1.v2, v2: c2.v2, v3: c3.v2, v4: c4.v2, v5: c5.v2))
  storeRow(3, Six(v0: c0.v3, v1: c1.v3, v2: c2.v3, v3: c3.v3, v4: c4.v3, v5: c5.v3))
  storeRow(4, Six(v0: c0.v4, v1: c1.v4, v2: c2.v4, v3: c3.v4, v4: c4.v4, v5: c5.v4))
  storeRow(5, Six(v0: c0.v5, v1: c1.v5, v2: c2.v5, v3: c3.v5, v4: c4.v5, v5: c5.v5))
}

@inline(__always)
private func transformFour(
  _ target: UnsafeMutablePointer<Float>, step: Int, _ pixel: (Int) -> Vector
) {
  @inline(__always)
  func column(_ x: Int) -> Four {
    Four(v0: pixel(x), v1: pixel(4 + x), v2: pixel(8 + x), v3: pixel(12 + x)).inputTransformed
  }
  let (c0, c1, c2, c3) = (column(0), column(1), column(2), column(3))
  @inline(__always)
  func storeRow(_ row: Int, _ values: Four) {
    let values = values.inputTransformed
    let target = target + row * 4 * step
    store(values.v0, target)
    store(values.v1, target + step)
    store(values.v2, target + 2 * step)
    store(values.v3, target + 3 * step)
  }
  storeRow(0, Four(v0: c0.v0, v1: c1.v0, v2: c2.v0, v3: c3.v0))
  storeRow(1, Four(v0: c0.v1, v1: c1.v1, v2: c2.v1, v3: c3.v1))
  storeRow(2, Four(v0: c0.v2, v1: c1.v2, v2: c2.v2, v3: c3.v2))
  storeRow(3, Four(v0: c0.v3, v1: c1.v3, v2: c2.v3, v3: c3.v3))
}

/// Where the outputs of a square go; those outside the image go nowhere.
private struct OutputSquare {
  private let place, rowStride, rows, columns, outputs: Int

  init(_ work: RNWWinograd, _ square: Int) {
    let layer = work.layer
    let perImage = work.across * work.down
    let top = (square % perImage) / work.across * work.outputs
    let left = square % work.across * work.outputs
    outputs = work.outputs
    rowStride = layer.outputWidth * layer.outputStride
    let image = square / perImage
    place =
      (image * layer.outputHeight + top) * rowStride + left * layer.outputStride
    rows = min(work.outputs, layer.outputHeight - top)
    columns = min(work.outputs, layer.outputWidth - left)
  }

  /// Finishes and stores a vector of channels of all outputs, which lie `step` floats apart.
  @inline(__always)
  func finish(
    _ values: UnsafePointer<Float>, step: Int, channel: Int, _ layer: RNWConvolution
  ) {
    let isWhole = channel + lanes <= layer.outputChannels
    for row in 0..<rows {
      var value = values + row * outputs * step
      var place = place + row * rowStride + channel
      for _ in 0..<columns {
        if isWhole {
          layer.epilogue.finish(load(value), channel: channel, place: place)
        } else {
          layer.epilogue.finish(
            load(value), count: layer.outputChannels - channel, channel: channel, place: place)
        }
        value += step
        place += layer.outputStride
      }
    }
  }
}

/// Puts the outputs of a square in place of its first products.
///
/// - Returns: the sum of the outputs, which is not finite if one of them is not.
@inline(__always)
private func transformSixBack(_ values: UnsafeMutablePointer<Float>, step: Int) -> Vector {
  @inline(__always)
  func column(_ x: Int) -> Four {
    let source = values + x * step
    return Six(
      v0: load(source), v1: load(source + 6 * step), v2: load(source + 12 * step),
      v3: load(source + 18 * step), v4: load(source + 24 * step), v5: load(source + 30 * step)
    ).outputTransformed
  }
  let (c0, c1, c2, c3, c4, c5) = (column(0), column(1), column(2), column(3), column(4), column(5))
  @inline(__always)
  func storeRow(_ row: Int, _ sums: Six) -> Vector {
    let sums = sums.outputTransformed
    let target = values + row * 4 * step
    store(sums.v0, target)
    store(sums.v1, target + step)
    store(sums.v2, target + 2 * step)
    store(sums.v3, target + 3 * step)
    return (sums.v0 + sums.v1) + (sums.v2 + sums.v3)
  }
  return
    (storeRow(0, Six(v0: c0.v0, v1: c1.v0, v2: c2.v0, v3: c3.v0, v4: c4.v0, v5: c5.v0))
    + storeRow(1, Six(v0: c0.v1, v1: c1.v1, v2: c2.v1, v3: c3.v1, v4: c4.v1, v5: c5.v1)))
    + (storeRow(2, Six(v0: c0.v2, v1: c1.v2, v2: c2.v2, v3: c3.v2, v4: c4.v2, v5: c5.v2))
      + storeRow(3, Six(v0: c0.v3, v1: c1.v3, v2: c2.v3, v3: c3.v3, v4: c4.v3, v5: c5.v3)))
}

/// ``transformSixBack(_:step:)`` for m = 2.
@inline(__always)
private func transformFourBack(_ values: UnsafeMutablePointer<Float>, step: Int) -> Vector {
  @inline(__always)
  func column(_ x: Int) -> (Vector, Vector) {
    let source = values + x * step
    return Four(
      v0: load(source), v1: load(source + 4 * step), v2: load(source + 8 * step),
      v3: load(source + 12 * step)
    ).outputTransformed
  }
  let (c0, c1, c2, c3) = (column(0), column(1), column(2), column(3))
  @inline(__always)
  func storeRow(_ row: Int, _ sums: Four) -> Vector {
    let (first, second) = sums.outputTransformed
    store(first, values + row * 2 * step)
    store(second, values + (row * 2 + 1) * step)
    return first + second
  }
  return storeRow(0, Four(v0: c0.0, v1: c1.0, v2: c2.0, v3: c3.0))
    + storeRow(1, Four(v0: c0.1, v1: c1.1, v2: c2.1, v3: c3.1))
}

// MARK: - Rows and columns

/// √½ and √2, the finite points of F(4×4, 3×3) besides 0.
@inline(__always)
private var near: Float { 0.707_106_781_186_547_5 }
@inline(__always)
private var far: Float { 1.414_213_562_373_095 }

/// Values in a row or column of a square, a vector of channels each.
private struct Six {
  var v0, v1, v2, v3, v4, v5: Vector

  /// Bᵀ v for m = 4.
  @inline(__always)
  var inputTransformed: Six {
    // p(x) = x⁴ − 2.5x² + 1 has the roots ±√½ and ±√2.
    let nearEven = multiplyAdd(v4, v2, Vector(repeating: -2))
    let nearOdd = multiplyAdd(v3, v1, Vector(repeating: -2))
    let farEven = multiplyAdd(v4, v2, Vector(repeating: -0.5))
    let farOdd = multiplyAdd(v3, v1, Vector(repeating: -0.5))
    return Six(
      v0: multiplyAdd(v0 + v4, v2, Vector(repeating: -2.5)),
      v1: multiplyAdd(nearEven, nearOdd, Vector(repeating: near)),
      v2: multiplyAdd(nearEven, nearOdd, Vector(repeating: -near)),
      v3: multiplyAdd(farEven, farOdd, Vector(repeating: far)),
      v4: multiplyAdd(farEven, farOdd, Vector(repeating: -far)),
      v5: multiplyAdd(v1 + v5, v3, Vector(repeating: -2.5)))
  }

  /// Aᵀ v for m = 4.
  @inline(__always)
  var outputTransformed: Four {
    let (nearSum, nearDifference) = (v1 + v2, v1 - v2)
    let (farSum, farDifference) = (v3 + v4, v3 - v4)
    let scaledNear = nearDifference * near
    let scaledFar = farDifference * far
    return Four(
      v0: v0 + nearSum + farSum,
      v1: scaledNear + scaledFar,
      v2: multiplyAdd(nearSum * 0.5, farSum, Vector(repeating: 2)),
      v3: multiplyAdd(
        multiplyAdd(v5, scaledNear, Vector(repeating: 0.5)), scaledFar, Vector(repeating: 2)))
  }
}

/// Values in a row or column of a square, a vector of channels each.
private struct Four {
  var v0, v1, v2, v3: Vector

  /// Bᵀ v for m = 2.
  @inline(__always)
  var inputTransformed: Four {
    Four(v0: v0 - v2, v1: v1 + v2, v2: v2 - v1, v3: v3 - v1)
  }

  /// Aᵀ v for m = 2.
  @inline(__always)
  var outputTransformed: (Vector, Vector) {
    (v0 + v1 + v2, v1 - v2 + v3)
  }
}

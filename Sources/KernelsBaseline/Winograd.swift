package import CKernelSupport

/// Transforms some squares of the input: V = Bᵀ d B for each vector of channels.
///
/// - Parameters:
///   - squares: counted over all images.
///   - pixels: room for 36 addresses.
package func transformInput(
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
        transformSix(target + channel, step: work.pointee.inputStep) { load(pixels[$0] + channel) }
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

/// Multiplies transformed inputs and weights: for each position, [squares, input channels] times
/// [input channels, output channels].
///
/// - Parameters:
///   - squares: counted from the first in the buffers.
///   - pixels: room for ``tileRows`` addresses.
package func multiplyTransformed(
  _ work: UnsafePointer<RNWWinograd>, position: Int, squares: Range<Int>,
  pixels: UnsafeMutablePointer<UnsafePointer<Float>>
) {
  let layer = work.pointee.layer
  let (channels, outputChannels) = (layer.inputChannels, layer.outputChannels)
  let inputs = work.pointee.inputs + position * work.pointee.inputStep
  let products = work.pointee.products + position * work.pointee.productStep
  let (inputWidth, outputWidth) = (wholeVectors(channels), wholeVectors(outputChannels))
  let weights = layer.weights + position * channels * outputWidth
  let groups = (squares.count + tileRows - 1) / tileRows
  var tile = Tile(
    pixels: pixels, channels: channels, sums: products, epilogue: Epilogue(layer))
  tile.step = outputWidth
  for panel in 0..<panelCount(outputChannels: outputChannels) {
    tile.vectors = width(ofPanel: panel, outputChannels: outputChannels) / lanes
    tile.weights = weights + panel * panelWidth * channels
    var first = squares.lowerBound
    // Equal groups: a last one of a single row would cost as much as a full one.
    for group in 0..<groups {
      let end = squares.lowerBound + squares.count * (group + 1) / groups
      tile.rows = end - first
      tile.ahead = prefetchDistance(group: group, of: groups, panel: panelWidth * channels)
      tile.sums = products + first * outputWidth + panel * panelWidth
      for row in 0..<tile.rows { pixels[row] = UnsafePointer(inputs) + (first + row) * inputWidth }
      multiply(tile)
      first = end
    }
  }
}

/// How far ahead of the weights in use a group of pixels asks for weights.
///
/// Where only a few groups go over a panel, it comes from memory, and the first would wait for every
/// line of it. The groups after the first therefore ask for the next panel, which lies behind this one.
@inline(__always)
private func prefetchDistance(group: Int, of groups: Int, panel: Int) -> Int {
  // Two lines of 16 floats with each of the panel's rows of four lines: two groups ask for it all.
  (1...2).contains(group) && groups <= 3 ? panel + (group - 1) * 32 : 0
}

/// Transforms some squares of products back, Y = Aᵀ M A, finishes and stores them.
///
/// - Parameter squares: counted over all images.
/// - Returns: whether all outputs are finite. What is not is worth less here than in a plain sum,
///   because it spoils the whole square.
package func transformOutput(_ work: UnsafePointer<RNWWinograd>, squares: Range<Int>) -> Bool {
  let layer = work.pointee.layer
  let step = wholeVectors(layer.outputChannels)
  let epilogue = Epilogue(layer)
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
      target.finish(values, step: work.pointee.productStep, channel: channel, epilogue)
      channel += lanes
    }
  }
  for lane in 0..<lanes where check[lane] != 0 { return false }
  return true
}

// MARK: - Input

/// The number of floats of so many channels, filled up to whole vectors.
@inline(__always)
package func wholeVectors(_ channels: Int) -> Int {
  (channels + lanes - 1) / lanes * lanes
}

/// Finds the pixels of a square of the input; outside the image lie zeros.
private func findSquare(
  _ work: RNWWinograd, _ square: Int, _ pixels: UnsafeMutablePointer<UnsafePointer<Float>>
) {
  let layer = work.layer
  let perImage = work.across * work.down
  let image = square / perImage
  let (row, column) = ((square % perImage) / work.across, square % work.across)
  let top = row * work.outputs - layer.padding
  let left = column * work.outputs - layer.padding
  let base = layer.input + image * layer.height * layer.width * layer.pixelStride
  let side = work.outputs + 2
  for y in 0..<side {
    for x in 0..<side {
      let (inputY, inputX) = (top + y, left + x)
      let isInside = inputY >= 0 && inputY < layer.height && inputX >= 0 && inputX < layer.width
      pixels[y * side + x] =
        isInside ? base + (inputY * layer.width + inputX) * layer.pixelStride : layer.zeros
    }
  }
}

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

// MARK: - Output

/// Where the outputs of a square go; those outside the image go nowhere.
private struct OutputSquare {
  private let place, rowStride, rows, columns, outputs: Int

  init(_ work: RNWWinograd, _ square: Int) {
    let layer = work.layer
    let perImage = work.across * work.down
    let top = (square % perImage) / work.across * work.outputs
    let left = square % work.across * work.outputs
    outputs = work.outputs
    rowStride = layer.outputWidth * layer.outputChannels
    let image = square / perImage
    place =
      (image * layer.outputHeight + top) * rowStride + left * layer.outputChannels
    rows = min(work.outputs, layer.outputHeight - top)
    columns = min(work.outputs, layer.outputWidth - left)
  }

  /// Finishes and stores a vector of channels of all outputs, which lie `step` floats apart.
  @inline(__always)
  func finish(
    _ values: UnsafePointer<Float>, step: Int, channel: Int, _ epilogue: Epilogue
  ) {
    let isWhole = channel + lanes <= epilogue.channels
    for row in 0..<rows {
      var value = values + row * outputs * step
      var place = place + row * rowStride + channel
      for _ in 0..<columns {
        if isWhole {
          epilogue.finish(load(value), channel: channel, place: place)
        } else {
          epilogue.finish(
            load(value), count: epilogue.channels - channel, channel: channel, place: place)
        }
        value += step
        place += epilogue.channels
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

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
      tile.sums = products + first * outputWidth + panel * panelWidth
      for row in 0..<tile.rows { pixels[row] = UnsafePointer(inputs) + (first + row) * inputWidth }
      multiply(tile)
      first = end
    }
  }
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
    let target = OutputSquare(work.pointee, square, epilogue)
    let source = work.pointee.products + (square - work.pointee.firstSquare) * step
    var channel = 0
    while channel < layer.outputChannels {
      let sum =
        work.pointee.outputs == 4
        ? finishSix(source + channel, step: work.pointee.productStep, target, channel)
        : finishFour(source + channel, step: work.pointee.productStep, target, channel)
      check = multiplyAdd(check, sum, Vector(repeating: 0))
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
  private let epilogue: Epilogue
  private let place, rowStride, rows, columns: Int

  init(_ work: RNWWinograd, _ square: Int, _ epilogue: Epilogue) {
    let layer = work.layer
    let perImage = work.across * work.down
    let top = (square % perImage) / work.across * work.outputs
    let left = square % work.across * work.outputs
    self.epilogue = epilogue
    rowStride = layer.outputWidth * layer.outputChannels
    let image = square / perImage
    place =
      (image * layer.outputHeight + top) * rowStride + left * layer.outputChannels
    rows = min(work.outputs, layer.outputHeight - top)
    columns = min(work.outputs, layer.outputWidth - left)
  }

  @inline(__always)
  func finish(_ value: Vector, row: Int, column: Int, channel: Int) {
    guard row < rows, column < columns else { return }
    let place = place + row * rowStride + column * epilogue.channels + channel
    if channel + lanes <= epilogue.channels {
      epilogue.finish(value, channel: channel, place: place)
    } else {
      epilogue.finish(value, count: epilogue.channels - channel, channel: channel, place: place)
    }
  }
}

/// - Returns: the sum of the outputs, which is not finite if one of them is not.
@inline(__always)
private func finishSix(
  _ source: UnsafePointer<Float>, step: Int, _ target: OutputSquare, _ channel: Int
) -> Vector {
  @inline(__always)
  func column(_ x: Int) -> Four {
    let source = source + x * step
    return Six(
      v0: load(source), v1: load(source + 6 * step), v2: load(source + 12 * step),
      v3: load(source + 18 * step), v4: load(source + 24 * step), v5: load(source + 30 * step)
    ).outputTransformed
  }
  let (c0, c1, c2, c3, c4, c5) = (column(0), column(1), column(2), column(3), column(4), column(5))
  @inline(__always)
  func finishRow(_ row: Int, _ values: Six) -> Vector {
    let values = values.outputTransformed
    target.finish(values.v0, row: row, column: 0, channel: channel)
    target.finish(values.v1, row: row, column: 1, channel: channel)
    target.finish(values.v2, row: row, column: 2, channel: channel)
    target.finish(values.v3, row: row, column: 3, channel: channel)
    return (values.v0 + values.v1) + (values.v2 + values.v3)
  }
  return
    (finishRow(0, Six(v0: c0.v0, v1: c1.v0, v2: c2.v0, v3: c3.v0, v4: c4.v0, v5: c5.v0))
    + finishRow(1, Six(v0: c0.v1, v1: c1.v1, v2: c2.v1, v3: c3.v1, v4: c4.v1, v5: c5.v1)))
    + (finishRow(2, Six(v0: c0.v2, v1: c1.v2, v2: c2.v2, v3: c3.v2, v4: c4.v2, v5: c5.v2))
      + finishRow(3, Six(v0: c0.v3, v1: c1.v3, v2: c2.v3, v3: c3.v3, v4: c4.v3, v5: c5.v3)))
}

@inline(__always)
private func finishFour(
  _ source: UnsafePointer<Float>, step: Int, _ target: OutputSquare, _ channel: Int
) -> Vector {
  @inline(__always)
  func column(_ x: Int) -> (Vector, Vector) {
    let source = source + x * step
    return Four(
      v0: load(source), v1: load(source + 4 * step), v2: load(source + 8 * step),
      v3: load(source + 12 * step)
    ).outputTransformed
  }
  let (c0, c1, c2, c3) = (column(0), column(1), column(2), column(3))
  @inline(__always)
  func finishRow(_ row: Int, _ values: Four) -> Vector {
    let (first, second) = values.outputTransformed
    target.finish(first, row: row, column: 0, channel: channel)
    target.finish(second, row: row, column: 1, channel: channel)
    return first + second
  }
  return finishRow(0, Four(v0: c0.0, v1: c1.0, v2: c2.0, v3: c3.0))
    + finishRow(1, Four(v0: c0.1, v1: c1.1, v2: c2.1, v3: c3.1))
}

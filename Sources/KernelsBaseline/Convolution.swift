package import CKernelSupport

/// The number of panels that the output channels need.
package func panelCount(outputChannels: Int) -> Int {
  (outputChannels + panelWidth - 1) / panelWidth
}

/// The width of a panel: the last one is as many vectors as are left.
func width(ofPanel panel: Int, outputChannels: Int) -> Int {
  let left = min(outputChannels - panel * panelWidth, panelWidth)
  return (left + lanes - 1) / lanes * lanes
}

/// The number of floats of packed weights.
package func packedCount(outputChannels: Int, inputChannels: Int, taps: Int) -> Int {
  (outputChannels + lanes - 1) / lanes * lanes * inputChannels * taps
}

/// The number of floats that ``convolve(_:panels:tiles:panelsInside:sums:pixels:)`` needs for sums.
package func sumCount(tiles: Int) -> Int {
  tiles * tileRows * panelWidth
}

/// Packs one panel of weights from OIHW: [tap][input][panel width], with zeros where channels end.
package func packPanel(
  _ panel: Int, _ source: UnsafePointer<Float>, outputChannels: Int, inputChannels: Int, taps: Int,
  to packed: UnsafeMutablePointer<Float>
) {
  let width = width(ofPanel: panel, outputChannels: outputChannels)
  let start = panel * panelWidth
  let target = packed + start * inputChannels * taps
  let valid = min(outputChannels - start, width)
  for lane in 0..<width {
    let filter = source + (start + lane) * inputChannels * taps
    for tap in 0..<taps {
      var place = target + tap * inputChannels * width + lane
      if lane < valid {
        for channel in 0..<inputChannels {
          place.pointee = filter[channel * taps + tap]
          place += width
        }
      } else {
        for _ in 0..<inputChannels {
          place.pointee = 0
          place += width
        }
      }
    }
  }
}

/// Computes the tiles of some panels of a convolution.
///
/// Every output is computed by one call alone, so the result
/// does not depend on how the work is divided.
///
/// - Parameters:
///   - panelsInside: whether a tile passes through all panels before the next tile; right while the packed
///     weights fit in the cache.
///   - sums: ``sumCount(tiles:)`` floats; one tile is enough where a panel is a single block of taps.
///   - pixels: room for `kernel² · tileRows` addresses.
package func convolve(
  _ work: UnsafePointer<RNWConvolution>, panels: Range<Int>, tiles: Range<Int>, panelsInside: Bool,
  sums: UnsafeMutablePointer<Float>, pixels: UnsafeMutablePointer<UnsafePointer<Float>>
) {
  let taps = work.pointee.kernelHeight * work.pointee.kernelWidth
  let block = min(work.pointee.tapsPerBlock, taps)
  if panelsInside, block == taps {
    convolveThroughPanels(
      work, panels: panels, tiles: tiles, taps: taps, sums: sums, pixels: pixels)
    return
  }
  for panel in panels {
    var first = 0
    while first < taps {
      let range = first..<min(first + block, taps)
      for tile in tiles {
        let tileSums =
          block == taps ? sums : sums + (tile - tiles.lowerBound) * tileRows * panelWidth
        findPixels(work, tile: tile, taps: range, pixels)
        multiply(work, panel: panel, taps: range, pixels, sums: tileSums, isFirst: first == 0)
        if range.upperBound == taps { finish(work, panel: panel, tile: tile, sums: tileSums) }
      }
      first = range.upperBound
    }
  }
}

/// The tiles that pass through one panel before the next, where a tile's pixels are found at once:
/// the panel then stays in the first-level cache.
@inline(__always)
private var groupedTiles: Int { 16 }

/// Takes a few tiles at a time through all panels.
private func convolveThroughPanels(
  _ work: UnsafePointer<RNWConvolution>, panels: Range<Int>, tiles: Range<Int>, taps: Int,
  sums: UnsafeMutablePointer<Float>, pixels: UnsafeMutablePointer<UnsafePointer<Float>>
) {
  guard taps == 1 else {
    for tile in tiles {
      findPixels(work, tile: tile, taps: 0..<taps, pixels)
      for panel in panels {
        multiply(work, panel: panel, taps: 0..<taps, pixels, sums: sums, isFirst: true)
        finish(work, panel: panel, tile: tile, sums: sums)
      }
    }
    return
  }
  var first = tiles.lowerBound
  while first < tiles.upperBound {
    let group = first..<min(first + groupedTiles, tiles.upperBound)
    for panel in panels {
      for tile in group {
        findPixels(work, tile: tile, taps: 0..<1, pixels)
        multiply(work, panel: panel, taps: 0..<1, pixels, sums: sums, isFirst: true)
        finish(work, panel: panel, tile: tile, sums: sums)
      }
    }
    first = group.upperBound
  }
}

/// Finds where the input of each pixel of a tile lies under each tap; outside the image lie zeros.
private func findPixels(
  _ work: UnsafePointer<RNWConvolution>, tile: Int, taps: Range<Int>,
  _ pixels: UnsafeMutablePointer<UnsafePointer<Float>>
) {
  let layer = work.pointee
  let perImage = layer.outputHeight * layer.outputWidth
  let last = layer.images * perImage - 1
  let isPointwise = layer.kernelHeight == 1 && layer.kernelWidth == 1
  if isPointwise, layer.stride == 1, layer.padding == 0 {
    for row in 0..<tileRows {
      pixels[row] = layer.input + min(tile * tileRows + row, last) * layer.pixelStride
    }
    return
  }
  let first = tile * tileRows
  let image = first / perImage
  var y = (first - image * perImage) / layer.outputWidth
  var x = first - image * perImage - y * layer.outputWidth
  var base = layer.input + image * layer.height * layer.width * layer.pixelStride
  for row in 0..<tileRows {
    findTaps(
      layer, base, top: y * layer.stride - layer.padding, left: x * layer.stride - layer.padding,
      taps: taps, pixels + row)
    // The last tile repeats its last pixel; what is computed twice is stored once.
    guard first + row < last else { continue }
    x += 1
    guard x == layer.outputWidth else { continue }
    x = 0
    y += 1
    guard y == layer.outputHeight else { continue }
    y = 0
    base += layer.height * layer.width * layer.pixelStride
  }
}

/// Finds the input under each tap for one pixel of the output.
@inline(__always)
private func findTaps(
  _ layer: RNWConvolution, _ image: UnsafePointer<Float>, top: Int, left: Int, taps: Range<Int>,
  _ pixels: UnsafeMutablePointer<UnsafePointer<Float>>
) {
  var tapY = taps.lowerBound / layer.kernelWidth
  var tapX = taps.lowerBound - tapY * layer.kernelWidth
  for tap in 0..<taps.count {
    let (inputY, inputX) = (top + tapY, left + tapX)
    let isInside = inputY >= 0 && inputY < layer.height && inputX >= 0 && inputX < layer.width
    pixels[tap * tileRows] =
      isInside ? image + (inputY * layer.width + inputX) * layer.pixelStride : layer.zeros
    tapX += 1
    if tapX == layer.kernelWidth {
      tapX = 0
      tapY += 1
    }
  }
}

/// Does what follows the convolution and stores the pixels of a tile.
private func finish(
  _ work: UnsafePointer<RNWConvolution>, panel: Int, tile: Int, sums: UnsafePointer<Float>
) {
  let outputChannels = work.pointee.outputChannels
  let width = width(ofPanel: panel, outputChannels: outputChannels)
  let start = panel * panelWidth
  let channels = min(outputChannels - start, width)
  let first = tile * tileRows
  let pixels = work.pointee.images * work.pointee.outputHeight * work.pointee.outputWidth
  let rows = min(tileRows, pixels - first)
  let epilogue = Epilogue(work.pointee)
  var channel = 0
  while channel + lanes <= channels {
    epilogue.finishVectors(
      sums + channel, step: width, rows: rows, channel: start + channel,
      place: first * outputChannels + start + channel, stride: outputChannels)
    channel += lanes
  }
  while channel < channels {
    for row in 0..<rows {
      epilogue.finishValue(
        sums[row * width + channel], channel: start + channel,
        place: (first + row) * outputChannels + start + channel)
    }
    channel += 1
  }
}

/// What is done to the sums of a convolution before they are stored.
private struct Epilogue {
  let bias, scale, shift, residual, nextScale, nextShift: UnsafePointer<Float>?
  let output, activated: UnsafeMutablePointer<Float>?
  let rectifies, nextRectifies: Bool

  @inline(__always)
  init(_ work: RNWConvolution) {
    bias = work.bias
    scale = work.scale
    shift = work.shift
    residual = work.residual
    nextScale = work.nextScale
    nextShift = work.nextShift
    output = work.output
    activated = work.activated
    rectifies = work.rectifies != 0
    nextRectifies = work.nextRectifies != 0
  }

  /// Finishes the same vector of channels of all rows, so that what belongs to the channels is
  /// loaded once.
  @inline(__always)
  func finishVectors(
    _ sums: UnsafePointer<Float>, step: Int, rows: Int, channel: Int, place: Int, stride: Int
  ) {
    let zero = Vector(repeating: 0)
    let bias = bias.map { load($0 + channel) } ?? zero
    let scale = scale.map { load($0 + channel) } ?? zero
    let shift = shift.map { load($0 + channel) } ?? zero
    let nextScale = nextScale.map { load($0 + channel) } ?? zero
    let nextShift = nextShift.map { load($0 + channel) } ?? zero
    for row in 0..<rows {
      var value = load(sums + row * step)
      let place = place + row * stride
      if self.bias != nil { value += bias }
      if self.scale != nil { value = multiplyAdd(shift, value, scale) }
      if rectifies { value = rectified(value) }
      if let residual { value = load(residual + place) + value }
      if let output { store(value, output + place) }
      guard let activated else { continue }
      if self.nextScale != nil { value = multiplyAdd(nextShift, value, nextScale) }
      if nextRectifies { value = rectified(value) }
      store(value, activated + place)
    }
  }

  /// Finishes a channel that fills no vector; the same operations give the same bits.
  func finishValue(_ sum: Float, channel: Int, place: Int) {
    var value = sum
    if let bias { value += bias[channel] }
    if let scale, let shift { value = multiplyAdd(shift[channel], value, scale[channel]) }
    if rectifies { value = rectified(value) }
    if let residual { value = residual[place] + value }
    if let output { output[place] = value }
    guard let activated else { return }
    if let nextScale, let nextShift {
      value = multiplyAdd(nextShift[channel], value, nextScale[channel])
    }
    if nextRectifies { value = rectified(value) }
    activated[place] = value
  }
}

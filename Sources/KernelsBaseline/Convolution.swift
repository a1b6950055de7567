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
  let taps = work.pointee.kernel * work.pointee.kernel
  let block = min(work.pointee.tapsPerBlock, taps)
  if panelsInside, block == taps {
    for tile in tiles {
      findPixels(work, tile: tile, taps: 0..<taps, pixels)
      for panel in panels {
        multiply(work, panel: panel, taps: 0..<taps, pixels, sums: sums, isFirst: true)
        finish(work, panel: panel, tile: tile, sums: sums)
      }
    }
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

/// Finds where the input of each pixel of a tile lies under each tap; outside the image lie zeros.
private func findPixels(
  _ work: UnsafePointer<RNWConvolution>, tile: Int, taps: Range<Int>,
  _ pixels: UnsafeMutablePointer<UnsafePointer<Float>>
) {
  let layer = work.pointee
  let perImage = layer.outputHeight * layer.outputWidth
  let last = layer.images * perImage - 1
  if layer.kernel == 1, layer.stride == 1, layer.padding == 0 {
    for row in 0..<tileRows {
      pixels[row] = layer.input + min(tile * tileRows + row, last) * layer.inputChannels
    }
    return
  }
  let first = tile * tileRows
  let image = first / perImage
  var y = (first - image * perImage) / layer.outputWidth
  var x = first - image * perImage - y * layer.outputWidth
  var base = layer.input + image * layer.height * layer.width * layer.inputChannels
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
    base += layer.height * layer.width * layer.inputChannels
  }
}

/// Finds the input under each tap for one pixel of the output.
@inline(__always)
private func findTaps(
  _ layer: RNWConvolution, _ image: UnsafePointer<Float>, top: Int, left: Int, taps: Range<Int>,
  _ pixels: UnsafeMutablePointer<UnsafePointer<Float>>
) {
  var tapY = taps.lowerBound / layer.kernel
  var tapX = taps.lowerBound - tapY * layer.kernel
  for tap in 0..<taps.count {
    let (inputY, inputX) = (top + tapY, left + tapX)
    let isInside = inputY >= 0 && inputY < layer.height && inputX >= 0 && inputX < layer.width
    pixels[tap * tileRows] =
      isInside ? image + (inputY * layer.width + inputX) * layer.inputChannels : layer.zeros
    tapX += 1
    if tapX == layer.kernel {
      tapX = 0
      tapY += 1
    }
  }
}

private func multiply(
  _ work: UnsafePointer<RNWConvolution>, panel: Int, taps: Range<Int>,
  _ pixels: UnsafePointer<UnsafePointer<Float>>, sums: UnsafeMutablePointer<Float>, isFirst: Bool
) {
  let channels = work.pointee.inputChannels
  let allTaps = work.pointee.kernel * work.pointee.kernel
  let width = width(ofPanel: panel, outputChannels: work.pointee.outputChannels)
  let weights =
    work.pointee.weights + panel * panelWidth * channels * allTaps
    + taps.lowerBound * channels * width
  switch width / lanes {
  case 1:
    accumulate(
      Single.self, pixels, taps: taps.count, channels: channels, weights: weights, sums: sums,
      isFirst: isFirst)
  #if AVX512
    case 4:
      accumulate(
        Fourfold.self, pixels, taps: taps.count, channels: channels, weights: weights, sums: sums,
        isFirst: isFirst)
    case 3:
      accumulate(
        Threefold.self, pixels, taps: taps.count, channels: channels, weights: weights, sums: sums,
        isFirst: isFirst)
  #endif
  default:
    accumulate(
      Twofold.self, pixels, taps: taps.count, channels: channels, weights: weights, sums: sums,
      isFirst: isFirst)
  }
}

/// Does what follows the convolution and stores the pixels of a tile.
private func finish(
  _ work: UnsafePointer<RNWConvolution>, panel: Int, tile: Int, sums: UnsafePointer<Float>
) {
  let layer = work.pointee
  let width = width(ofPanel: panel, outputChannels: layer.outputChannels)
  let start = panel * panelWidth
  let channels = min(layer.outputChannels - start, width)
  let first = tile * tileRows
  let rows = min(tileRows, layer.images * layer.outputHeight * layer.outputWidth - first)
  for row in 0..<rows {
    let place = (first + row) * layer.outputChannels + start
    let values = sums + row * width
    var channel = 0
    while channel + lanes <= channels {
      finishVector(layer, load(values + channel), channel: start + channel, place: place + channel)
      channel += lanes
    }
    while channel < channels {
      finishValue(layer, values[channel], channel: start + channel, place: place + channel)
      channel += 1
    }
  }
}

@inline(__always)
private func finishVector(_ layer: RNWConvolution, _ sum: Vector, channel: Int, place: Int) {
  var value = sum
  if let bias = layer.bias { value += load(bias + channel) }
  if let scale = layer.scale, let shift = layer.shift {
    value = multiplyAdd(load(shift + channel), value, load(scale + channel))
  }
  if layer.rectifies != 0 { value = rectified(value) }
  if let residual = layer.residual { value = load(residual + place) + value }
  if let output = layer.output { store(value, output + place) }
  guard let activated = layer.activated else { return }
  if let scale = layer.nextScale, let shift = layer.nextShift {
    value = multiplyAdd(load(shift + channel), value, load(scale + channel))
  }
  if layer.nextRectifies != 0 { value = rectified(value) }
  store(value, activated + place)
}

/// The same for a channel that fills no vector; the same operations give the same bits.
private func finishValue(_ layer: RNWConvolution, _ sum: Float, channel: Int, place: Int) {
  var value = sum
  if let bias = layer.bias { value += bias[channel] }
  if let scale = layer.scale, let shift = layer.shift {
    value = multiplyAdd(shift[channel], value, scale[channel])
  }
  if layer.rectifies != 0 { value = rectified(value) }
  if let residual = layer.residual { value = residual[place] + value }
  if let output = layer.output { output[place] = value }
  guard let activated = layer.activated else { return }
  if let scale = layer.nextScale, let shift = layer.nextShift {
    value = multiplyAdd(shift[channel], value, scale[channel])
  }
  if layer.nextRectifies != 0 { value = rectified(value) }
  activated[place] = value
}

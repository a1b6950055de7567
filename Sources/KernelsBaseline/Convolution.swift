package import CKernelSupport

extension Kernels {
  /// The number of panels that the output channels need.
  package static func panelCount(outputChannels: Int) -> Int {
    (outputChannels + panelWidth - 1) / panelWidth
  }
}

/// The width of a panel: the last one is as many vectors as are left.
func width(ofPanel panel: Int, outputChannels: Int) -> Int {
  let left = min(outputChannels - panel * Kernels.panelWidth, Kernels.panelWidth)
  return (left + lanes - 1) / lanes * lanes
}

extension Kernels {
  /// The number of floats of packed weights.
  package static func packedCount(outputChannels: Int, inputChannels: Int, taps: Int) -> Int {
    (outputChannels + lanes - 1) / lanes * lanes * inputChannels * taps
  }

  /// The number of floats that ``convolve(_:panels:tiles:panelsInside:sums:pixels:)`` needs for sums.
  package static func sumCount(tiles: Int) -> Int {
    tiles * tileRows * panelWidth
  }

  /// Packs one panel of weights from OIHW: [tap][input][panel width], with zeros where channels end.
  package static func packPanel(
    _ panel: Int, _ source: UnsafePointer<Float>, outputChannels: Int, inputChannels: Int,
    taps: Int,
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

  /// Computes some pixels of some panels of a convolution.
  ///
  /// Every output is computed by one call alone, and always in the same order, so the result
  /// does not depend on how the work is divided.
  ///
  /// - Parameters:
  ///   - pixels: of the output, counted over all images.
  ///   - panelsInside: whether a tile passes through all panels before the next tile; right while the packed
  ///     weights fit in the cache.
  ///   - sums: ``sumCount(tiles:)`` floats; one tile is enough where a panel is a single block of taps.
  ///   - addresses: room for `kernel² · tileRows` addresses.
  package static func convolve(
    _ work: UnsafePointer<RNWConvolution>, panels: Range<Int>, pixels: Range<Int>,
    panelsInside: Bool, sums: UnsafeMutablePointer<Float>,
    addresses: UnsafeMutablePointer<UnsafePointer<Float>>
  ) {
    let layer = work.pointee
    let taps = layer.kernelHeight * layer.kernelWidth
    let block = min(layer.tapsPerBlock, taps)
    let tiles = Tiles(pixels: pixels)
    var tile = RNWTile()
    tile.channels = layer.inputChannels
    tile.sums = sums
    tile.layer = work
    if panelsInside, block == taps {
      convolveThroughPanels(layer, panels: panels, tiles: tiles, taps: taps, addresses, &tile)
      return
    }
    for panel in panels {
      var first = 0
      while first < taps {
        let range = first..<min(first + block, taps)
        for index in 0..<tiles.count {
          let pixels = tiles[index]
          findPixels(layer, pixels, taps: range, addresses)
          if block < taps { tile.sums = sums + index * tileRows * panelWidth }
          setWeights(&tile, layer, panel: panel, taps: range)
          tile.askAhead(
            index: index, of: tiles.count,
            distance: range.count * tile.channels * tile.vectors * lanes)
          multiply(&tile, layer, pixels, isLast: range.upperBound == taps, addresses)
        }
        first = range.upperBound
      }
    }
  }
}

/// Some pixels, divided into tiles that are as equal as possible: a tile of one pixel takes nearly as
/// long as a full one.
private struct Tiles {
  private let pixels: Range<Int>
  let count: Int

  init(pixels: Range<Int>) {
    self.pixels = pixels
    count = (pixels.count + Kernels.tileRows - 1) / Kernels.tileRows
  }

  subscript(_ index: Int) -> Range<Int> {
    let start = pixels.lowerBound
    return start + pixels.count * index / count..<start + pixels.count * (index + 1) / count
  }
}

/// The tiles that pass through one panel before the next, where a tile's pixels are found at once:
/// the panel then stays in the first-level cache.
@inline(__always)
private var groupedTiles: Int { 16 }

/// Takes a few tiles at a time through all panels.
private func convolveThroughPanels(
  _ layer: RNWConvolution, panels: Range<Int>, tiles: Tiles, taps: Int,
  _ addresses: UnsafeMutablePointer<UnsafePointer<Float>>, _ tile: inout RNWTile
) {
  let group = taps == 1 ? groupedTiles : 1
  var first = 0
  while first < tiles.count {
    let end = min(first + group, tiles.count)
    // After the last panel comes the first again, for the next tiles.
    let toFirst = (1 - panels.count) * taps * tile.channels * Kernels.panelWidth
    for panel in panels {
      for index in first..<end {
        let pixels = tiles[index]
        if taps == 1 || panel == panels.lowerBound {
          findPixels(layer, pixels, taps: 0..<taps, addresses)
        }
        setWeights(&tile, layer, panel: panel, taps: 0..<taps)
        tile.askAhead(
          index: index - first, of: end - first,
          distance: panel + 1 < panels.upperBound
            ? taps * tile.channels * tile.vectors * lanes : toFirst)
        multiply(&tile, layer, pixels, isLast: true, addresses)
      }
    }
    first = end
  }
}

/// Describes the weights of some taps of a panel.
@inline(__always)
private func setWeights(
  _ tile: inout RNWTile, _ layer: RNWConvolution, panel: Int, taps: Range<Int>
) {
  let allTaps = layer.kernelHeight * layer.kernelWidth
  let width = width(ofPanel: panel, outputChannels: layer.outputChannels)
  tile.channel = panel * Kernels.panelWidth
  tile.taps = taps.count
  tile.weights =
    layer.weights + tile.channel * layer.inputChannels * allTaps
    + taps.lowerBound * layer.inputChannels * width
  tile.vectors = width / lanes
  tile.step = width
  tile.isFirst = taps.lowerBound == 0 ? 1 : 0
  let isWhole = tile.channel + width <= layer.outputChannels
  tile.isFinished = taps.upperBound == allTaps && isWhole ? 1 : 0
}

/// Accumulates some pixels of a tile; with the last taps the sums are finished and stored.
@inline(__always)
private func multiply(
  _ tile: inout RNWTile, _ layer: RNWConvolution, _ pixels: Range<Int>, isLast: Bool,
  _ addresses: UnsafePointer<UnsafePointer<Float>>
) {
  tile.rows = pixels.count
  tile.place = pixels.lowerBound * layer.outputStride + tile.channel
  multiply(tile, addresses)
  guard isLast, tile.isFinished == 0, let sums = tile.sums else { return }
  for row in 0..<tile.rows {
    layer.epilogue.finish(
      sums + row * tile.step, count: layer.outputChannels - tile.channel, channel: tile.channel,
      place: tile.place + row * layer.outputStride)
  }
}

/// Finds where the input of each pixel of a tile lies under each tap; outside the image lie zeros.
private func findPixels(
  _ layer: RNWConvolution, _ pixels: Range<Int>, taps: Range<Int>,
  _ addresses: UnsafeMutablePointer<UnsafePointer<Float>>
) {
  let perImage = layer.outputHeight * layer.outputWidth
  let (first, rows) = (pixels.lowerBound, pixels.count)
  let isPointwise = layer.kernelHeight == 1 && layer.kernelWidth == 1
  if isPointwise, layer.stride == 1, layer.top == 0, layer.left == 0 {
    for row in 0..<rows { addresses[row] = layer.input + (first + row) * layer.pixelStride }
    return
  }
  let image = first / perImage
  var y = (first - image * perImage) / layer.outputWidth
  var x = first - image * perImage - y * layer.outputWidth
  var base = layer.input + image * layer.height * layer.width * layer.pixelStride
  for row in 0..<rows {
    findTaps(
      layer, base, top: y * layer.stride - layer.top, left: x * layer.stride - layer.left,
      taps: taps, addresses + row)
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
  let isInside =
    top >= 0 && top + (layer.kernelHeight - 1) * layer.dilation < layer.height && left >= 0
    && left + (layer.kernelWidth - 1) * layer.dilation < layer.width
  let tapY = taps.lowerBound / layer.kernelWidth
  var tapX = taps.lowerBound - tapY * layer.kernelWidth
  var (y, x) = (top + tapY * layer.dilation, left + tapX * layer.dilation)
  var place = (y * layer.width + x) * layer.pixelStride
  let step = layer.dilation * layer.pixelStride
  let nextRow = (layer.width - layer.kernelWidth) * step
  for tap in 0..<taps.count {
    let isTapInside =
      isInside
      || (0..<layer.height ~= y && 0..<layer.width ~= x)
    pixels[tap * Kernels.tileRows] = isTapInside ? image + place : layer.zeros
    tapX += 1
    x += layer.dilation
    place += step
    if tapX == layer.kernelWidth {
      tapX = 0
      (y, x) = (y + layer.dilation, left)
      place += nextRow
    }
  }
}

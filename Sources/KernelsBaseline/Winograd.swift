package import CKernelSupport

extension Kernels {
  /// Multiplies transformed inputs and weights: for each position, [squares, input channels] times
  /// [input channels, output channels].
  ///
  /// - Parameters:
  ///   - squares: counted from the first in the buffers.
  ///   - pixels: room for ``tileRows`` addresses.
  package static func multiplyTransformed(
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
    var tile = RNWTile()
    tile.channels = channels
    tile.taps = 1
    tile.isFirst = 1
    tile.step = outputWidth
    for panel in 0..<panelCount(outputChannels: outputChannels) {
      tile.vectors = width(ofPanel: panel, outputChannels: outputChannels) / lanes
      tile.weights = weights + panel * panelWidth * channels
      var first = squares.lowerBound
      // Equal groups: a last one of a single row would cost as much as a full one.
      for group in 0..<groups {
        let end = squares.lowerBound + squares.count * (group + 1) / groups
        tile.rows = end - first
        tile.askAhead(index: group, of: groups, distance: tile.vectors * lanes * channels)
        tile.sums = products + first * outputWidth + panel * panelWidth
        for row in 0..<tile.rows {
          pixels[row] = UnsafePointer(inputs) + (first + row) * inputWidth
        }
        multiply(tile, pixels)
        first = end
      }
    }
  }

  /// The number of floats of so many channels, filled up to whole vectors.
  @inline(__always)
  package static func wholeVectors(_ channels: Int) -> Int {
    (channels + lanes - 1) / lanes * lanes
  }
}

/// Finds the pixels of a square of the input; outside the image lie zeros.
func findSquare(
  _ work: RNWWinograd, _ square: Int, _ pixels: UnsafeMutablePointer<UnsafePointer<Float>>
) {
  let layer = work.layer
  let perImage = work.across * work.down
  let image = square / perImage
  let (row, column) = ((square % perImage) / work.across, square % work.across)
  let top = row * work.outputs - layer.top
  let left = column * work.outputs - layer.left
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

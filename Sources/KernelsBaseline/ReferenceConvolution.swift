package import CKernelSupport

// Every output is one sum in Double in a fixed order: rows of the kernel, then columns, then input channels. The product
// of two floats is exact in Double, so a fused multiply-add gives the same bits as a product and a sum. Several pixels and
// channels are computed side by side, which changes no sum: every machine gives the same bits as any other.

extension Kernels {
  /// The most output channels of a panel of the reference's weights.
  @inline(__always)
  package static var referencePanelWidth: Int { 32 }

  /// The number of floats of a panel of so many output channels: [tap][input][channel], in whole eights.
  package static func referencePanelCount(
    channels: Int, inputChannels: Int, taps: Int
  ) -> Int {
    wholeEights(channels) * inputChannels * taps
  }

  /// Packs up to eight rows of OIHW into a panel, with zeros where its channels end.
  ///
  /// - Parameters:
  ///   - first: the place of the first row in the panel, a multiple of eight.
  ///   - channels: of the whole panel.
  package static func packReferenceRows(
    _ rows: UnsafePointer<Float>, at first: Int, of channels: Int, inputChannels: Int, taps: Int,
    to panel: UnsafeMutablePointer<Float>
  ) {
    let step = wholeEights(channels)
    // A few input channels at a time: the lines that eight rows write are then still in the cache.
    for start in stride(from: 0, to: inputChannels, by: 16) {
      let inputs = start..<min(start + 16, inputChannels)
      for row in 0..<8 {
        let isThere = first + row < channels
        for tap in 0..<taps {
          var source = rows + (row * inputChannels + start) * taps + tap
          var target = panel + (tap * inputChannels + start) * step + first + row
          for _ in inputs {
            target.pointee = isThere ? source.pointee : 0
            target += step
            source += taps
          }
        }
      }
    }
  }

  /// Packs a panel of weights [tap][input][output], with zeros where its channels end.
  ///
  /// - Parameter rows: taps times input channels.
  package static func packReferenceColumns(
    _ channels: Range<Int>, of source: UnsafePointer<Float>, outputChannels: Int, rows: Int,
    to panel: UnsafeMutablePointer<Float>
  ) {
    let step = wholeEights(channels.count)
    for row in 0..<rows {
      let target = panel + row * step
      target.update(
        from: source + row * outputChannels + channels.lowerBound, count: channels.count)
      (target + channels.count).update(repeating: 0, count: step - channels.count)
    }
  }

  /// A convolution with sums in Double, for some pixels and one panel of the output: the oracle of all others.
  ///
  /// Zeros lie outside the image. They change no sum of finite weights, because none of these sums is ever −0; a weight
  /// that is NaN or infinite spoils the border as well, here as in every executor that fills the border with zeros.
  ///
  /// - Parameters:
  ///   - weights: the panel of these channels.
  ///   - pixels: of the output, counted over all images; few enough that the sums of all stay in the cache.
  package static func convolveReference(
    _ work: UnsafePointer<RNWConvolution>, weights: UnsafePointer<Float>, channels: Range<Int>,
    pixels: Range<Int>
  ) {
    let layer = work.pointee
    let (taps, inputs) = (layer.kernelHeight * layer.kernelWidth, layer.inputChannels)
    let step = wholeEights(channels.count)
    let tiles = (pixels.count + referenceRows - 1) / referenceRows
    let tapsAtOnce = max(1, min(taps, inputsAtOnce / inputs))
    let sumCount = tiles * referenceRows * step
    withUnsafeTemporaryAllocation(of: Double.self, capacity: sumCount) { sums in
      withUnsafeTemporaryAllocation(
        of: UnsafePointer<Float>.self, capacity: tapsAtOnce * referenceRows
      ) { addresses in
        guard let sums = sums.baseAddress, let addresses = addresses.baseAddress else { return }
        sums.initialize(repeating: 0, count: sumCount)
        for tap in stride(from: 0, to: taps, by: tapsAtOnce) {
          for input in stride(from: 0, to: inputs, by: inputsAtOnce) {
            var tile = RNWReferenceTile()
            tile.weights = weights + (tap * inputs + input) * step
            (tile.step, tile.tapStep) = (step, inputs * step)
            (tile.taps, tile.inputs) = (
              min(tapsAtOnce, taps - tap), min(inputsAtOnce, inputs - input)
            )
            tile.sums = sums
            for index in 0..<tiles {
              findTaps(
                layer, pixels.lowerBound + index * referenceRows, end: pixels.upperBound,
                taps: tap..<tap + tile.taps, input: input, addresses)
              accumulate(tile, addresses)
              tile.sums += referenceRows * step
            }
          }
        }
        storeSums(sums, step: step, layer, channels: channels, pixels: pixels)
      }
    }
  }
}

/// The input channels of so many taps go by at once: their weights stay in the cache for all pixels.
private var inputsAtOnce: Int { 1024 }

/// A number of channels in whole vectors of eight.
@inline(__always)
private func wholeEights(_ channels: Int) -> Int { (channels + 7) / 8 * 8 }

/// Finds where the input of each pixel of a tile lies under each tap; the last pixel takes the place of those after the
/// end.
private func findTaps(
  _ layer: RNWConvolution, _ first: Int, end: Int, taps: Range<Int>, input: Int,
  _ addresses: UnsafeMutablePointer<UnsafePointer<Float>>
) {
  let perImage = layer.outputHeight * layer.outputWidth
  for row in 0..<Kernels.referenceRows {
    let pixel = min(first + row, end - 1)
    let image = pixel / perImage
    let y = (pixel - image * perImage) / layer.outputWidth
    let x = pixel - image * perImage - y * layer.outputWidth
    let base = layer.input + image * layer.height * layer.width * layer.inputChannels
    for tap in taps {
      let tapY = tap / layer.kernelWidth
      let inputY = y * layer.stride - layer.top + tapY * layer.dilation
      let inputX =
        x * layer.stride - layer.left + (tap - tapY * layer.kernelWidth) * layer.dilation
      let isInside =
        inputY >= 0 && inputY < layer.height && inputX >= 0 && inputX < layer.width
      addresses[(tap - taps.lowerBound) * Kernels.referenceRows + row] =
        input
        + (isInside
          ? base + (inputY * layer.width + inputX) * layer.inputChannels : layer.zeros)
    }
  }
}

/// Adds the bias, rounds to float32 and stores.
private func storeSums(
  _ sums: UnsafePointer<Double>, step: Int, _ layer: RNWConvolution, channels: Range<Int>,
  pixels: Range<Int>
) {
  guard let output = layer.epilogue.output else { return }
  for (row, pixel) in pixels.enumerated() {
    let target = output + pixel * layer.outputChannels + channels.lowerBound
    for channel in 0..<channels.count {
      var sum = sums[row * step + channel]
      if let bias = layer.epilogue.bias { sum += Double(bias[channels.lowerBound + channel]) }
      target[channel] = Float(sum)
    }
  }
}

package import CKernelSupport

// Strassen's product of halves, in Winograd's form: seven products of half the rows, inner and outer channels instead
// of eight. The rows of A are pixels, its columns input channels; B holds the weights, C the outputs.
//
//   S1 = A21 + A22   S2 = S1 − A11   S3 = A11 − A21   S4 = A12 − S2
//   T1 = B12 − B11   T2 = B22 − T1   T3 = B22 − B12   T4 = B21 − T2
//   U  = A11 B11                     C11 = U + A12 B21
//   U  = U + S2 T2, V = S1 T1        C12 = U + S4 B22 + V
//   U  = U + S3 T3                   C22 = U + V               C21 = U + A22 T4
//
// V. Strassen: Gaussian elimination is not optimal (1969); the fifteen sums are S. Winograd's (1971). T4 has the other
// sign here, so that every product is added to sums that a tile begins with, and all outputs are finished in registers.

/// The products of halves.
var halvesProducts: Int { 7 }

/// The sums of halves of the input.
var halvesSums: Int { 4 }

/// The pixels of a group: each is a tile's row, in the first half or the second.
var halvesPixels: Int { 2 * Kernels.tileRows }

/// Values beyond this might make a product infinite that should not be.
private var largestHalf: Float { 3e15 }

extension Kernels {
  /// Forms the sums of halves of the input, S1 to S4, for some groups of pixels.
  ///
  /// - Returns: whether all values are finite and of a size with which no product can overflow. If not, they would spoil
  ///   outputs that do not see them.
  package static func addHalves(_ work: UnsafePointer<RNWStrassen>, groups: Range<Int>) -> Bool {
    let layer = work.pointee.layer
    let (half, step) = (layer.inputChannels / 2, work.pointee.sumStep)
    var check = Vector(repeating: 0)
    let scale = Vector(repeating: .greatestFiniteMagnitude / largestHalf)
    for index in groups {
      let group = Group(layer, index)
      for row in 0..<group.pairs {
        let first = layer.input + (group.first + row) * layer.pixelStride
        let second: UnsafePointer<Float> =
          row < group.seconds
          ? layer.input + (group.first + group.pairs + row) * layer.pixelStride : layer.zeros
        let target = work.pointee.sums + ((index - work.pointee.firstGroup) * tileRows + row) * half
        var channel = 0
        while channel < half {
          let a11 = load(first + channel)
          let a21 = load(second + channel)
          let s1 = a21 + load(second + half + channel)
          let s2 = s1 - a11
          let s3 = a11 - a21
          let s4 = load(first + half + channel) - s2
          store(s1, target + channel)
          store(s2, target + step + channel)
          store(s3, target + 2 * step + channel)
          store(s4, target + 3 * step + channel)
          // Zero but for what is too large, not finite or no number.
          check = multiplyAdd(check, s1 * scale, Vector(repeating: 0))
          check = multiplyAdd(check, s2 * scale, Vector(repeating: 0))
          check = multiplyAdd(check, s3 * scale, Vector(repeating: 0))
          check = multiplyAdd(check, s4 * scale, Vector(repeating: 0))
          channel += lanes
        }
      }
    }
    for lane in 0..<lanes where check[lane] != 0 { return false }
    return true
  }

  /// Computes some groups of pixels of some panels from their sums of halves.
  ///
  /// - Parameters:
  ///   - panels: of half the output channels.
  ///   - sums: room for two tiles' sums for each group.
  ///   - addresses: room for `tileRows` addresses.
  package static func convolveHalves(
    _ work: UnsafePointer<RNWStrassen>, panels: Range<Int>, groups: Range<Int>,
    sums: UnsafeMutablePointer<Float>, addresses: UnsafeMutablePointer<UnsafePointer<Float>>
  ) {
    let layer = work.pointee.layer
    withUnsafePointer(to: layer) { pointer in
      var tile = RNWTile()
      tile.layer = pointer
      tile.taps = 1
      tile.channels = layer.inputChannels / 2
      for panel in panels {
        let width = width(ofPanel: panel, outputChannels: layer.outputChannels / 2)
        tile.vectors = width / lanes
        tile.step = width
        var weights = layer.weights + panel * panelWidth * tile.channels * halvesProducts
        for number in 0..<halvesProducts {
          let product = Product(number)
          tile.weights = weights
          for index in groups {
            tile.askAhead(
              index: index - groups.lowerBound, of: groups.count, distance: width * tile.channels)
            let buffer = sums + (index - groups.lowerBound) * 2 * tileRows * panelWidth
            multiply(product, work.pointee, index, panel, buffer, addresses, &tile)
          }
          weights += width * tile.channels
        }
      }
    }
  }
}

/// Adds one product for one group and panel.
@inline(__always)
private func multiply(
  _ product: Product, _ work: RNWStrassen, _ index: Int, _ panel: Int,
  _ sums: UnsafeMutablePointer<Float>, _ addresses: UnsafeMutablePointer<UnsafePointer<Float>>,
  _ tile: inout RNWTile
) {
  let layer = work.layer
  let group = Group(layer, index)
  tile.rows = product.isOfSeconds ? group.seconds : group.pairs
  guard tile.rows > 0 else { return }
  let pixel = group.first + (product.isOfSeconds ? group.pairs : 0)
  switch product.input {
  case .sum(let sum):
    let source =
      work.sums + sum * work.sumStep + (index - work.firstGroup) * Kernels.tileRows * tile.channels
    for row in 0..<tile.rows { addresses[row] = UnsafePointer(source + row * tile.channels) }
  case .half(let half):
    let source = layer.input + pixel * layer.pixelStride + half * tile.channels
    for row in 0..<tile.rows { addresses[row] = source + row * layer.pixelStride }
  }
  let other = sums + Kernels.tileRows * Kernels.panelWidth
  tile.sums = product.isOther ? other : sums
  tile.addend = product.addsOther ? UnsafePointer(other) : nil
  tile.isFirst = product.isFirst ? 1 : 0
  tile.isKept = product.isKept ? 1 : 0
  tile.isFinished = product.outputHalf == nil ? 0 : 1
  tile.channel = (product.outputHalf ?? 0) * work.secondHalf + panel * Kernels.panelWidth
  tile.place = pixel * layer.outputStride + tile.channel
  multiply(tile, addresses)
}

/// A group of pixels of one image.
private struct Group {
  /// Its first pixel, counted over all images.
  let first: Int
  /// The pixels of its first half.
  let pairs: Int
  /// The pixels of its second half: as many, or one fewer.
  let seconds: Int

  @inline(__always)
  init(_ layer: RNWConvolution, _ index: Int) {
    let pixels = layer.outputHeight * layer.outputWidth
    let perImage = (pixels + halvesPixels - 1) / halvesPixels
    let image = index / perImage
    let start = (index - image * perImage) * halvesPixels
    let count = min(pixels - start, halvesPixels)
    first = image * pixels + start
    pairs = (count + 1) / 2
    seconds = count / 2
  }
}

/// One of the seven products, and what becomes of it.
private struct Product {
  enum Input {
    /// One of the sums of halves.
    case sum(Int)
    /// One half of the channels of the pixels themselves.
    case half(Int)
  }

  let input: Input
  /// Whether the pixels of the second half are multiplied, and its outputs finished.
  var isOfSeconds = false
  /// Whether it begins new sums.
  var isFirst = false
  /// Whether the sums are V, not U.
  var isOther = false
  /// Whether V is added to what is finished.
  var addsOther = false
  /// Whether the sums are used again after they were finished.
  var isKept = false
  /// The half of the output channels that is finished.
  var outputHalf: Int?

  /// The products in the order in which they are formed.
  @inline(__always)
  init(_ number: Int) {
    switch number {
    case 0:
      input = .half(0)
      isFirst = true
    case 1:
      input = .half(1)
      outputHalf = 0
    case 2:
      input = .sum(1)
    case 3:
      input = .sum(0)
      (isFirst, isOther) = (true, true)
    case 4:
      input = .sum(3)
      (addsOther, outputHalf) = (true, 1)
    case 5:
      input = .sum(2)
      (isOfSeconds, addsOther, isKept, outputHalf) = (true, true, true, 1)
    default:
      input = .half(1)
      (isOfSeconds, outputHalf) = (true, 0)
    }
  }
}

extension Kernels {
  /// Packs one panel of half the output channels of a 1×1 kernel's weights, OI: [panel][product][half the inputs][panel
  /// width].
  ///
  /// - Returns: whether all weights are of a size with which no product can overflow.
  package static func packHalvesPanel(
    _ panel: Int, _ source: UnsafePointer<Float>, outputChannels: Int, inputChannels: Int,
    to packed: UnsafeMutablePointer<Float>
  ) -> Bool {
    let (rows, columns) = (outputChannels / 2, inputChannels / 2)
    let width = width(ofPanel: panel, outputChannels: rows)
    let start = panel * panelWidth
    let step = columns * width
    let target = packed + start * columns * halvesProducts
    var isUsable = true
    for lane in 0..<width {
      let first = source + (start + lane) * inputChannels
      let second = source + (rows + start + lane) * inputChannels
      var place = target + lane
      for channel in 0..<columns {
        let (b11, b21) = (Double(first[channel]), Double(first[columns + channel]))
        let (b12, b22) = (Double(second[channel]), Double(second[columns + channel]))
        let t1 = b12 - b11
        let t2 = b22 - t1
        let values = (
          first[channel], first[columns + channel], Float(t2), Float(t1), second[columns + channel],
          Float(b22 - b12), Float(b21 - t2)
        )
        let largest = max(abs(b11), abs(b12), abs(b21), abs(b22))
        isUsable = isUsable && largest * 4 <= Double(largestHalf)
        place[0] = values.0
        place[step] = values.1
        place[2 * step] = values.2
        place[3 * step] = values.3
        place[4 * step] = values.4
        place[5 * step] = values.5
        place[6 * step] = values.6
        place += width
      }
    }
    return isUsable
  }

  /// Gives back a packed panel's weights as they were, OI, but for the last bits of B12.
  package static func restoreHalvesPanel(
    _ panel: Int, _ packed: UnsafePointer<Float>, outputChannels: Int, inputChannels: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    let (rows, columns) = (outputChannels / 2, inputChannels / 2)
    let width = width(ofPanel: panel, outputChannels: rows)
    let start = panel * panelWidth
    let step = columns * width
    let source = packed + start * columns * halvesProducts
    for lane in 0..<width {
      let first = target + (start + lane) * inputChannels
      let second = target + (rows + start + lane) * inputChannels
      for channel in 0..<columns {
        let value = { (product: Int) in source[product * step + channel * width + lane] }
        first[channel] = value(0)
        first[columns + channel] = value(1)
        second[channel] = Float(Double(value(0)) + Double(value(3)))
        second[columns + channel] = value(4)
      }
    }
  }
}

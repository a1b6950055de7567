package import CKernelSupport

/// What kernels do: the same functions, compiled once for each instruction set.
///
/// All sizes are in elements. Nobody checks a pointer here: whoever calls has checked every shape.
package protocol KernelSet: Sendable {
  /// The most pixels of a tile.
  static var tileRows: Int { get }

  /// The number of panels that the output channels need.
  static func panelCount(outputChannels: Int) -> Int

  /// The number of floats of packed weights.
  static func packedCount(outputChannels: Int, inputChannels: Int, taps: Int) -> Int

  /// The number of floats that ``convolve(_:panels:tiles:panelsInside:sums:pixels:)`` needs for sums.
  static func sumCount(tiles: Int) -> Int

  /// Packs one panel of weights from OIHW: [tap][input][panel width], with zeros where channels end.
  static func packPanel(
    _ panel: Int, _ source: UnsafePointer<Float>, outputChannels: Int, inputChannels: Int,
    taps: Int,
    to packed: UnsafeMutablePointer<Float>
  )

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
  static func convolve(
    _ work: UnsafePointer<RNWConvolution>, panels: Range<Int>, pixels: Range<Int>,
    panelsInside: Bool, sums: UnsafeMutablePointer<Float>,
    addresses: UnsafeMutablePointer<UnsafePointer<Float>>
  )

  /// The output channels of a full panel of weights.
  static var panelWidth: Int { get }

  /// output = input · scale + shift per channel, then max(·, 0) if it rectifies; pixels of `channels`
  /// values.
  static func affine(
    _ input: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    rectifies: Bool, output: UnsafeMutablePointer<Float>, pixels: Int, channels: Int
  )

  /// Adds what each channel's values are above a pivot, and the squares of that, in Double, pixel by pixel.
  static func addMoments(
    _ input: UnsafePointer<Float>, pivot: UnsafePointer<Float>, pixels: Int, channels: Int,
    sums: UnsafeMutablePointer<Double>, squares: UnsafeMutablePointer<Double>
  )

  /// output = max(input, 0).
  static func rectify(
    _ input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, count: Int)

  /// output = first + second.
  static func add(
    _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>, count: Int
  )

  /// Multiplies and adds in registers only, as many as the processor can: the peak that other rates
  /// are shares of.
  ///
  /// - Returns: a value that depends on every operation, so that none is left out. Each iteration does
  ///   ``peakOperations`` floating-point operations.
  static func multiplyAddPeak(iterations: Int, seed: Float) -> Float

  /// The floating-point operations of one iteration of ``multiplyAddPeak(iterations:seed:)``.
  static var peakOperations: Int { get }

  /// The largest value of each window, for some rows of the output (counted over all images).
  ///
  /// NaN wins over everything, as in the frameworks.
  static func maxPool(_ work: UnsafePointer<RNWPool>, rows: Range<Int>)

  /// The mean of each window, counting only what lies within the image; summed in Double.
  static func averagePool(_ work: UnsafePointer<RNWPool>, rows: Range<Int>)

  /// The mean over an image of [pixels, channels], summed in Double in the order of the pixels.
  static func globalAverage(
    _ input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, pixels: Int, channels: Int
  )

  /// The most output channels of a panel of the reference's weights.
  static var referencePanelWidth: Int { get }

  /// The pixels that the reference computes side by side.
  static var referenceRows: Int { get }

  /// The number of floats of a panel of so many output channels: [tap][input][channel], in whole eights.
  static func referencePanelCount(channels: Int, inputChannels: Int, taps: Int) -> Int

  /// Packs up to eight rows of OIHW into a panel, with zeros where its channels end.
  ///
  /// - Parameters:
  ///   - first: the place of the first row in the panel, a multiple of eight.
  ///   - channels: of the whole panel.
  static func packReferenceRows(
    _ rows: UnsafePointer<Float>, at first: Int, of channels: Int, inputChannels: Int, taps: Int,
    to panel: UnsafeMutablePointer<Float>
  )

  /// Packs a panel of weights [tap][input][output], with zeros where its channels end.
  ///
  /// - Parameter rows: taps times input channels.
  static func packReferenceColumns(
    _ channels: Range<Int>, of source: UnsafePointer<Float>, outputChannels: Int, rows: Int,
    to panel: UnsafeMutablePointer<Float>
  )

  /// A convolution with sums in Double, for some pixels and one panel of the output: the oracle of all others.
  ///
  /// Zeros lie outside the image. They change no sum of finite weights, because none of these sums is ever −0; a weight
  /// that is NaN or infinite spoils the border as well, here as in every executor that fills the border with zeros.
  ///
  /// - Parameters:
  ///   - weights: the panel of these channels.
  ///   - pixels: of the output, counted over all images; few enough that the sums of all stay in the cache.
  static func convolveReference(
    _ work: UnsafePointer<RNWConvolution>, weights: UnsafePointer<Float>, channels: Range<Int>,
    pixels: Range<Int>
  )

  /// (x − mean) / √(variance + ε) · scale + shift per channel, in Double, rounded once.
  static func normalizeReference(
    _ input: UnsafePointer<Float>, mean: UnsafePointer<Double>, variance: UnsafePointer<Double>,
    epsilon: Double, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>, pixels: Int, channels: Int
  )

  /// The mean and the biased variance of a group of channels over an image, in Double, pixel by
  /// pixel.
  static func groupMoments(
    _ input: UnsafePointer<Float>, pixels: Int, channels: Int, group: Range<Int>,
    mean: UnsafeMutablePointer<Double>, variance: UnsafeMutablePointer<Double>
  )

  /// Forms the sums of halves of the input, S1 to S4, for some groups of pixels.
  ///
  /// - Returns: whether all values are finite and of a size with which no product can overflow. If not, they would spoil
  ///   outputs that do not see them.
  static func addHalves(_ work: UnsafePointer<RNWStrassen>, groups: Range<Int>) -> Bool

  /// Computes some groups of pixels of some panels from their sums of halves.
  ///
  /// - Parameters:
  ///   - panels: of half the output channels.
  ///   - sums: room for two tiles' sums for each group.
  ///   - addresses: room for `tileRows` addresses.
  static func convolveHalves(
    _ work: UnsafePointer<RNWStrassen>, panels: Range<Int>, groups: Range<Int>,
    sums: UnsafeMutablePointer<Float>, addresses: UnsafeMutablePointer<UnsafePointer<Float>>
  )

  /// Packs one panel of half the output channels of a 1×1 kernel's weights, OI: [panel][product][half the inputs][panel
  /// width].
  ///
  /// - Returns: whether all weights are of a size with which no product can overflow.
  static func packHalvesPanel(
    _ panel: Int, _ source: UnsafePointer<Float>, outputChannels: Int, inputChannels: Int,
    to packed: UnsafeMutablePointer<Float>
  ) -> Bool

  /// Gives back a packed panel's weights as they were, OI, but for the last bits of B12.
  static func restoreHalvesPanel(
    _ panel: Int, _ packed: UnsafePointer<Float>, outputChannels: Int, inputChannels: Int,
    to target: UnsafeMutablePointer<Float>
  )

  /// Multiplies transformed inputs and weights: for each position, [squares, input channels] times
  /// [input channels, output channels].
  ///
  /// - Parameters:
  ///   - squares: counted from the first in the buffers.
  ///   - pixels: room for ``tileRows`` addresses.
  static func multiplyTransformed(
    _ work: UnsafePointer<RNWWinograd>, position: Int, squares: Range<Int>,
    pixels: UnsafeMutablePointer<UnsafePointer<Float>>
  )

  /// The number of floats of so many channels, filled up to whole vectors.
  static func wholeVectors(_ channels: Int) -> Int

  /// Transforms some squares of the input: V = Bᵀ d B for each vector of channels.
  ///
  /// - Parameters:
  ///   - squares: counted over all images.
  ///   - pixels: room for 36 addresses.
  static func transformInput(
    _ work: UnsafePointer<RNWWinograd>, squares: Range<Int>,
    pixels: UnsafeMutablePointer<UnsafePointer<Float>>
  )

  /// Transforms some squares of products back, Y = Aᵀ M A, finishes and stores them.
  ///
  /// - Parameter squares: counted over all images.
  /// - Returns: whether all outputs are finite. What is not is worth less here than in a plain sum,
  ///   because it spoils the whole square.
  static func transformOutput(_ work: UnsafePointer<RNWWinograd>, squares: Range<Int>) -> Bool

  /// Transforms and packs one panel of a 3×3 kernel's weights, OIHW: [position][panel][input][panel width], with zeros
  /// where channels end.
  ///
  /// - Parameter outputs: of a square, in each direction: 2 or 4.
  /// - Returns: whether all transformed weights are finite.
  static func packTransformedPanel(
    _ panel: Int, _ source: UnsafePointer<Float>, outputChannels: Int, inputChannels: Int,
    outputs: Int, to packed: UnsafeMutablePointer<Float>
  ) -> Bool

  /// Gives back a packed panel's weights as they were, OIHW, but for the last bits of some.
  static func restorePanel(
    _ panel: Int, _ packed: UnsafePointer<Float>, outputChannels: Int, inputChannels: Int,
    outputs: Int, to target: UnsafeMutablePointer<Float>
  )
}

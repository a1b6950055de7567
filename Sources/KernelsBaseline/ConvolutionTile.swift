import CKernelSupport

// The innermost loop and all that it is made of stand in one file: a compiler that sees only one file at a time, as in
// debug builds, can then still inline all of it.

#if AVX512
  /// The pixels of a tile: with four vectors of channels, 28 accumulators of 32 registers.
  @inline(__always)
  package var tileRows: Int { 7 }
  /// The vectors of a panel.
  @inline(__always)
  var panelVectors: Int { 4 }
#elseif AVX2
  /// The pixels of a tile: with two vectors of channels, 12 accumulators of 16 registers.
  @inline(__always)
  package var tileRows: Int { 6 }
  /// The vectors of a panel.
  @inline(__always)
  var panelVectors: Int { 2 }
#else
  /// The pixels of a tile: with two vectors of channels, 8 accumulators of 16 registers.
  @inline(__always)
  package var tileRows: Int { 4 }
  /// The vectors of a panel.
  @inline(__always)
  var panelVectors: Int { 2 }
#endif

/// The output channels of a full panel of weights.
@inline(__always)
package var panelWidth: Int { panelVectors * lanes }

/// Accumulates one tile of one panel over some taps.
func multiply(
  _ work: UnsafePointer<RNWConvolution>, panel: Int, taps: Range<Int>,
  _ pixels: UnsafePointer<UnsafePointer<Float>>, sums: UnsafeMutablePointer<Float>, isFirst: Bool
) {
  let channels = work.pointee.inputChannels
  let allTaps = work.pointee.kernelHeight * work.pointee.kernelWidth
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

/// Accumulates a tile: for every pixel, the sum over taps and input channels of input · weights.
///
/// - Parameters:
///   - pixels: the address of the input under each tap for each pixel of the tile: [tap][pixel].
///   - weights: [tap][channels][width].
///   - sums: [pixel][width]; read first unless `isFirst`.
@inline(__always)
private func accumulate<Width: Lanes>(
  _ width: Width.Type, _ pixels: UnsafePointer<UnsafePointer<Float>>, taps: Int, channels: Int,
  weights: UnsafePointer<Float>, sums: UnsafeMutablePointer<Float>, isFirst: Bool
) {
  let step = Width.width
  var row0 = isFirst ? Width() : Width(sums)
  var row1 = isFirst ? Width() : Width(sums + step)
  var row2 = isFirst ? Width() : Width(sums + 2 * step)
  var row3 = isFirst ? Width() : Width(sums + 3 * step)
  #if AVX2 || AVX512
    var row4 = isFirst ? Width() : Width(sums + 4 * step)
    var row5 = isFirst ? Width() : Width(sums + 5 * step)
  #endif
  #if AVX512
    var row6 = isFirst ? Width() : Width(sums + 6 * step)
  #endif
  var weights = weights
  for tap in 0..<taps {
    let inputs = pixels + tap * tileRows
    let (input0, input1, input2, input3) = (inputs[0], inputs[1], inputs[2], inputs[3])
    #if AVX2 || AVX512
      let (input4, input5) = (inputs[4], inputs[5])
    #endif
    #if AVX512
      let input6 = inputs[6]
    #endif
    for channel in 0..<channels {
      let panel = Width(weights)
      weights += step
      row0.add(Vector(repeating: input0[channel]), panel)
      row1.add(Vector(repeating: input1[channel]), panel)
      row2.add(Vector(repeating: input2[channel]), panel)
      row3.add(Vector(repeating: input3[channel]), panel)
      #if AVX2 || AVX512
        row4.add(Vector(repeating: input4[channel]), panel)
        row5.add(Vector(repeating: input5[channel]), panel)
      #endif
      #if AVX512
        row6.add(Vector(repeating: input6[channel]), panel)
      #endif
    }
  }
  row0.store(to: sums)
  row1.store(to: sums + step)
  row2.store(to: sums + 2 * step)
  row3.store(to: sums + 3 * step)
  #if AVX2 || AVX512
    row4.store(to: sums + 4 * step)
    row5.store(to: sums + 5 * step)
  #endif
  #if AVX512
    row6.store(to: sums + 6 * step)
  #endif
}

/// Several vectors side by side: the output channels that one pixel of a tile accumulates.
///
/// A pair of lanes is lanes again, so that a tile is written once for every width; everything is
/// inlined, and the accumulators stay in registers.
private protocol Lanes {
  /// The number of floats.
  static var width: Int { get }
  init()
  init(_ pointer: UnsafePointer<Float>)
  func store(to pointer: UnsafeMutablePointer<Float>)
  /// Adds value · weights.
  mutating func add(_ value: Vector, _ weights: Self)
}

/// One vector.
private struct Single: Lanes {
  private var vector: Vector

  @inline(__always)
  static var width: Int { lanes }

  @inline(__always)
  init() { vector = Vector(repeating: 0) }

  @inline(__always)
  init(_ pointer: UnsafePointer<Float>) {
    vector = UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
  }

  @inline(__always)
  func store(to pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: Vector.self)
  }

  @inline(__always)
  mutating func add(_ value: Vector, _ weights: Single) {
    #if BASELINE
      vector += value * weights.vector
    #else
      vector.addProduct(value, weights.vector)
    #endif
  }
}

/// Two lanes side by side.
private struct Pair<First: Lanes, Second: Lanes>: Lanes {
  private var first: First
  private var second: Second

  @inline(__always)
  static var width: Int { First.width + Second.width }

  @inline(__always)
  init() {
    first = First()
    second = Second()
  }

  @inline(__always)
  init(_ pointer: UnsafePointer<Float>) {
    first = First(pointer)
    second = Second(pointer + First.width)
  }

  @inline(__always)
  func store(to pointer: UnsafeMutablePointer<Float>) {
    first.store(to: pointer)
    second.store(to: pointer + First.width)
  }

  @inline(__always)
  mutating func add(_ value: Vector, _ weights: Pair) {
    first.add(value, weights.first)
    second.add(value, weights.second)
  }
}

private typealias Twofold = Pair<Single, Single>
private typealias Threefold = Pair<Twofold, Single>
private typealias Fourfold = Pair<Twofold, Twofold>

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

/// Accumulates a tile: for every pixel, the sum over taps and input channels of input · weights.
///
/// - Parameters:
///   - pixels: the address of the input under each tap for each pixel of the tile: [tap][pixel].
///   - weights: [tap][channels][width].
///   - sums: [pixel][width]; read first unless `isFirst`.
@inline(__always)
func accumulate<Width: Lanes>(
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

extension Kernels {
  /// Transforms and packs one panel of a 3×3 kernel's weights, OIHW: [position][panel][input][panel width], with zeros
  /// where channels end.
  ///
  /// - Parameter outputs: of a square, in each direction: 2 or 4.
  /// - Returns: whether all transformed weights are finite.
  package static func packTransformedPanel(
    _ panel: Int, _ source: UnsafePointer<Float>, outputChannels: Int, inputChannels: Int,
    outputs: Int, to packed: UnsafeMutablePointer<Float>
  ) -> Bool {
    let width = width(ofPanel: panel, outputChannels: outputChannels)
    let start = panel * panelWidth
    let step = inputChannels * wholeVectors(outputChannels)
    var check = SIMD8<Float>(repeating: 0)
    for channel in 0..<inputChannels {
      var lane = 0
      while lane < width {
        let valid = min(max(outputChannels - start - lane, 0), 8)
        let filters = source + ((start + lane) * inputChannels + channel) * 9
        let target = packed + (start * inputChannels + channel * width + lane)
        let tap = { (index: Int) -> EightKernels in
          var values = EightKernels(repeating: 0)
          for kernel in 0..<valid {
            values[kernel] = Double(filters[kernel * inputChannels * 9 + index])
          }
          return values
        }
        let save = { (position: Int, value: EightKernels) in
          let value = SIMD8<Float>(value)
          check += value * 0
          // A vector of fewer lanes has a panel that is no multiple of eight.
          for kernel in 0..<min(8, width - lane) {
            (target + position * step)[kernel] = value[kernel]
          }
        }
        if outputs == 4 {
          transformKernelsToSix(tap, save)
        } else {
          transformKernelsToFour(tap, save)
        }
        lane += 8
      }
    }
    for lane in 0..<8 where check[lane] != 0 { return false }
    return true
  }

  /// Gives back a packed panel's weights as they were, OIHW, but for the last bits of some.
  package static func restorePanel(
    _ panel: Int, _ packed: UnsafePointer<Float>, outputChannels: Int, inputChannels: Int,
    outputs: Int, to target: UnsafeMutablePointer<Float>
  ) {
    let width = width(ofPanel: panel, outputChannels: outputChannels)
    let start = panel * panelWidth
    let step = inputChannels * wholeVectors(outputChannels)
    let side = outputs + 2
    // g1 follows from the second and third of a transformed column, g0 and g2 are its ends.
    let column = { (ends: (Double, Double, Double, Double)) -> (Double, Double, Double) in
      let middle =
        outputs == 4 ? middleOfKernel4(ends.1, ends.2) : middleOfKernel2(ends.1, ends.2)
      return (ends.0, middle, ends.3)
    }
    for lane in 0..<min(width, outputChannels - start) {
      for channel in 0..<inputChannels {
        let source = packed + start * inputChannels + channel * width + lane
        let value = { (row: Int, x: Int) in Double(source[(row * side + x) * step]) }
        let row = { (y: Int) in column((value(y, 0), value(y, 1), value(y, 2), value(y, side - 1)))
        }
        let (r0, r1, r2, r3) = (row(0), row(1), row(2), row(side - 1))
        let left = column((r0.0, r1.0, r2.0, r3.0))
        let middle = column((r0.1, r1.1, r2.1, r3.1))
        let right = column((r0.2, r1.2, r2.2, r3.2))
        let filter = target + ((start + lane) * inputChannels + channel) * 9
        (filter[0], filter[1], filter[2]) = (Float(left.0), Float(middle.0), Float(right.0))
        (filter[3], filter[4], filter[5]) = (Float(left.1), Float(middle.1), Float(right.1))
        (filter[6], filter[7], filter[8]) = (Float(left.2), Float(middle.2), Float(right.2))
      }
    }
  }
}

@inline(__always)
private func transformKernelsToSix(
  _ tap: (Int) -> EightKernels, _ save: (Int, EightKernels) -> Void
) {
  let c0 = kernelTransformed4(tap(0), tap(3), tap(6))
  let c1 = kernelTransformed4(tap(1), tap(4), tap(7))
  let c2 = kernelTransformed4(tap(2), tap(5), tap(8))
  @inline(__always)
  func saveRow(_ row: Int, _ g0: EightKernels, _ g1: EightKernels, _ g2: EightKernels) {
    let values = kernelTransformed4(g0, g1, g2)
    save(row * 6, values.0)
    save(row * 6 + 1, values.1)
    save(row * 6 + 2, values.2)
    save(row * 6 + 3, values.3)
    save(row * 6 + 4, values.4)
    save(row * 6 + 5, values.5)
  }
  saveRow(0, c0.0, c1.0, c2.0)
  saveRow(1, c0.1, c1.1, c2.1)
  saveRow(2, c0.2, c1.2, c2.2)
  saveRow(3, c0.3, c1.3, c2.3)
  saveRow(4, c0.4, c1.4, c2.4)
  saveRow(5, c0.5, c1.5, c2.5)
}

@inline(__always)
private func transformKernelsToFour(
  _ tap: (Int) -> EightKernels, _ save: (Int, EightKernels) -> Void
) {
  let c0 = kernelTransformed2(tap(0), tap(3), tap(6))
  let c1 = kernelTransformed2(tap(1), tap(4), tap(7))
  let c2 = kernelTransformed2(tap(2), tap(5), tap(8))
  @inline(__always)
  func saveRow(_ row: Int, _ g0: EightKernels, _ g1: EightKernels, _ g2: EightKernels) {
    let values = kernelTransformed2(g0, g1, g2)
    save(row * 4, values.0)
    save(row * 4 + 1, values.1)
    save(row * 4 + 2, values.2)
    save(row * 4 + 3, values.3)
  }
  saveRow(0, c0.0, c1.0, c2.0)
  saveRow(1, c0.1, c1.1, c2.1)
  saveRow(2, c0.2, c1.2, c2.2)
  saveRow(3, c0.3, c1.3, c2.3)
}

// MARK: - Rows and columns

/// Eight kernels at once, in Double: weights are transformed once and should lose nothing.
private typealias EightKernels = SIMD8<Double>

/// G g for m = 4.
@inline(__always)
private func kernelTransformed4(
  _ g0: EightKernels, _ g1: EightKernels, _ g2: EightKernels
) -> (EightKernels, EightKernels, EightKernels, EightKernels, EightKernels, EightKernels) {
  let (nearEven, nearOdd) = (g0 + g2 * 0.5, g1 * 0.5.squareRoot())
  let (farEven, farOdd) = (g0 + g2 * 2, g1 * 2.0.squareRoot())
  return (
    g0, (nearEven + nearOdd) / -1.5, (nearEven - nearOdd) / -1.5, (farEven + farOdd) / 6,
    (farEven - farOdd) / 6, g2
  )
}

/// g1 from G g: what ``kernelTransformed4(_:_:_:)`` did to it, undone; g0 and g2 are there as they were.
private func middleOfKernel4(_ plus: Double, _ minus: Double) -> Double {
  (plus - minus) * -1.5 / 2.0.squareRoot()
}

/// G g for m = 2.
@inline(__always)
private func kernelTransformed2(
  _ g0: EightKernels, _ g1: EightKernels, _ g2: EightKernels
) -> (EightKernels, EightKernels, EightKernels, EightKernels) {
  let even = g0 + g2
  return (g0, (even + g1) / 2, (even - g1) / 2, g2)
}

/// g1 from G g for m = 2.
private func middleOfKernel2(_ plus: Double, _ minus: Double) -> Double {
  plus - minus
}

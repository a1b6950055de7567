// Winograd's minimal filtering F(m×m, 3×3): m×m outputs of a 3×3 convolution from (m+2)×(m+2) products instead of 9·m².
//
//   Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A        d: a square of the input, g: the kernel, Y: a square of the output
//
// A. Lavin, S. Gray: Fast Algorithms for Convolutional Neural Networks (2015), arXiv:1509.09308.
//
// The matrices follow from the points at which the polynomials are evaluated: 0, ±1, ∞ for m = 2, and 0, ±√½, ±√2, ∞
// for m = 4. The usual 0, ±1, ±2, ∞ lose five times as much: measured against Double sums over 64 and 256 channels,
// 5e-6 and 1e-5 of the largest output, and these 1.0e-6 and 1.9e-6, hardly more than a plain sum in float32.

/// √½ and √2, the finite points of F(4×4, 3×3) besides 0.
@inline(__always)
private var near: Float { 0.707_106_781_186_547_5 }
@inline(__always)
private var far: Float { 1.414_213_562_373_095 }

/// Values in a row or column of a square, a vector of channels each.
struct Six {
  var v0, v1, v2, v3, v4, v5: Vector

  /// Bᵀ v for m = 4.
  @inline(__always)
  var inputTransformed: Six {
    // p(x) = x⁴ − 2.5x² + 1 has the roots ±√½ and ±√2.
    let nearEven = multiplyAdd(v4, v2, Vector(repeating: -2))
    let nearOdd = multiplyAdd(v3, v1, Vector(repeating: -2))
    let farEven = multiplyAdd(v4, v2, Vector(repeating: -0.5))
    let farOdd = multiplyAdd(v3, v1, Vector(repeating: -0.5))
    return Six(
      v0: multiplyAdd(v0 + v4, v2, Vector(repeating: -2.5)),
      v1: multiplyAdd(nearEven, nearOdd, Vector(repeating: near)),
      v2: multiplyAdd(nearEven, nearOdd, Vector(repeating: -near)),
      v3: multiplyAdd(farEven, farOdd, Vector(repeating: far)),
      v4: multiplyAdd(farEven, farOdd, Vector(repeating: -far)),
      v5: multiplyAdd(v1 + v5, v3, Vector(repeating: -2.5)))
  }

  /// Aᵀ v for m = 4.
  @inline(__always)
  var outputTransformed: Four {
    let (nearSum, nearDifference) = (v1 + v2, v1 - v2)
    let (farSum, farDifference) = (v3 + v4, v3 - v4)
    let scaledNear = nearDifference * near
    let scaledFar = farDifference * far
    return Four(
      v0: v0 + nearSum + farSum,
      v1: scaledNear + scaledFar,
      v2: multiplyAdd(nearSum * 0.5, farSum, Vector(repeating: 2)),
      v3: multiplyAdd(
        multiplyAdd(v5, scaledNear, Vector(repeating: 0.5)), scaledFar, Vector(repeating: 2)))
  }
}

/// Values in a row or column of a square, a vector of channels each.
struct Four {
  var v0, v1, v2, v3: Vector

  /// Bᵀ v for m = 2.
  @inline(__always)
  var inputTransformed: Four {
    Four(v0: v0 - v2, v1: v1 + v2, v2: v2 - v1, v3: v3 - v1)
  }

  /// Aᵀ v for m = 2.
  @inline(__always)
  var outputTransformed: (Vector, Vector) {
    (v0 + v1 + v2, v1 - v2 + v3)
  }
}

/// Eight kernels at once, in Double: weights are transformed once and should lose nothing.
typealias Kernels = SIMD8<Double>

/// G g for m = 4.
@inline(__always)
func kernelTransformed4(
  _ g0: Kernels, _ g1: Kernels, _ g2: Kernels
) -> (Kernels, Kernels, Kernels, Kernels, Kernels, Kernels) {
  let (nearEven, nearOdd) = (g0 + g2 * 0.5, g1 * 0.5.squareRoot())
  let (farEven, farOdd) = (g0 + g2 * 2, g1 * 2.0.squareRoot())
  return (
    g0, (nearEven + nearOdd) / -1.5, (nearEven - nearOdd) / -1.5, (farEven + farOdd) / 6,
    (farEven - farOdd) / 6, g2
  )
}

/// g1 from G g: what ``kernelTransformed4(_:_:_:)`` did to it, undone; g0 and g2 are there as they were.
func middleOfKernel4(_ plus: Double, _ minus: Double) -> Double {
  (plus - minus) * -1.5 / 2.0.squareRoot()
}

/// G g for m = 2.
@inline(__always)
func kernelTransformed2(
  _ g0: Kernels, _ g1: Kernels, _ g2: Kernels
) -> (Kernels, Kernels, Kernels, Kernels) {
  let even = g0 + g2
  return (g0, (even + g1) / 2, (even - g1) / 2, g2)
}

/// g1 from G g for m = 2.
func middleOfKernel2(_ plus: Double, _ minus: Double) -> Double {
  plus - minus
}

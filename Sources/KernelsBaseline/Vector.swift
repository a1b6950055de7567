#if AVX512
  /// The vector of the instruction set.
  typealias Vector = SIMD16<Float>
  typealias Mask = SIMDMask<SIMD16<Int32>>
#elseif AVX2
  /// The vector of the instruction set.
  typealias Vector = SIMD8<Float>
  typealias Mask = SIMDMask<SIMD8<Int32>>
#else
  /// The vector of the instruction set.
  typealias Vector = SIMD4<Float>
  typealias Mask = SIMDMask<SIMD4<Int32>>
#endif

/// The number of floats in a vector.
@inline(__always)
var lanes: Int { MemoryLayout<Vector>.size / MemoryLayout<Float>.size }

/// accumulator + a · b: one instruction where the target has it, a product and a sum where it has
/// not, because there each lane would be a call into the C library.
@inline(__always)
func multiplyAdd(_ accumulator: Vector, _ a: Vector, _ b: Vector) -> Vector {
  #if BASELINE
    accumulator + a * b
  #else
    accumulator.addingProduct(a, b)
  #endif
}

/// The same for one value, with the same rounding.
@inline(__always)
func multiplyAdd(_ accumulator: Float, _ a: Float, _ b: Float) -> Float {
  #if BASELINE
    accumulator + a * b
  #else
    accumulator.addingProduct(a, b)
  #endif
}

/// max(value, 0) that lets NaN through, as the frameworks' ReLU does.
@inline(__always)
func rectified(_ value: Vector) -> Vector {
  value.replacing(with: Vector(repeating: 0), where: value .< Vector(repeating: 0))
}

/// max(value, 0) that lets NaN through.
@inline(__always)
func rectified(_ value: Float) -> Float {
  value < 0 ? 0 : value
}

/// Loads a vector from any address.
@inline(__always)
func load(_ pointer: UnsafePointer<Float>) -> Vector {
  UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
}

/// Stores a vector at any address.
@inline(__always)
func store(_ value: Vector, _ pointer: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(pointer).storeBytes(of: value, as: Vector.self)
}

/// Loads fewer values than fill a vector, and zeros after them.
@inline(__always)
func load(_ pointer: UnsafePointer<Float>, count: Int) -> Vector {
  var vector = Vector(repeating: 0)
  for lane in 0..<count { vector[lane] = pointer[lane] }
  return vector
}

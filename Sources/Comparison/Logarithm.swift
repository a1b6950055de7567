#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// log₁₀ of a value.
package func decimalLogarithm(_ value: Double) -> Double {
  log10(value)
}

/// eˣ − 1.
func exponentialGrowth(_ value: Double) -> Double {
  expm1(value)
}

/// logₑ of a value.
package func naturalLogarithm(_ value: Double) -> Double {
  log(value)
}

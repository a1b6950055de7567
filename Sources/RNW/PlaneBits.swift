import Tensors

/// How the bits of an element stand in its planes: the highest byte first, after the sign of a
/// float32 or bfloat16 has changed places with its exponent.
enum PlaneBits {
  /// Copies one plane out of little-endian elements.
  static func split(
    _ elements: UnsafeRawBufferPointer, dtype: DType, plane: Int,
    to output: UnsafeMutableBufferPointer<UInt8>
  ) {
    switch (dtype, plane) {
    case (.float32, 0):
      split(elements, as: UInt32.self, to: output) { UInt8(truncatingIfNeeded: $0 &>> 23) }
    case (.float32, 1):
      split(elements, as: UInt32.self, to: output) {
        UInt8(truncatingIfNeeded: $0 &>> 24 & 0x80 | $0 &>> 16 & 0x7F)
      }
    case (.float32, 2):
      split(elements, as: UInt32.self, to: output) { UInt8(truncatingIfNeeded: $0 &>> 8) }
    case (.float32, _):
      split(elements, as: UInt32.self, to: output) { UInt8(truncatingIfNeeded: $0) }
    case (.bfloat16, 0):
      split(elements, as: UInt16.self, to: output) { UInt8(truncatingIfNeeded: $0 &>> 7) }
    case (.bfloat16, _):
      split(elements, as: UInt16.self, to: output) {
        UInt8(truncatingIfNeeded: $0 &>> 8 & 0x80 | $0 & 0x7F)
      }
    case (.float16, 0):
      split(elements, as: UInt16.self, to: output) { UInt8(truncatingIfNeeded: $0 &>> 8) }
    case (.float16, _):
      split(elements, as: UInt16.self, to: output) { UInt8(truncatingIfNeeded: $0) }
    case (_, _):
      split(elements, as: UInt8.self, to: output) { $0 }
    }
  }

  @inline(__always)
  private static func split<Bits: FixedWidthInteger>(
    _ elements: UnsafeRawBufferPointer, as type: Bits.Type,
    to output: UnsafeMutableBufferPointer<UInt8>, _ byte: (Bits) -> UInt8
  ) {
    for index in 0..<output.count {
      let bits = elements.loadUnaligned(
        fromByteOffset: index &* MemoryLayout<Bits>.size, as: Bits.self)
      output[index] = byte(Bits(littleEndian: bits))
    }
  }

  /// Joins planes to little-endian elements.
  ///
  /// - Precondition: there are as many planes as an element has bytes, all of one length.
  static func merge(
    _ planes: [UnsafeBufferPointer<UInt8>], dtype: DType, to output: UnsafeMutableRawBufferPointer
  ) {
    let first = planes[0]
    switch dtype {
    case .float32:
      let (second, third, fourth) = (planes[1], planes[2], planes[3])
      for index in 0..<first.count {
        let low = UInt32(third[index]) &<< 8 | UInt32(fourth[index])
        let high = upperHalf(exponent: first[index], signAndMantissa: second[index])
        output.storeBytes(
          of: (UInt32(high) &<< 16 | low).littleEndian, toByteOffset: index &* 4, as: UInt32.self)
      }
    case .bfloat16:
      let second = planes[1]
      for index in 0..<first.count {
        output.storeBytes(
          of: upperHalf(exponent: first[index], signAndMantissa: second[index]).littleEndian,
          toByteOffset: index &* 2, as: UInt16.self)
      }
    case .float16:
      let second = planes[1]
      for index in 0..<first.count {
        output.storeBytes(
          of: (UInt16(first[index]) &<< 8 | UInt16(second[index])).littleEndian,
          toByteOffset: index &* 2, as: UInt16.self)
      }
    default:
      output.copyMemory(from: UnsafeRawBufferPointer(first))
    }
  }

  /// The upper half of a float32, which is a bfloat16.
  @inline(__always)
  private static func upperHalf(exponent: UInt8, signAndMantissa: UInt8) -> UInt16 {
    UInt16(exponent) &<< 7 | UInt16(signAndMantissa & 0x80) &<< 8 | UInt16(signAndMantissa & 0x7F)
  }
}

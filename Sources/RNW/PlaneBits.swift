import CPlanes
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
  /// - Precondition: there are as many planes as an element has bytes, all of one length, and room
  ///   for as many elements.
  static func join(
    _ planes: [UnsafeBufferPointer<UInt8>], dtype: DType, to output: UnsafeMutableRawBufferPointer
  ) {
    let count = planes[0].count
    precondition(planes.count == dtype.byteWidth && planes.allSatisfy { $0.count == count })
    precondition(output.count == count * dtype.byteWidth)
    let starts = planes.compactMap(\.baseAddress)
    guard starts.count == planes.count, let target = output.baseAddress else { return }
    let bytes = target.assumingMemoryBound(to: UInt8.self)
    switch dtype {
    case .float32:
      rnw_planes_join_float32(starts[0], starts[1], starts[2], starts[3], count, bytes)
    case .bfloat16: rnw_planes_join_bfloat16(starts[0], starts[1], count, bytes)
    case .float16: rnw_planes_join_float16(starts[0], starts[1], count, bytes)
    default: output.copyMemory(from: UnsafeRawBufferPointer(planes[0]))
    }
  }
}

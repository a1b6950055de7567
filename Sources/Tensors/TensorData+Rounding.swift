extension TensorData {
  /// The tensor in a narrower type, each value rounded to the nearest one there, ties to even.
  ///
  /// - float16, bfloat16: IEEE 754 rounding; NaN and infinity stay what they are.
  /// - int8: symmetric, with a float32 scale for every index of the outermost dimension, which is the
  ///   output channel. The scale is the largest |value| of the channel ÷ 127, rounded to float32; the
  ///   integers are value ÷ scale, rounded, within −127…127. A channel of zeros has the scale 1.
  /// - float32: the exact values of a tensor of any of these types.
  ///
  /// A tensor that has the type already stays as it is.
  ///
  /// - Throws: ``RoundingError`` at the first finite value that would become infinite, and for int8
  ///   at the first value that is not finite.
  package func rounded(to type: DType) throws(RoundingError) -> TensorData {
    guard type != dtype else { return self }
    switch type {
    case .float16:
      return try roundedTo16Bits(.float16, infinity: 0x7C00) { $0.halfBits }
    case .bfloat16:
      return try roundedTo16Bits(.bfloat16, infinity: 0x7F80) { $0.bfloat16Bits }
    case .int8:
      return try quantized()
    default:
      return TensorData(shape: shape, values: floats())
    }
  }

  private func roundedTo16Bits(
    _ type: DType, infinity: UInt16, _ bits: (Float) -> UInt16
  ) throws(RoundingError) -> TensorData {
    let (bytes, overflow) = withFloats { values in
      var overflow: Int?
      let bytes = [UInt8](unsafeUninitializedCapacity: 2 * values.count) { buffer, count in
        let output = UnsafeMutableRawBufferPointer(buffer)
        for (index, value) in values.enumerated() {
          let rounded = bits(value)
          if rounded & 0x7FFF == infinity, value.isFinite, overflow == nil { overflow = index }
          output.storeBytes(of: rounded.littleEndian, toByteOffset: 2 * index, as: UInt16.self)
        }
        count = 2 * values.count
      }
      return (bytes, overflow.map { ($0, values[$0]) })
    }
    if let (index, value) = overflow {
      throw RoundingError(type: type, index: index, value: value)
    }
    return TensorData(dtype: type, shape: shape, bytes: bytes)
  }

  private func quantized() throws(RoundingError) -> TensorData {
    let channels = shape.rank > 0 ? shape[0] : 1
    let perChannel = shape.elementCount / max(channels, 1)
    let (bytes, scales, fault) = withFloats { values in
      var scales: [Float] = []
      var fault: Int?
      let bytes = [UInt8](unsafeUninitializedCapacity: values.count) { buffer, count in
        for channel in 0..<channels {
          let range = channel * perChannel..<(channel + 1) * perChannel
          let source = UnsafeBufferPointer(rebasing: values[range])
          let scale = source.symmetricScale
          if !scale.isFinite, fault == nil {
            fault = source.firstIndex { !$0.isFinite }.map { $0 + range.lowerBound }
          }
          scales.append(scale)
          source.quantize(by: scale, into: UnsafeMutableBufferPointer(rebasing: buffer[range]))
        }
        count = values.count
      }
      return (bytes, scales, fault.map { ($0, values[$0]) })
    }
    if let (index, value) = fault { throw RoundingError(type: .int8, index: index, value: value) }
    return TensorData(dtype: .int8, shape: shape, bytes: bytes).scaled(byChannel: scales)
  }
}

/// A value that a narrower type does not have.
package struct RoundingError: Error, Hashable {
  /// The narrower type.
  package let type: DType
  /// Which element it is, counted in row-major order.
  package let index: Int
  /// The value.
  package let value: Float
}

extension UnsafeBufferPointer<Float> {
  /// The largest magnitude ÷ 127; 1 for zeros, not finite where a value is not.
  fileprivate var symmetricScale: Float {
    // As bits magnitudes have the order of their values, and NaN and infinity are the largest.
    var largest: UInt32 = 0
    for value in self { largest = Swift.max(largest, value.bitPattern & 0x7FFF_FFFF) }
    guard largest > 0 else { return 1 }
    return Swift.max(Float(bitPattern: largest) / 127, .leastNonzeroMagnitude)
  }

  fileprivate func quantize(by scale: Float, into output: UnsafeMutableBufferPointer<UInt8>) {
    guard scale.isFinite else { return output.initialize(repeating: 0) }
    let divisor = Double(scale)
    for (index, value) in enumerated() {
      // Adding 1.5·2⁵² leaves no bits for a fraction, so the sum is rounded to an integer, ties to
      // even. A scale that is subnormal may be a little too small, hence the bounds.
      let rounded = (Double(value) / divisor + 0x1.8p52) - 0x1.8p52
      let integer = Int8(Swift.min(Swift.max(rounded, -127), 127))
      output[index] = UInt8(bitPattern: integer)
    }
  }
}

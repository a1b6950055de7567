extension TensorData {
  /// The values as 32-bit floats, rounded to nearest where the type is wider.
  ///
  /// Integers with scales give integer · scale, rounded once to float32.
  public func floats() -> [Float] {
    if let channelScales { return scaledValues(channelScales) }
    if let valuesInMemory { return valuesInMemory }
    if dtype == .float32 {
      return [Float](unsafeUninitializedCapacity: shape.elementCount) { buffer, count in
        withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
        count = shape.elementCount
      }
    }
    return withUnsafeBytes { bytes in
      switch dtype {
      case .float64: convert(bytes, as: UInt64.self) { Float(Double(bitPattern: $0)) }
      case .float32: convert(bytes, as: UInt32.self) { Float(bitPattern: $0) }
      case .float16: convert(bytes, as: UInt16.self) { Float(halfBits: $0) }
      case .bfloat16: convert(bytes, as: UInt16.self) { Float(bfloat16Bits: $0) }
      case .int64: convert(bytes, as: Int64.self) { Float($0) }
      case .int32: convert(bytes, as: Int32.self) { Float($0) }
      case .int16: convert(bytes, as: Int16.self) { Float($0) }
      case .int8: convert(bytes, as: Int8.self) { Float($0) }
      case .uint64: convert(bytes, as: UInt64.self) { Float($0) }
      case .uint32: convert(bytes, as: UInt32.self) { Float($0) }
      case .uint16: convert(bytes, as: UInt16.self) { Float($0) }
      case .uint8, .bool: convert(bytes, as: UInt8.self) { Float($0) }
      }
    }
  }

  /// A run of elements as 32-bit floats, rounded to nearest where the type is wider.
  ///
  /// - Precondition: the tensor has them.
  package func floats(from start: Int, count: Int) -> [Float] {
    precondition(start >= 0 && count >= 0 && start + count <= shape.elementCount)
    let width = dtype.byteWidth
    let bytes = withUnsafeBytes { Array($0[start * width..<(start + count) * width]) }
    return TensorData(dtype: dtype, shape: [count], bytes: bytes).floats()
  }

  /// The tensor as float32; the same one where it is that already, and lies so that it can be used in place.
  package func asFloat32() -> TensorData {
    let isInPlace = dtype == .float32 && withUnsafeBytes(\.isAlignedForFloats)
    return isInPlace ? self : TensorData(shape: shape, values: floats())
  }

  /// Gives the elements of a float32 tensor to a closure, without a copy where they are aligned.
  public func withFloats<Result>(
    _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    guard dtype == .float32 else { return try floats().withUnsafeBufferPointer(body) }
    return try withUnsafeBytes { bytes in
      if bytes.isAlignedForFloats { return try body(bytes.assumingMemoryBound(to: Float.self)) }
      return try floats().withUnsafeBufferPointer(body)
    }
  }

  private func scaledValues(_ scales: [Float]) -> [Float] {
    let perChannel = shape.elementCount / max(scales.count, 1)
    return withUnsafeBytes { bytes in
      [Float](unsafeUninitializedCapacity: shape.elementCount) { buffer, count in
        for (channel, scale) in scales.enumerated() {
          for index in channel * perChannel..<(channel + 1) * perChannel {
            buffer[index] = Float(Int8(bitPattern: bytes[index])) * scale
          }
        }
        count = shape.elementCount
      }
    }
  }

  private func convert<Bits: FixedWidthInteger>(
    _ bytes: UnsafeRawBufferPointer, as bits: Bits.Type, _ value: (Bits) -> Float
  ) -> [Float] {
    [Float](unsafeUninitializedCapacity: shape.elementCount) { buffer, count in
      for index in 0..<shape.elementCount {
        let loaded = bytes.loadUnaligned(
          fromByteOffset: index * MemoryLayout<Bits>.size, as: Bits.self)
        buffer[index] = value(Bits(littleEndian: loaded))
      }
      count = shape.elementCount
    }
  }
}

extension UnsafeRawBufferPointer {
  /// Whether the bytes begin where a float may; those of an archive's member may not.
  fileprivate var isAlignedForFloats: Bool {
    UInt(bitPattern: baseAddress) % UInt(MemoryLayout<Float>.alignment) == 0
  }
}

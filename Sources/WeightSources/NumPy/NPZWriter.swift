package import Files
package import Tensors

/// Writes arrays as a `.npz` archive, one after the other, so that only one is in memory at a time.
package struct NPZWriter {
  private var archive: ZipWriter

  /// Starts an archive.
  package init(to output: OutputFile) {
    archive = ZipWriter(to: output)
  }

  /// Appends an array.
  ///
  /// - Throws: `InputError` of kind `writeFailed`.
  package mutating func append(_ name: String, _ data: TensorData) throws {
    try data.withUnsafeBytes { elements in
      try archive.append("\(name).npy", head: Self.arrayHeader(data), elements)
    }
  }

  /// Writes the directory; the archive is whole then, and the caller commits the output.
  package func finish() throws {
    try archive.finish()
  }

  /// The header of an array file, version 1.0.
  private static func arrayHeader(_ data: TensorData) -> [UInt8] {
    let shape = data.shape.dimensions
    let tuple = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    let text = "{'descr': '\(descr(data.dtype))', 'fortran_order': False, 'shape': (\(tuple)), }"
    let total = (10 + text.utf8.count + 1 + 63) / 64 * 64
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
    bytes.append(littleEndian: UInt16(total - 10))
    bytes += text.utf8
    bytes += repeatElement(0x20, count: total - bytes.count - 1)
    bytes.append(0x0A)
    return bytes
  }

  /// NumPy has no bfloat16: its bits are written as the unsigned integers that they are.
  private static func descr(_ dtype: DType) -> String {
    switch dtype {
    case .float64: "<f8"
    case .float32: "<f4"
    case .float16: "<f2"
    case .bfloat16: "<u2"
    case .int64: "<i8"
    case .int32: "<i4"
    case .int16: "<i2"
    case .int8: "|i1"
    case .uint64: "<u8"
    case .uint32: "<u4"
    case .uint16: "<u2"
    case .uint8: "|u1"
    case .bool: "|b1"
    }
  }
}

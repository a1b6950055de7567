package import Files
package import Tensors

/// Writes tensors as a plain `.safetensors` file.
package enum SafetensorsWriter {
  /// Writes a whole file under the temporary name of an output; the caller commits it.
  ///
  /// - Precondition: names are distinct.
  /// - Throws: `InputError` of kind `writeFailed`.
  package static func write(
    _ tensors: [(name: String, data: TensorData)], metadata: [String: String] = [:],
    to output: OutputFile
  ) throws {
    let layout = SafetensorsLayout(
      tensors.map { TensorInfo(name: $0.name, dtype: $0.data.dtype, shape: $0.data.shape) })
    let header = layout.header(metadata: metadata)
    try output.reserve(header.count + layout.dataCount)
    try output.write(header, at: 0)
    let byName = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.data) })
    for (info, offset) in layout.entries {
      try byName[info.name]?.withUnsafeBytes { try output.write($0, at: header.count + offset) }
    }
  }
}

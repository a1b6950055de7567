package import Files
package import Tensors

/// Writes tensors as Keras' weights files of old: what `save_weights("x.h5")` made, and
/// `load_weights` reads.
package enum KerasH5Writer {
  /// A layer: its name and its weights in Keras' order, none for a layer without weights.
  package struct Layer: Sendable {
    package let name: String
    package let weights: [(variable: String, data: TensorData)]

    package init(name: String, weights: [(variable: String, data: TensorData)]) {
      self.name = name
      self.weights = weights
    }
  }

  /// Writes a file under the temporary name of an output; the caller commits it.
  ///
  /// - Throws: `InputError` of kind `writeFailed`.
  package static func write(_ layers: [Layer], to output: OutputFile) throws {
    var description = HDF5Description()
    description.scalar("backend", "tensorflow", of: "/")
    description.scalar("keras_version", "2.15.0", of: "/")
    description.list("layer_names", layers.map(\.name), of: "/")
    for layer in layers {
      description.group("/\(layer.name)")
      description.list(
        "weight_names", layer.weights.map { "\(layer.name)/\($0.variable):0" }, of: "/\(layer.name)"
      )
      if !layer.weights.isEmpty { description.group("/\(layer.name)/\(layer.name)") }
      for (variable, data) in layer.weights {
        description.dataset("/\(layer.name)/\(layer.name)/\(variable):0", data)
      }
    }
    description.end()
    try HDF5Child(path: output.path, accessPath: output.temporaryPath)
      .write(description.bytes)
  }
}

/// The description of a file as `rnw-hdf5 write` reads it.
struct HDF5Description {
  private(set) var bytes: [UInt8] = []

  mutating func group(_ path: String) {
    tag("G")
    bytes.append(text: path)
  }

  mutating func scalar(_ name: String, _ text: String, of path: String) {
    tag("S")
    bytes.append(text: path)
    bytes.append(text: name)
    bytes.append(text: text)
  }

  mutating func list(_ name: String, _ texts: [String], of path: String) {
    tag("L")
    bytes.append(text: path)
    bytes.append(text: name)
    bytes.append(littleEndian: UInt32(texts.count))
    for text in texts { bytes.append(text: text) }
  }

  mutating func dataset(_ path: String, _ data: TensorData) {
    tag("D")
    bytes.append(text: path)
    bytes.append(UInt8(data.shape.rank))
    for dimension in data.shape.dimensions { bytes.append(littleEndian: UInt64(dimension)) }
    data.withUnsafeBytes { bytes.append(contentsOf: $0) }
  }

  mutating func end() {
    tag("E")
  }

  private mutating func tag(_ letter: Unicode.Scalar) {
    bytes.append(UInt8(ascii: letter))
  }
}

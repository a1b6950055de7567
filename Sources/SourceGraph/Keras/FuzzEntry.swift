import Tensors

/// The reader of configurations as a fuzzer calls it: bytes in, nothing out, and every refusal is fine.
package enum FuzzEntry {
  /// The configuration of a Keras model.
  package static func configuration(_ bytes: [UInt8]) {
    let json = String(decoding: bytes, as: UTF8.self)
    guard let graph = try? SourceGraph(keras: json, version: "3.0.0", path: "input") else { return }
    _ = try? graph.shapes(for: [1, 32, 32, 3])
  }
}

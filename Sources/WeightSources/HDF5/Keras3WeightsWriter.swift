package import Files
import Tensors

/// Writes tensors as `model.save_weights("x.weights.h5")` of Keras 3 does, for its `load_weights`.
///
/// Keras names a layer's group by its class and counts the layers of each class in the order of the model.
package enum Keras3WeightsWriter {
  /// Writes a file under the temporary name of an output; the caller commits it.
  ///
  /// - Parameter layers: in the order of the model, each with its weights in Keras' order.
  /// - Throws: `InputError` of kind `writeFailed`.
  package static func write(_ layers: [KerasH5Writer.Layer], to output: OutputFile) throws {
    let description = description(
      of: layers.compactMap { layer in
        layer.kind.map { (kind: $0, name: layer.name, weights: layer.weights.map(\.data)) }
      })
    try HDF5Child(path: output.path, accessPath: output.temporaryPath)
      .write(description.bytes)
  }

  /// The description of a file.
  ///
  /// - Parameter layers: those with weights, each with its class as Keras writes it in groups.
  static func description(
    of layers: [(kind: String, name: String, weights: [TensorData])]
  ) -> HDF5Description {
    var description = HDF5Description()
    var counts: [String: Int] = [:]
    description.group("/vars")
    description.group("/layers")
    for layer in layers {
      let number = counts[layer.kind, default: 0]
      counts[layer.kind] = number + 1
      let group = "/layers/\(layer.kind)" + (number > 0 ? "_\(number)" : "")
      description.group(group)
      description.group("\(group)/vars")
      description.scalar("name", layer.name, of: "\(group)/vars")
      for (index, weight) in layer.weights.enumerated() {
        description.dataset("\(group)/vars/\(index)", weight)
      }
    }
    description.end()
    return description
  }
}

extension KerasH5Writer.Layer {
  /// The layer's class as Keras writes it in groups; `nil` for one without weights, which Keras asks nothing of.
  fileprivate var kind: String? {
    guard let first = weights.first else { return nil }
    return switch first.data.shape.rank {
    case 4: "conv2d"
    case 2: "dense"
    default: "batch_normalization"
    }
  }
}

package import Files
package import Plain
import SourceGraph
package import Tensors

/// A functional model of Keras as it is to be written.
package struct KerasDraft: Sendable {
  /// What the model is called.
  package var name: String
  /// What the file says of itself beside the version of Keras.
  package var metadata: [String: String] = [:]
  /// The layers, each after those that it reads; the first is the input, the last the output.
  package var layers: [Layer] = []

  package init(name: String) {
    self.name = name
  }

  /// A layer, or an operation that stands in its place.
  package struct Layer: Sendable {
    /// A name that no other layer has, without strokes.
    package var name: String
    /// The class, such as `Conv2D`.
    package var className: String
    /// The module of an operation, such as `keras.src.ops.numpy`; `nil` for a layer.
    package var module: String?
    /// The settings but for the name.
    package var settings: [String: JSONValue]
    /// The layers that are read.
    package var inputs: [Int]
    /// What it is called with besides.
    package var arguments: [String: JSONValue] = [:]
    /// The weights in Keras' order.
    package var weights: [TensorData] = []
    /// The sizes of the value; those that are open are `nil`.
    package var sizes: [Int?]

    package init(
      name: String, className: String, module: String? = nil, settings: [String: JSONValue],
      inputs: [Int], sizes: [Int?]
    ) {
      (self.name, self.className, self.module) = (name, className, module)
      (self.settings, self.inputs, self.sizes) = (settings, inputs, sizes)
    }
  }
}

/// Writes a model as `model.save("x.keras")` of Keras 3 does, for its `load_model`.
package enum KerasModelWriter {
  /// The version of Keras whose form this is.
  private static let version = "3.15.1"

  /// Writes a whole file under the temporary name of an output; the caller commits it.
  ///
  /// - Throws: `InputError` of kind `writeFailed`.
  package static func write(_ draft: KerasDraft, to output: OutputFile) throws {
    let order = draft.layerOrder
    var metadata = draft.metadata.mapValues(JSONValue.text)
    metadata["keras_version"] = .text(version)
    let weights = Keras3WeightsWriter.description(
      of: order.map { draft.layers[$0] }.filter { !$0.weights.isEmpty }.map {
        (kind: $0.className.snakeCased, name: $0.name, weights: $0.weights)
      })
    // Never committed, so that it goes again: the library needs a file of its own, with a name.
    let part = try OutputFile(path: "\(output.temporaryPath).weights", replacing: false)
    try HDF5Child(path: output.path, accessPath: part.temporaryPath).write(weights.bytes)
    let file = try MappedFile(path: part.temporaryPath)
    var archive = ZipWriter(to: output)
    for (name, value) in [
      ("metadata.json", .object(metadata)), ("config.json", draft.configuration(in: order)),
    ] {
      try Array(value.json.utf8).withUnsafeBytes { try archive.append(name, $0) }
    }
    try withExtendedLifetime(part) {
      try file.withUnsafeBytes { try archive.append("model.weights.h5", $0) }
    }
    try archive.finish()
  }
}

extension KerasDraft {
  /// The layers in the order in which Keras lists them, and by which it counts those of a class: by how many layers follow
  /// them at most, the most first; then as they are met on the way from the output to the input.
  fileprivate var layerOrder: [Int] {
    var following = [Int](repeating: 0, count: layers.count)
    for index in layers.indices.reversed() {
      for input in layers[index].inputs {
        following[input] = max(following[input], following[index] + 1)
      }
    }
    var visits = [Int?](repeating: nil, count: layers.count)
    var visited = 0
    var open = [layers.count - 1]
    while let index = open.popLast() {
      guard visits[index] == nil else { continue }
      visits[index] = visited
      visited += 1
      // The first that is read is looked at first.
      open += layers[index].inputs.reversed()
    }
    return layers.indices.filter { visits[$0] != nil }
      .sorted { (-following[$0], visits[$0] ?? 0) < (-following[$1], visits[$1] ?? 0) }
  }

  /// What Keras builds the model from.
  fileprivate func configuration(in order: [Int]) -> JSONValue {
    .object([
      "module": .text("keras.src.models.functional"), "class_name": .text("Functional"),
      "registered_name": .text("Functional"),
      "config": .object([
        "name": .text(name), "trainable": .bool(true),
        "layers": .list(order.map { description(of: layers[$0]) }),
        "input_layers": reference(to: 0), "output_layers": reference(to: layers.count - 1),
      ]),
    ])
  }

  private func description(of layer: Layer) -> JSONValue {
    var settings = layer.settings
    settings["name"] = .text(layer.name)
    if layer.module == nil {
      settings["dtype"] = .text("float32")
      if !layer.inputs.isEmpty { settings["trainable"] = .bool(true) }
    }
    return .object([
      "module": .text(layer.module ?? "keras.layers"), "class_name": .text(layer.className),
      "registered_name": layer.module == nil ? .null : .text(layer.className),
      "name": .text(layer.name), "config": .object(settings),
      "inbound_nodes": .list(layer.inputs.isEmpty ? [] : [call(of: layer)]),
    ])
  }

  /// A layer that adds values takes them as a list.
  private func call(of layer: Layer) -> JSONValue {
    let values = layer.inputs.map { input in
      JSONValue.object([
        "class_name": .text("__keras_tensor__"),
        "config": .object([
          "shape": .list(layers[input].sizes.map { $0.map(JSONValue.integer) ?? .null }),
          "dtype": .text("float32"), "keras_history": reference(to: input),
        ]),
      ])
    }
    return .object([
      "args": .list(values.count > 1 ? [.list(values)] : values),
      "kwargs": .object(layer.arguments),
    ])
  }

  /// The first value of the first call.
  private func reference(to layer: Int) -> JSONValue {
    .list([.text(layers[layer].name), .integer(0), .integer(0)])
  }
}

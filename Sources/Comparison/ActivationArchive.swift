package import Families
package import Files
package import Inference
package import ResNetV2
package import Tensors

/// What a framework computed: arrays under the family's own layer names in the family's own layout,
/// and the input that they were computed from.
package struct ActivationArchive: LayerTruth {
  private let source: any WeightSource
  private let layout: LayerNames.Layout
  private let arrays: [String: TensorInfo]
  private let inputArray: TensorInfo?

  /// Which array is which layer; arrays and layers without a partner are listed.
  package let assignment: LayerNames.Assignment

  /// Finds the layers of a graph among the arrays of a file, by name.
  ///
  /// - Throws: `InputError` where no array belongs to a layer, or an array is not of numbers.
  package init(_ source: any WeightSource, graph: Graph, layerNames: LayerNames) throws(InputError)
  {
    self.source = source
    layout = layerNames.layout
    arrays = Dictionary(source.tensors.map { ($0.name, $0) }) { first, _ in first }
    var assignment = layerNames.assignment(
      of: graph.nodes.map(\.name), to: source.tensors.map(\.name))
    hasOutput = assignment.takeOutput(of: graph, layerNames: layerNames)
    self.assignment = assignment
    inputArray = Self.inputArray(in: source, layerNames: layerNames)
    guard !assignment.arrays.isEmpty else {
      let examples = source.tensors.prefix(3).map(\.name).joined(separator: ", ")
      throw InputError(
        .badData, path: source.path, "holds no activation of this network's layers",
        place: source.tensors.isEmpty ? "it is empty" : "its arrays are \(examples), …",
        hint: "arrays must have the family's own layer names, such as "
          + (assignment.missing.first ?? "conv1"))
    }
  }

  /// The file.
  package var path: String { source.path }

  /// Whether the archive has, as `output`, what the model itself gives, whatever comes after its last layer.
  package let hasOutput: Bool

  /// Whether the archive has the input that it was computed from.
  package var hasInput: Bool { inputArray != nil }

  /// The input as [N, H, W, C].
  ///
  /// - Throws: `InputError` where there is none or it cannot be read.
  package func recordedInput() throws -> Activation? {
    guard let inputArray else {
      throw InputError(
        .badData, path: source.path, "has no array 'input'",
        place: "the activations must come with the input that they were computed from")
    }
    guard inputArray.shape.rank == 4 else {
      throw InputError(
        .badData, path: source.path, "array '\(inputArray.name)' is \(inputArray.shape)",
        place: "expected \(layout == .nhwc ? "N×H×W×C" : "N×C×H×W")")
    }
    let tensor = try source.tensor(named: inputArray.name)
    let input = activation(of: tensor)
    try input.requireFinite(path: source.path)
    return input
  }

  /// Checks the shapes of all arrays against those of their layers, before anything is read.
  ///
  /// - Throws: `InputError` that names the first array with another shape than its layer.
  package func check(_ graph: Graph, shapes: [Shape], input: Shape) throws(InputError) {
    guard let (name, found, expected) = firstMisshapen(graph, shapes: shapes) else { return }
    throw InputError(
      .badData, path: source.path, "array '\(name)' is \(found)", place: "expected \(expected)",
      hint: hint(for: graph, input: input))
  }

  private func firstMisshapen(
    _ graph: Graph, shapes: [Shape]
  ) -> (name: String, found: Shape, expected: Shape)? {
    for (node, expected) in zip(graph.nodes, shapes) {
      guard let name = assignment.arrays[node.name], let array = arrays[name] else { continue }
      let shape = layout.shape(of: expected)
      guard array.shape == shape || array.shape.isImageOfOnePixel(of: shape) else {
        return (name, array.shape, shape)
      }
    }
    return nil
  }

  /// Which network would have arrays of these shapes, where a change of strides makes one.
  private func hint(for graph: Graph, input: Shape) -> String? {
    var first = graph.configuration
    first.block.stridedBlock = first.block.stridedBlock == .first ? .last : .first
    var second = graph.configuration
    second.block.stridedConvolution = second.block.stridedConvolution == .first ? .spatial : .first
    let changes = [
      (first, "the stride in the \(first.block.stridedBlock.rawValue) block of each stage"),
      (
        second,
        "the stride in the \(second.block.stridedConvolution.rawValue) convolution of a block"
      ),
    ]
    for (configuration, text) in changes {
      guard let other = try? Graph(configuration), let shapes = try? other.shapes(for: input),
        firstMisshapen(other, shapes: shapes) == nil
      else { continue }
      return "the arrays are those of a network with \(text)"
    }
    return nil
  }

  /// By how much values may be off, in units of the largest, because the archive's type rounded
  /// them.
  ///
  /// An isolated layer also starts from rounded inputs, and a norm can make more of that.
  package func allowance(for node: String, isolated: Bool) -> Double {
    guard let name = assignment.arrays[node], let array = arrays[name] else { return 0 }
    let rounding =
      switch array.dtype {
      case .float16: 0x1p-11
      case .bfloat16: 0x1p-8
      default: 0.0
      }
    return isolated ? 8 * rounding : rounding
  }

  /// The archive's own values: they are those for the one input that it was made from.
  package func values(for input: Activation) -> Values { value }

  private func value(of node: String, shape: Shape) throws -> Activation? {
    guard let name = assignment.arrays[node] else { return nil }
    let tensor = try source.tensor(named: name)
    defer { tensor.releasePages() }
    if tensor.shape.rank != shape.rank {
      return Activation(shape: shape, values: tensor.floats())
    }
    return activation(of: tensor)
  }

  package func unknownValue(named name: String, shape: Shape) throws -> Activation? {
    guard let array = arrays[name], array.shape == layout.shape(of: shape) else { return nil }
    return activation(of: try source.tensor(named: name))
  }

  private func activation(of tensor: TensorData) -> Activation {
    let values = tensor.floats()
    guard layout == .nchw, tensor.shape.rank == 4 else {
      return Activation(shape: tensor.shape, values: values)
    }
    return Activation(channelsFirst: tensor.shape, values: values)
  }

  private static func inputArray(
    in source: any WeightSource, layerNames: LayerNames
  ) -> TensorInfo? {
    if let array = source.tensors.first(where: { $0.name == "input" }) { return array }
    guard let name = layerNames.name(of: "input") else { return nil }
    return source.tensors.first { array in
      guard array.name.hasPrefix(name) else { return false }
      let rest = array.name.dropFirst(name.count)
      return rest.isEmpty || rest.first == "_" && Int(rest.dropFirst()) != nil
    }
  }
}

extension LayerNames.Assignment {
  /// Gives an array `output` that is no layer's to the last node: it says more than that of the last layer.
  fileprivate mutating func takeOutput(of graph: Graph, layerNames: LayerNames) -> Bool {
    let (array, node) = ("output", graph.nodes[graph.outputIndex].name)
    guard let index = unknown.firstIndex(of: array) else { return false }
    unknown.remove(at: index)
    if let layer = arrays.updateValue(array, forKey: node) { folded.append(layer) }
    missing.removeAll { $0 == layerNames.name(of: node) }
    return true
  }
}

extension Shape {
  /// Whether this is the features [N, C] kept as an image of one pixel.
  fileprivate func isImageOfOnePixel(of features: Shape) -> Bool {
    guard features.rank == 2, rank == 4, self[0] == features[0] else { return false }
    return elementCount == features.elementCount
      && (self[1] == features[1] || self[3] == features[1])
  }
}

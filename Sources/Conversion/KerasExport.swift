import Families
import Files
import Inference
import Plain
import ResNetV2
import Tensors
import WeightSources

/// A network as a functional model of Keras: a layer or a few for each of its nodes, with images as NHWC.
///
/// Layers have the names of a Keras family where one has such a network, else the canonical ones with underscores. Weights
/// that are standardised before use are written as they are used.
struct KerasExport {
  private(set) var draft: KerasDraft
  private let graph: Graph
  private let parameters: Parameters
  /// What a family calls the layers.
  private let names: LayerNames?
  private var usedNames: Set<String> = []
  /// Which layer of the model has each node's value.
  private var values: [Int: Int] = [:]

  /// - Parameter usual: the image that the network is usually run on.
  /// - Throws: `InputError` that names the first node that Keras has no layers for.
  init(
    _ parameters: Parameters, of graph: Graph, family: Family, usual: Shape,
    renamed: [String: String], path: String
  ) throws {
    (self.graph, self.parameters) = (graph, parameters)
    let configuration = graph.configuration
    let named = ([family] + Family.all).first {
      $0.hasKerasNames && $0.canExpress(configuration)
    }
    names = named.map { $0.layerNames(for: graph, renamed: $0.id == family.id ? renamed : [:]) }
    draft = KerasDraft(
      name: Self.plain((named ?? family).architectureName(of: configuration)))
    draft.metadata["rnw.configuration"] = try RecordCoding.json(configuration.inKeras)
    let image = try graph.requiredImage(usual: usual, path: path)
    for (index, node) in graph.nodes.enumerated() where values[index] == nil {
      guard let layer = append(node, index, image: image) else {
        throw InputError(
          .cannotCreate, path: path, "has a layer that Keras has none for", place: node.name,
          hint: ".onnx has operators for more")
      }
      values[index] = layer
    }
  }

  /// Writes the model.
  func write(to output: OutputFile) throws {
    try KerasModelWriter.write(draft, to: output)
  }

  // MARK: - Nodes

  /// Appends what a node does, and returns the layer that has its value.
  private mutating func append(_ node: Node, _ index: Int, image: Shape?) -> Int? {
    let reads = node.inputs.compactMap { values[$0] }
    guard let x = reads.first else {
      let sizes = [nil, image?[1], image?[2], graph.configuration.input.channels]
      return add(
        "InputLayer", name(of: node),
        ["batch_shape": .list(sizes.map { $0.map(JSONValue.integer) ?? .null })], [], sizes: sizes)
    }
    switch node.operation {
    case .input: return nil
    case .adjust(let scale, let offset, let reversesChannels):
      return adjust(node, x, scale, offset, reversesChannels)
    case .convolution(let conv): return convolution(node, conv, x)
    case .norm(let norm, let channels, let affine):
      return self.norm(node, norm, channels, affine, x)
    case .activation(let activation): return function(node, activation, x)
    case .maxPool(let pool): return maxPool(node, pool, x)
    case .averagePool(let pool):
      guard let isSame = pool.padding.isSame else { return nil }
      return window("AveragePooling2D", node, pool.size, pool.stride, isSame: isSame, x)
    case .subsample(let stride):
      return window("MaxPooling2D", node, 1, stride, isSame: false, x)
    case .padChannels(let before, let after):
      return pad(name(of: node), x, [[0, 0], [0, 0], [0, 0], [before, after]], with: 0)
    case .add:
      return add("Add", name(of: node), [:], reads, sizes: draft.layers[x].sizes)
    case .globalAverage, .globalMaximum:
      let kind =
        node.operation == .globalAverage ? "GlobalAveragePooling2D" : "GlobalMaxPooling2D"
      return add(
        kind, name(of: node), ["data_format": channelsLast, "keepdims": .bool(false)], [x],
        sizes: [nil, channels(of: x)])
    case .flatten(let height, let width, let channelsFirst):
      return flatten(node, height * width, channelsFirst: channelsFirst, x)
    case .dense(_, let outputs, let hasBias):
      return dense(node, index, outputs, hasBias: hasBias, x)
    }
  }

  private mutating func adjust(
    _ node: Node, _ x: Int, _ scale: [Double], _ offset: [Double], _ reverses: Bool
  ) -> Int {
    var x = x
    let sizes = draft.layers[x].sizes
    let isRescaled = !scale.isEmpty || !offset.isEmpty
    if reverses {
      x = add(
        "Flip", isRescaled ? "\(name(of: node))_flip" : name(of: node), ["axis": .integer(-1)], [x],
        sizes: sizes, module: "keras.src.ops.numpy")
    }
    guard isRescaled else { return x }
    return add(
      "Rescaling", name(of: node),
      [
        "scale": scale.isEmpty ? .number(1) : .list(scale.map(JSONValue.number)),
        "offset": offset.isEmpty ? .number(0) : .list(offset.map(JSONValue.number)),
      ], [x], sizes: sizes)
  }

  private mutating func convolution(
    _ node: Node, _ conv: Operation.Convolution, _ x: Int
  ) -> Int? {
    // Keras has a stride or a dilation.
    guard conv.stride == 1 || conv.dilation == 1 else { return nil }
    var (x, isSame) = (x, conv.padding == .same)
    if case .each(let width) = conv.padding, width > 0 {
      let border = names?.folded.first { $0.node == node.name }?.name
      // Without a stride SAME is as wide on every side.
      if border == nil, conv.stride == 1, conv.span == 2 * width + 1 {
        isSame = true
      } else {
        x = zeros(border ?? "\(name(of: node))_pad", x, width)
      }
    }
    var settings = windowSettings(conv.stride, isSame: isSame)
    settings["kernel_size"] = square(conv.kernel)
    settings["dilation_rate"] = square(conv.dilation)
    settings["filters"] = .integer(conv.outputChannels)
    settings["use_bias"] = .bool(conv.hasBias)
    return add(
      "Conv2D", name(of: node), settings, [x],
      weights: weights(of: node, standardizing: conv.weightStandardizationEpsilon),
      sizes: [nil, nil, nil, conv.outputChannels])
  }

  private mutating func maxPool(_ node: Node, _ pool: Operation.Pool, _ x: Int) -> Int {
    var x = x
    let border = names?.folded.first { $0.node == node.name }?.name ?? "\(name(of: node))_pad"
    switch pool.padding {
    case .zero(let width) where width > 0:
      x = zeros(border, x, width)
    case .ignored(let width) where width > 0:
      // A zero wins over nothing that is not negative.
      if graph.nodes[node.inputs[0]].operation.isNeverNegative {
        x = zeros(border, x, width)
      } else {
        let sides = [width, width]
        x = pad(border, x, [[0, 0], sides, sides, [0, 0]], with: -.infinity)
      }
    case .zero, .ignored, .same: break
    }
    return window(
      "MaxPooling2D", node, pool.size, pool.stride, isSame: pool.padding == .same, x)
  }

  /// A norm without statistics has a mean of 0 and a variance that is 1 with its ε.
  private mutating func norm(
    _ node: Node, _ norm: Configuration.Norm, _ channels: Int, _ affine: Operation.Affine, _ x: Int
  ) -> Int? {
    var settings: [String: JSONValue] = [
      "axis": .integer(-1), "scale": .bool(affine.hasScale), "center": .bool(affine.hasShift),
    ]
    var weights = weights(of: node)
    let kind: String
    switch norm {
    case .batch(let epsilon):
      kind = "BatchNormalization"
      settings["epsilon"] = .number(epsilon)
      settings["momentum"] = .number(0.99)
      if !affine.hasStatistics {
        guard (0..<0.5).contains(epsilon) else { return nil }
        weights += [0, 1 - Float(epsilon)].map { value in
          TensorData(
            shape: [channels], values: [Float](repeating: value, count: channels))
        }
      }
    case .group(let count, let epsilon):
      guard draft.layers[x].sizes.count == 4 else { return nil }
      kind = "GroupNormalization"
      settings["epsilon"] = .number(epsilon)
      settings["groups"] = .integer(count)
    }
    return add(
      kind, name(of: node), settings, [x], weights: weights, sizes: draft.layers[x].sizes)
  }

  private mutating func function(
    _ node: Node, _ activation: ActivationFunction, _ x: Int
  ) -> Int? {
    guard let layer = activation.kerasLayer else { return nil }
    return add(
      layer.className, name(of: node), layer.settings, [x], sizes: draft.layers[x].sizes,
      module: layer.module)
  }

  private mutating func flatten(_ node: Node, _ pixels: Int, channelsFirst: Bool, _ x: Int) -> Int {
    var x = x
    let channels = channels(of: x)
    if channelsFirst {
      x = add(
        "Permute", "\(name(of: node))_permute", ["dims": .list([3, 1, 2].map(JSONValue.integer))],
        [x], sizes: [nil, channels, nil, nil])
    }
    return add(
      "Flatten", name(of: node), ["data_format": channelsLast], [x],
      sizes: [nil, channels.map { $0 * pixels }])
  }

  /// A dense layer, and the function that follows it where a family's layer includes that.
  private mutating func dense(
    _ node: Node, _ index: Int, _ outputs: Int, hasBias: Bool, _ x: Int
  ) -> Int {
    var settings: [String: JSONValue] = [
      "units": .integer(outputs), "use_bias": .bool(hasBias), "activation": .text("linear"),
    ]
    var name = name(of: node)
    if let names, names.name(of: node.name) == nil, index + 1 < graph.nodes.count,
      case .activation(let activation) = graph.nodes[index + 1].operation,
      let own = names.name(of: graph.nodes[index + 1].name), let function = activation.kerasName
    {
      name = own
      settings["activation"] = .text(function)
      values[index + 1] = draft.layers.count
    }
    return add(
      "Dense", name, settings, [x], weights: weights(of: node),
      sizes: draft.layers[x].sizes.dropLast() + [outputs])
  }

  // MARK: - Parts

  private mutating func window(
    _ kind: String, _ node: Node, _ size: Int, _ stride: Int, isSame: Bool, _ x: Int
  ) -> Int {
    var settings = windowSettings(stride, isSame: isSame)
    settings["pool_size"] = square(size)
    return add(kind, name(of: node), settings, [x], sizes: draft.layers[x].sizes)
  }

  private mutating func zeros(_ name: String, _ x: Int, _ width: Int) -> Int {
    let sides = square(width)
    return add(
      "ZeroPadding2D", name, ["padding": .list([sides, sides]), "data_format": channelsLast], [x],
      sizes: draft.layers[x].sizes)
  }

  /// Values before and after others along each axis: what no layer of Keras does, but an operation.
  private mutating func pad(_ name: String, _ x: Int, _ widths: [[Int]], with value: Double) -> Int
  {
    let widths = widths.map { JSONValue.list($0.map(JSONValue.integer)) }
    let added = widths.last?.elements?.compactMap(\.integer).reduce(0, +) ?? 0
    return add(
      "Pad", name, ["pad_width": .list(widths), "mode": .text("constant")], [x],
      arguments: ["constant_values": .number(value)],
      sizes: draft.layers[x].sizes.dropLast() + [channels(of: x).map { $0 + added }],
      module: "keras.src.ops.numpy")
  }

  private mutating func add(
    _ kind: String, _ name: String, _ settings: [String: JSONValue], _ inputs: [Int],
    arguments: [String: JSONValue] = [:], weights: [TensorData] = [], sizes: [Int?],
    module: String? = nil
  ) -> Int {
    var layer = KerasDraft.Layer(
      name: unused(name), className: kind, module: module, settings: settings, inputs: inputs,
      sizes: sizes)
    (layer.arguments, layer.weights) = (arguments, weights)
    draft.layers.append(layer)
    return draft.layers.count - 1
  }

  /// A node's weights in Keras' order and layouts.
  private func weights(of node: Node, standardizing epsilon: Double? = nil) -> [TensorData] {
    node.parameters.map { parameter in
      var data = parameters[parameter].asFloat32()
      guard parameter.role == .weight else { return data }
      if let epsilon { data = data.standardized(epsilon: epsilon) }
      return data.outputChannelsLast()
    }
  }

  private func windowSettings(_ stride: Int, isSame: Bool) -> [String: JSONValue] {
    [
      "strides": square(stride), "padding": .text(isSame ? "same" : "valid"),
      "data_format": channelsLast,
    ]
  }

  private func square(_ side: Int) -> JSONValue { .list([.integer(side), .integer(side)]) }

  private var channelsLast: JSONValue { .text("channels_last") }

  private func channels(of layer: Int) -> Int? { draft.layers[layer].sizes.last ?? nil }

  // MARK: - Names

  private func name(of node: Node) -> String {
    names?.name(of: node.name) ?? Self.plain(node.name)
  }

  /// A name that no layer has yet: Keras too counts those that it makes up, such as `max_pooling2d`.
  private mutating func unused(_ name: String) -> String {
    let own = name.replacing("/", with: "_")
    var (name, number) = (own, 0)
    while !usedNames.insert(name).inserted {
      number += 1
      name = "\(own)_\(number)"
    }
    return name
  }

  /// A name of letters, digits and underscores.
  private static func plain(_ name: String) -> String {
    name.split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }.joined(separator: "_")
  }
}

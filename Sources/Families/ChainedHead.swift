import Files
import ResNetV2
import Tensors

/// Finds the head among the tensors that a network leaves over, by what each layer reads and puts out.
///
/// Keras counts the names of layers by class (`dense`, `dense_1`, `batch_normalization_49`), so that names alone do not
/// tell the order of a dense layer and a norm. An order is taken where no other fits.
struct ChainedHead {
  /// The tensors beside the network before the head, by the family's names where it has any for them.
  let left: [String: TensorInfo]
  let family: Family
  /// The channels of the feature map.
  let channels: Int

  /// Keras' own ε, which its builder changes for the network but a user rarely for a head.
  private static let usualEpsilon = 1e-3

  /// The head; `nil` where the tensors are none.
  ///
  /// - Throws: `InputError` where several orders fit.
  func find(path: String) throws(InputError) -> FoundHead? {
    guard let layers = layers(), !layers.isEmpty, layers.contains(where: \.isDense) else {
      return nil
    }
    var orders: [[Layer]] = []
    for first in layers {
      guard pooling(before: first) != nil, mayComeNext(first, among: layers) else { continue }
      collect([first], layers.filter { $0.name != first.name }, into: &orders)
    }
    guard orders.count < 2 else {
      throw InputError(
        .badData, path: path, "does not tell the order of its head",
        place: layers.map(\.name).joined(separator: ", "),
        hint: "a whole model (.keras, or .h5 by save()) does")
    }
    guard let order = orders.first, let pooling = pooling(before: order[0]) else { return nil }
    return head(pooling, order)
  }

  /// The head of layers in order.
  private func head(_ pooling: Configuration.Head.Pooling, _ order: [Layer]) -> FoundHead {
    var found = FoundHead(head: .init(pooling: pooling))
    if case .flatten(let height, let width, _) = pooling {
      found.assume("\(height)×\(width) pixels side by side")
    }
    var names: [String?] = []
    var tensors: [[Parameter.Role: TensorInfo]] = []
    for (index, layer) in order.enumerated() {
      let place = found.head.layers.count
      if case .norm = layer.configuration {
        found.assume("\(Self.usualEpsilon) at \(layer.name)", .epsilon(index: place))
      }
      found.head.layers.append(layer.configuration)
      names.append(layer.name)
      tensors.append(layer.parameters)
      guard layer.isDense else { continue }
      let isLast = index == order.count - 1
      guard let function = isLast ? family.options.head.lastActivation : .relu else { continue }
      if !isLast {
        found.assume("\(function.title) at \(layer.name)", .activation(index: place + 1))
      }
      found.head.layers.append(.activation(function))
      names.append(layer.name)
      tensors.append([:])
    }
    for (node, (name, parameters)) in zip(found.head.layerNames, zip(names, tensors)) {
      found.names[node] = name
      for (role, tensor) in parameters { found.tensors["\(node).\(role.rawValue)"] = tensor }
    }
    return found
  }

  // MARK: - Order

  /// Adds every order of the rest in which each layer reads what the one before it puts out, up to two.
  private func collect(_ order: [Layer], _ rest: [Layer], into orders: inout [[Layer]]) {
    guard let last = order.last, orders.count < 2 else { return }
    guard !rest.isEmpty else {
      orders.append(order)
      return
    }
    for layer in rest where layer.inputs == last.outputs && mayComeNext(layer, among: rest) {
      collect(order + [layer], rest.filter { $0.name != layer.name }, into: &orders)
    }
  }

  /// Whether no layer of the same class has a lower number.
  private func mayComeNext(_ layer: Layer, among rest: [Layer]) -> Bool {
    !rest.contains { $0.word == layer.word && $0.number < layer.number }
  }

  /// How the feature map becomes as many values as a layer reads; `nil` where it cannot.
  private func pooling(before first: Layer) -> Configuration.Head.Pooling? {
    if first.inputs == channels { return .average }
    guard channels > 0, first.inputs.isMultiple(of: channels) else { return nil }
    let pixels = first.inputs / channels
    let side = Int(Double(pixels).squareRoot())
    guard side > 1, side * side == pixels else { return nil }
    return .flatten(height: side, width: side, channelsFirst: false)
  }

  // MARK: - Layers

  /// A layer of a head.
  private struct Layer {
    let name: String
    /// The name without the number that Keras counts.
    let word: Substring
    let number: Int
    let configuration: Configuration.Head.Layer
    let parameters: [Parameter.Role: TensorInfo]
    let inputs: Int
    let outputs: Int

    var isDense: Bool {
      if case .dense = configuration { return true }
      return false
    }

    init?(_ name: String, _ parameters: [Parameter.Role: TensorInfo]) {
      self.name = name
      self.parameters = parameters
      let digits = name.reversed().prefix { $0.isASCII && $0.isNumber }.count
      let isCounted = (1...6).contains(digits) && name.dropLast(digits).hasSuffix("_")
      word = isCounted ? name.dropLast(digits + 1) : name[...]
      number = isCounted ? Int(name.suffix(digits)) ?? 0 : 0
      if let kernel = parameters[.weight]?.shape, kernel.rank == 2,
        Set(parameters.keys).isSubset(of: [.weight, .bias])
      {
        (inputs, outputs) = (kernel[0], kernel[1])
        configuration = .dense(outputs: outputs, hasBias: parameters[.bias] != nil)
      } else if let mean = parameters[.mean]?.shape, parameters[.variance] != nil, mean.rank == 1,
        Set(parameters.keys).isSubset(of: [.mean, .variance, .scale, .shift])
      {
        (inputs, outputs) = (mean[0], mean[0])
        configuration = .norm(
          .batch(epsilon: ChainedHead.usualEpsilon), hasScale: parameters[.scale] != nil,
          hasShift: parameters[.shift] != nil)
      } else {
        return nil
      }
    }
  }

  /// All that is left as layers; `nil` where some of it is none.
  private func layers() -> [Layer]? {
    var parts: [String: [Parameter.Role: TensorInfo]] = [:]
    for (name, tensor) in left {
      guard let (layer, role) = split(name), parts[layer]?[role] == nil else { return nil }
      parts[layer, default: [:]][role] = tensor
    }
    let layers = parts.sorted { $0.key < $1.key }.compactMap { Layer($0.key, $0.value) }
    return layers.count == parts.count ? layers : nil
  }

  /// A tensor's name as its layer's own name and its role.
  private func split(_ name: String) -> (layer: String, role: Parameter.Role)? {
    let parts = name.split(separator: "/").map(String.init)
    if parts.count > 2, parts[parts.count - 2] == "vars", let number = Int(parts[parts.count - 1]) {
      let layer = parts[parts.count - 3]
      let roles: [Parameter.Role] =
        layer.hasPrefix("dense")
        ? [.weight, .bias]
        : layer.hasPrefix("batch_normalization") ? [.scale, .shift, .mean, .variance] : []
      guard roles.indices.contains(number) else { return nil }
      return (layer, roles[number])
    }
    for (role, suffix) in family.tensors.roles where name.hasSuffix(suffix) && parts.count > 1 {
      return (parts[parts.count - 2], role)
    }
    return nil
  }
}

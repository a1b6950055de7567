import Files
import ResNetV2
import Tensors

/// Finds a head whose layers may have any name, as Keras' do, by what each layer reads and puts out.
///
/// Keras counts the names of layers by class (`dense`, `dense_1`, `batch_normalization_49`), so that names alone do not
/// tell the order of a dense layer and a norm. An order is taken where no other fits, else where it is the file's own.
struct ChainedHead {
  /// The tensors that the network before it leaves over, and those beside it, by the family's names where it has any
  /// for them.
  let candidates: [String: TensorInfo]
  /// The place of each tensor in its file.
  let positions: [String: Int]
  /// Whether the file lists functions that stand apart from the layers; `nil` where it does not tell.
  let hasOwnActivations: Bool?
  let family: Family
  /// The channels of the feature map.
  let channels: Int
  let path: String

  /// Keras' own ε, which its builder changes for the network but a user rarely for a head.
  private static let usualEpsilon = 1e-3

  /// More layers than any head has.
  private static let maximumLayers = 16

  /// Finds the layers; what is no layer of such a head is left over.
  ///
  /// - Throws: `InputError` where no order fits, or several do.
  func find(_ freeHead: FreeHead) throws(InputError) -> FoundHead {
    let layers = layers().sorted { $0.position < $1.position }
    guard layers.contains(where: \.isDense) else {
      return FoundHead(head: .init(pooling: freeHead.poolingWithoutHead))
    }
    guard layers.count <= Self.maximumLayers else {
      throw notUnderstood("it has \(layers.count) layers")
    }
    // Two that can read the features may both do so.
    if let (one, other) = parallel(layers) {
      throw notUnderstood(
        "\(one.name) and \(other.name) both fit the \(channels) features: one after the other, or side by side"
      )
    }
    let orders = orders(of: layers)
    guard let first = orders.first, let pooling = pooling(before: first[0]) else {
      let sizes = layers.map { "\($0.name) makes \($0.outputs) values of \($0.inputs)" }
      throw notUnderstood(
        "\(sizes.joined(separator: ", ")): that is no chain from \(channels) features")
    }
    var found = FoundHead(head: .init(pooling: pooling))
    if case .flatten(let height, let width, _) = pooling {
      found.assume("\(height)×\(width) pixels side by side")
    }
    // A function that stands apart may be the last, one between two layers, or one before them all.
    if hasOwnActivations == true { found.assume("no function before \(first[0].name)") }
    if orders.count > 1 {
      // Layers of one model stand in the file in the order of computation, where it orders them at all.
      guard isOrder(layers), Set(layers.map(\.folder)).count == 1 else {
        throw InputError(
          .badData, path: path, "does not tell the order of its head",
          place: layers.map(\.name).joined(separator: ", "), hint: Self.hint)
      }
    }
    let order = orders.count > 1 ? layers : first
    if orders.count > 1 || order.count(where: \.isDense) > 1 {
      found.assume(order.map(\.name).joined(separator: " before "))
    }
    try fill(&found, with: order)
    return found
  }

  /// Adds layers in their order, with the functions that are assumed after dense ones.
  private func fill(_ found: inout FoundHead, with order: [Layer]) throws(InputError) {
    var owners: [Layer?] = []
    for (index, layer) in order.enumerated() {
      let place = found.head.layers.count
      if !layer.isDense {
        if index > 0, hasOwnActivations == true {
          throw notUnderstood(
            "\(layer.name) may stand before or after a function: only the whole model tells")
        }
        found.assume("\(Self.usualEpsilon) at \(layer.name)", .epsilon(index: place))
      }
      found.head.layers.append(layer.configuration)
      owners.append(layer)
      let isLast = index == order.count - 1
      guard layer.isDense, let function = isLast ? family.options.head.lastActivation : .relu
      else { continue }
      if !isLast {
        found.assume("\(function.title) at \(layer.name)", .activation(index: place + 1))
      }
      found.head.layers.append(.activation(function))
      owners.append(nil)
    }
    for case (let node, let layer?) in zip(found.head.layerNames, owners) {
      if layer.isNamed { found.names[node] = layer.name }
      for (role, tensor) in layer.parameters {
        found.tensors["\(node).\(role.rawValue)"] = tensor
      }
    }
  }

  private static let hint = "the whole model (model.save('model.keras')) tells it"

  private func notUnderstood(_ place: String) -> InputError {
    InputError(
      .badData, path: path, "has a head that is not understood", place: place, hint: Self.hint)
  }

  // MARK: - Order

  /// The orders in which each layer reads what the one before it puts out; not more than two.
  private func orders(of layers: [Layer]) -> [[Layer]] {
    var orders: [[Layer]] = []
    func extend(_ order: [Layer], _ rest: [Layer]) {
      guard orders.count < 2 else { return }
      if rest.isEmpty { return orders.append(order) }
      for (index, layer) in rest.enumerated()
      where follows(layer, order.last) && mayComeNext(layer, among: rest) {
        var others = rest
        others.remove(at: index)
        extend(order + [layer], others)
      }
    }
    extend([], layers)
    return orders
  }

  /// Two dense layers that read as many values as there are features; `nil` where no more than one does.
  private func parallel(_ layers: [Layer]) -> (Layer, Layer)? {
    let first = layers.filter { $0.isDense && $0.inputs == channels }
    return first.count > 1 ? (first[0], first[1]) : nil
  }

  private func isOrder(_ layers: [Layer]) -> Bool {
    zip([nil] + layers, layers).allSatisfy { follows($1, $0) }
  }

  private func follows(_ layer: Layer, _ before: Layer?) -> Bool {
    before.map { $0.outputs == layer.inputs } ?? (pooling(before: layer) != nil)
  }

  /// Whether no layer of the same class has a lower number.
  private func mayComeNext(_ layer: Layer, among rest: [Layer]) -> Bool {
    !rest.contains {
      $0.word == layer.word && $0.folder == layer.folder && $0.number < layer.number
    }
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

  /// A dense layer, or a norm.
  private struct Layer {
    let name: String
    /// The models that it is within.
    let folder: String
    /// The name without the number that Keras counts.
    let word: Substring
    let number: Int
    let configuration: Configuration.Head.Layer
    let parameters: [Parameter.Role: TensorInfo]
    let inputs: Int
    let outputs: Int
    let position: Int

    var isDense: Bool {
      if case .dense = configuration { return true }
      return false
    }

    /// Whether the file names the layer, rather than count it.
    var isNamed: Bool { !parameters.values.contains { $0.name.contains("/vars/") } }

    init?(_ path: String, _ parameters: [Parameter.Role: TensorInfo], position: Int) {
      let parts = path.split(separator: "/")
      name = parts.last.map(String.init) ?? path
      folder = parts.dropLast().joined(separator: "/")
      (self.parameters, self.position) = (parameters, position)
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

  private func layers() -> [Layer] {
    var parts: [String: [Parameter.Role: TensorInfo]] = [:]
    for (name, tensor) in candidates {
      for (role, suffix) in family.tensors.roles where name.hasSuffix(suffix) {
        parts[String(name.dropLast(suffix.count)), default: [:]][role] = tensor
      }
    }
    return parts.sorted { $0.key < $1.key }.compactMap { name, parameters in
      let position = parameters.values.compactMap { positions[$0.name] }.min() ?? 0
      return Layer(name, parameters, position: position)
    }
  }
}

import Files
import ResNetV2
import Tensors

/// A head that a file has in place of its family's own.
struct FoundHead {
  /// Pooling and layers.
  var head: Configuration.Head
  /// The tensors, by the parameter's canonical name.
  var tensors: [String: TensorInfo] = [:]
  /// What the file calls the layers, by canonical name.
  var names: [String: String] = [:]
  /// What the file left open.
  var assumptions: [Assumption] = []
  /// A layer that may as well read the whole map of features: a maximum before it and one after it differ.
  var mayReadMap: String?

  /// Keeps that the pool was taken to come first, where it makes a difference: an average and a matrix may change places.
  mutating func notePool(in head: Configuration.Head) {
    guard let mayReadMap else { return }
    let hasFunction = head.layers.contains { if case .activation = $0 { true } else { false } }
    if hasFunction || head.pooling == .max { assume("pooled before \(mayReadMap)") }
  }

  /// Keeps what was taken where the file does not tell it.
  mutating func assume(_ value: String, _ part: Assumption.HeadPart = .list) {
    assumptions.append(.init(option: part.option, value: value))
  }
}

/// Finds the head among the tensors that the network before it leaves over.
///
/// A head is one layer, or the numbered layers of one list (`fc.0`, `fc.3`) or of one name (`fc1`,
/// `fc2`). Each must read what the one before it puts out; else there is no head, but an error. What
/// has no parameters leaves only a gap in the numbers.
struct HeadFinder {
  /// The tensors under the network's prefix, without it.
  let left: [String: TensorInfo]
  /// The tensors beside the network, with their names.
  let outsiders: [(name: String, tensor: TensorInfo)]
  /// What stands before the names of the network.
  let prefix: String
  let family: Family
  /// The channels of the feature map.
  let channels: Int

  func find(_ freeHead: FreeHead, path: String) throws(InputError) -> FoundHead {
    let layers = layers().sorted { $0.place < $1.place }
    guard let first = layers.first else { return headless(freeHead) }
    let words = Set(layers.map(\.place.words))
    guard words.count == 1 else {
      throw notUnderstood(
        "\(layers[0].name) and \(layers[layers.count - 1].name) are not of one list", path)
    }
    var found = FoundHead(head: .init(pooling: try pooling(before: first, path: path)))
    noteStart(before: first, in: &found)
    var placed: [(layer: HeadLayer?, name: String?)] = []
    let own = family.layerName(of: "head.dense")
    found.mayReadMap = layers.first { $0.isConvolution && $0.name != own }?.name
    var mayActivate = false
    for (index, layer) in layers.enumerated() {
      if index > 0, layer.place.isApart(from: layers[index - 1].place) {
        let name = layers[index - 1].place.next
        if mayActivate {
          if let convolution = found.mayReadMap {
            try requirePool(before: convolution, andFunction: name, path: path)
          }
          found.assume(
            name.map { "ReLU at \($0)" } ?? "ReLU between the dense layers",
            .activation(index: placed.count))
          placed.append((nil, name))
        } else {
          found.assume("nothing before \(layer.name)")
        }
        mayActivate = false
      }
      if case .norm(.batch(let epsilon), _, _) = layer.configuration {
        found.assume("\(epsilon) at \(layer.name)", .epsilon(index: placed.count))
      }
      placed.append((layer, layer.name))
      if layer.isDense { mayActivate = true }
    }
    try checkSizes(of: layers, path: path)
    try checkOrder(of: layers, in: &found, path: path)
    found.head.layers = placed.map { $0.layer?.configuration ?? .activation(.relu) }
    for (node, place) in zip(found.head.layerNames, placed) {
      found.names[node] = place.name
      guard let layer = place.layer else { continue }
      for (role, tensor) in layer.parameters {
        found.tensors["\(node).\(role.rawValue)"] = tensor
      }
    }
    return found
  }

  // MARK: - Pooling

  private func headless(_ freeHead: FreeHead) -> FoundHead {
    FoundHead(head: .init(pooling: freeHead.poolingWithoutHead))
  }

  /// How the feature map becomes as many values as the first layer reads.
  private func pooling(
    before first: HeadLayer, path: String
  ) throws(InputError) -> Configuration.Head.Pooling {
    if first.inputs == channels { return .average }
    let pixels = channels > 0 && first.inputs.isMultiple(of: channels) ? first.inputs / channels : 0
    let side = Int(Double(pixels).squareRoot())
    guard side > 1, side * side == pixels else {
      throw notUnderstood(
        "\(first.name) reads \(first.inputs) values of \(channels) features", path)
    }
    return .flatten(height: side, width: side, channelsFirst: true)
  }

  /// Stops at a function after a convolution, where the family's own head is not one: the average of a function is not
  /// the function of the average.
  private func requirePool(
    before convolution: String, andFunction function: String?, path: String
  ) throws(InputError) {
    if family.tensors.denseLayout == .outputInput1x1, let own = family.layerName(of: "head.dense"),
      convolution.hasPrefix(own + ".")
    {
      return
    }
    throw notUnderstood(
      "\(convolution) is a convolution, and a function may stand \(function.map { "at \($0)" } ?? "after it"): "
        + "nothing tells whether the features are pooled before or after", path)
  }

  private func noteStart(before first: HeadLayer, in found: inout FoundHead) {
    if case .flatten(let height, let width, _) = found.head.pooling {
      found.assume("\(height)×\(width) pixels side by side")
    }
    let own = family.layerName(of: "head.dense")
    if let number = first.place.numberInList, number > 0, first.name != own {
      found.assume("nothing before \(first.name)")
    }
  }

  private func checkSizes(of layers: [HeadLayer], path: String) throws(InputError) {
    for (before, layer) in zip(layers, layers.dropFirst()) where before.outputs != layer.inputs {
      throw notUnderstood(
        "\(before.name) gives \(before.outputs) values, \(layer.name) reads \(layer.inputs)", path)
    }
  }

  /// Takes dense layers that no list puts one after the other for a chain, where they are no heads side by side.
  private func checkOrder(
    of layers: [HeadLayer], in found: inout FoundHead, path: String
  ) throws(InputError) {
    let dense = layers.filter(\.isDense)
    guard dense.count > 1, !dense.allSatisfy(\.place.isOfSequence) else { return }
    guard dense[1].inputs != channels else {
      throw notUnderstood(
        "\(dense[0].name) and \(dense[1].name) both fit the \(channels) features: one after the other, "
          + "or side by side", path)
    }
    found.assume(layers.map(\.name).joined(separator: " before "))
  }

  private func notUnderstood(_ place: String, _ path: String) -> InputError {
    InputError(.badData, path: path, "has a head that is not understood", place: place)
  }

  // MARK: - Layers

  /// The layers that are called as heads are.
  private func layers() -> [HeadLayer] {
    var parts: [String: [Parameter.Role: TensorInfo]] = [:]
    for (name, tensor) in candidates {
      guard let (layer, suffix) = splitSuffix(of: name) else { continue }
      parts[layer, default: [:]][suffix] = tensor
    }
    return parts.compactMap { HeadLayer(name: $0, parameters: $1, norm: family.options.norm) }
  }

  /// The tensors left over by name without prefix; a name that is there twice is none.
  private var candidates: [String: TensorInfo] {
    var result = left
    for (name, tensor) in outsiders {
      let name = withoutSharedFolders(name)
      result[name] = result[name] == nil ? tensor : nil
    }
    return result
  }

  /// A name without the folders that it shares with the network's prefix.
  private func withoutSharedFolders(_ name: String) -> String {
    var rest = name[...]
    for folder in prefix.split(separator: ".") {
      guard rest.hasPrefix(folder + ".") else { break }
      rest = rest.dropFirst(folder.count + 1)
    }
    return String(rest)
  }

  private func splitSuffix(of name: String) -> (layer: String, role: Parameter.Role)? {
    for role in [Parameter.Role.weight, .bias, .mean, .variance] {
      if let suffix = family.tensors.roles[role], name.hasSuffix(suffix) {
        return (String(name.dropLast(suffix.count)), role)
      }
    }
    return nil
  }
}

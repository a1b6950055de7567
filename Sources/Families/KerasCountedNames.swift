import Tensors

/// Gives Keras' tensors the names of their layers where the container does not.
///
/// Two cases. A `.weights.h5` without layer names counts layers by class (`layers/conv2d_3/vars/0`): the
/// order of the architecture tells which is which. And a dense layer may have any name: it is the only
/// one with a matrix.
enum KerasNames {
  /// The tensor names of version 2 by the names in the file; `nil` where nothing is to be renamed.
  @Sendable
  static func version2(_ tensors: [TensorInfo]) -> [String: String]? {
    let counted = CountedLayers(tensors)
    return counted.isEmpty ? soleDenseLayer(tensors) : counted.namesOfVersion2()
  }

  /// The tensor names of version 1 by the names in the file; `nil` where nothing is to be renamed.
  @Sendable
  static func version1(_ tensors: [TensorInfo]) -> [String: String]? {
    let counted = CountedLayers(tensors)
    return counted.isEmpty ? soleDenseLayer(tensors) : counted.namesOfVersion1()
  }
}

private func soleDenseLayer(_ tensors: [TensorInfo]) -> [String: String]? {
  let matrices = tensors.filter { $0.shape.rank == 2 && $0.name.hasSuffix("/kernel") }
  guard matrices.count == 1, let matrix = matrices.first else { return nil }
  let layer = matrix.name.dropLast("/kernel".count)
  let known = ["predictions", "probs"]
  guard !known.contains(where: { layer == $0 || layer.hasSuffix("/\($0)") }) else { return nil }
  let prefix = layer.lastIndex(of: "/").map { layer[...$0] } ?? ""
  return [
    "\(layer)/kernel": "\(prefix)predictions/kernel", "\(layer)/bias": "\(prefix)predictions/bias",
  ]
}

/// The layers of a file that counts them by class, in the order of their numbers.
private struct CountedLayers {
  private let convolutions: [Layer]
  private let norms: [Layer]
  private let dense: [Layer]

  struct Layer {
    /// The file's name up to the variable, such as `layers/conv2d_3/vars/`.
    let prefix: String
    /// The shapes of the variables by number.
    var variables: [Int: Shape]
  }

  /// Whether the file names its layers in another way.
  var isEmpty: Bool { convolutions.isEmpty }

  init(_ tensors: [TensorInfo]) {
    var folders: [String: [String: [Int: Layer]]] = [:]
    for tensor in tensors {
      let parts = tensor.name.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count >= 4, parts[parts.count - 4] == "layers", parts[parts.count - 2] == "vars",
        let variable = Int(parts[parts.count - 1])
      else { continue }
      let (kind, number) = Self.counted(parts[parts.count - 3])
      let prefix = String(tensor.name.dropLast(parts[parts.count - 1].count))
      let folder = parts.dropLast(3).joined(separator: "/")
      folders[folder, default: [:]][kind, default: [:]][
        number, default: Layer(prefix: prefix, variables: [:])
      ].variables[variable] = tensor.shape
    }
    func inOrder(_ kind: String, _ folder: [String: [Int: Layer]]) -> [Layer] {
      (folder[kind] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
    }
    // A network within a model has its own count; the model's layers beside it may be a head.
    let network = folders.max {
      ($0.value["conv2d"]?.count ?? 0, $1.key) < ($1.value["conv2d"]?.count ?? 0, $0.key)
    }?.value
    convolutions = inOrder("conv2d", network ?? [:])
    norms = inOrder("batch_normalization", network ?? [:])
    dense = folders.sorted { $0.key < $1.key }.flatMap { inOrder("dense", $0.value) }
  }

  /// `conv2d_3` as its class and number; the first layer of a class has no number.
  private static func counted(_ group: Substring) -> (String, Int) {
    if let underscore = group.lastIndex(of: "_"),
      let number = Int(group[group.index(after: underscore)...])
    {
      return (String(group[..<underscore]), number)
    }
    return (String(group), 0)
  }

  /// The names by the order of a ResNetV2, or `nil` where the layers are not those of one.
  func namesOfVersion2() -> [String: String]? {
    guard let blocks = blocks(), norms.count > blocks.count * 3 else { return nil }
    for (index, block) in blocks.enumerated() {
      for part in 0...1 where !isNorm(3 * index + part + 1, of: block.start + part) { return nil }
    }
    return names(
      of: blocks,
      norms: blocks.flatMap { block in
        ["preact", "1", "2"].map { "\(block.name)_\($0)_bn" }
      } + ["post_bn"])
  }

  /// The names by the order of a ResNet of version 1, or `nil` where the layers are not those of one.
  func namesOfVersion1() -> [String: String]? {
    guard let blocks = blocks(), norms.count >= convolutions.count,
      convolutions.indices.allSatisfy({ isNorm($0, of: $0) })
    else { return nil }
    return names(
      of: blocks,
      norms: ["conv1_bn"]
        + blocks.flatMap { block in
          (block.hasShortcut ? ["1", "2", "0", "3"] : ["1", "2", "3"]).map {
            "\(block.name)_\($0)_bn"
          }
        })
  }

  /// Whether a norm has the channels of a convolution; those that are left over may be a head's.
  private func isNorm(_ norm: Int, of convolution: Int) -> Bool {
    guard let shape = norms[norm].variables[0], let kernel = convolutions[convolution].variables[0]
    else { return false }
    return shape.rank == 1 && kernel.rank == 4 && shape[0] == kernel[3]
  }

  private func names(of blocks: [Block], norms normNames: [String]) -> [String: String] {
    var names: [String: String] = [:]
    func name(_ layer: Layer, _ layerName: String, _ variables: [String]) {
      for (number, variable) in variables.enumerated() {
        names["\(layer.prefix)\(number)"] = "\(layerName)/\(variable)"
      }
    }
    name(convolutions[0], "conv1_conv", ["kernel", "bias"])
    for block in blocks {
      // Keras creates the shortcut *before* the last convolution, and both may have the same shape.
      let suffixes = block.hasShortcut ? ["1", "2", "0", "3"] : ["1", "2", "3"]
      for (offset, suffix) in suffixes.enumerated() {
        name(
          convolutions[block.start + offset], "\(block.name)_\(suffix)_conv", ["kernel", "bias"])
      }
    }
    for (norm, normName) in zip(norms, normNames) {
      name(norm, normName, ["gamma", "beta", "moving_mean", "moving_variance"])
    }
    if let head = dense.first, dense.count == 1 {
      name(head, "predictions", ["kernel", "bias"])
    }
    return names
  }

  private struct Block {
    /// The part of the name that its layers share.
    let name: String
    /// The position of its first convolution.
    let start: Int
    /// Whether it has a convolution on the side path: then it begins a stage.
    let hasShortcut: Bool
  }

  /// The blocks by the windows of their convolutions: 1×1, 3×3, 1×1, and one more 1×1 where a stage begins.
  private func blocks() -> [Block]? {
    var blocks: [Block] = []
    var (stage, number, position) = (0, 0, 1)
    while position < convolutions.count {
      guard window(position) == 1, window(position + 1) == 3, window(position + 2) == 1 else {
        return nil
      }
      // The next block begins with a 1×1 too, just before its 3×3.
      let hasShortcut = window(position + 3) == 1 && window(position + 4) != 3
      if hasShortcut { (stage, number) = (stage + 1, 0) }
      number += 1
      guard stage > 0 else { return nil }
      blocks.append(
        Block(name: "conv\(stage + 1)_block\(number)", start: position, hasShortcut: hasShortcut))
      position += hasShortcut ? 4 : 3
    }
    return blocks.isEmpty ? nil : blocks
  }

  private func window(_ position: Int) -> Int? {
    guard position < convolutions.count, let kernel = convolutions[position].variables[0],
      kernel.rank == 4, kernel[0] == kernel[1]
    else { return nil }
    return kernel[0]
  }
}

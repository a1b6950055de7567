import Tensors

/// Gives Keras' tensors the names of their layers where the container does not.
///
/// Two cases. A `.weights.h5` without layer names counts layers by class
/// (`layers/conv2d_3/vars/0`): the order of the architecture tells which is which. And a dense
/// layer may have any name: it is the only one with a matrix.
///
/// - Returns: the tensor names of the family by the names in the file; `nil` where nothing is to be renamed.
@Sendable
func kerasResolvedNames(_ tensors: [TensorInfo]) -> [String: String]? {
  let counted = CountedLayers(tensors)
  guard counted.convolutions.isEmpty else { return counted.names() }
  return soleDenseLayer(tensors)
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
  let convolutions: [Layer]
  private let norms: [Layer]
  private let dense: [Layer]

  struct Layer {
    /// The file's name up to the variable, such as `layers/conv2d_3/vars/`.
    let prefix: String
    /// The shapes of the variables by number.
    var variables: [Int: Shape]
  }

  init(_ tensors: [TensorInfo]) {
    var layers: [String: [Int: Layer]] = [:]
    for tensor in tensors {
      let parts = tensor.name.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count >= 4, parts[parts.count - 4] == "layers", parts[parts.count - 2] == "vars",
        let variable = Int(parts[parts.count - 1])
      else { continue }
      let (kind, number) = Self.counted(parts[parts.count - 3])
      let prefix = String(tensor.name.dropLast(parts[parts.count - 1].count))
      layers[kind, default: [:]][number, default: Layer(prefix: prefix, variables: [:])]
        .variables[variable] = tensor.shape
    }
    func inOrder(_ kind: String) -> [Layer] {
      (layers[kind] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
    }
    convolutions = inOrder("conv2d")
    norms = inOrder("batch_normalization")
    dense = inOrder("dense")
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

  /// The names by the architecture's order, or `nil` where the convolutions are not those of a
  /// ResNetV2.
  ///
  /// A block is a 1×1 and a 3×3 without bias and a 1×1 with bias; the first block of a stage has
  /// one more 1×1 with bias, the shortcut, which Keras creates *before* the last one.
  func names() -> [String: String]? {
    guard let blocks = blocks(), norms.count == blocks.count * 3 + 1 else { return nil }
    var names: [String: String] = [:]
    func name(_ layer: Layer, _ layerName: String, _ variables: [String]) {
      for (number, variable) in variables.enumerated() {
        names["\(layer.prefix)\(number)"] = "\(layerName)/\(variable)"
      }
    }
    let kernelAndBias = ["kernel", "bias"]
    let norm = ["gamma", "beta", "moving_mean", "moving_variance"]
    name(convolutions[0], "conv1_conv", kernelAndBias)
    for (index, block) in blocks.enumerated() {
      let prefix = "conv\(block.stage + 1)_block\(block.number)"
      for (suffix, position) in block.convolutions {
        name(convolutions[position], "\(prefix)_\(suffix)_conv", kernelAndBias)
      }
      for (offset, suffix) in ["preact", "1", "2"].enumerated() {
        name(norms[index * 3 + offset], "\(prefix)_\(suffix)_bn", norm)
      }
    }
    name(norms[norms.count - 1], "post_bn", norm)
    if let head = dense.first, dense.count == 1 {
      name(head, "predictions", kernelAndBias)
    }
    return names
  }

  private struct Block {
    let stage: Int
    let number: Int
    /// The part of the layer's name and the position in `convolutions`.
    let convolutions: [(String, Int)]
  }

  private func blocks() -> [Block]? {
    var blocks: [Block] = []
    var stage = 0
    var number = 0
    var position = 1
    while position < convolutions.count {
      guard isConvolution(position, window: 1, hasBias: false),
        isConvolution(position + 1, window: 3, hasBias: false),
        isConvolution(position + 2, window: 1, hasBias: true)
      else { return nil }
      let hasShortcut = isConvolution(position + 3, window: 1, hasBias: true)
      if hasShortcut {
        stage += 1
        number = 0
      }
      number += 1
      let tail = hasShortcut ? [("0", position + 2), ("3", position + 3)] : [("3", position + 2)]
      blocks.append(
        Block(
          stage: stage, number: number,
          convolutions: [("1", position), ("2", position + 1)] + tail))
      position += hasShortcut ? 4 : 3
    }
    return blocks.isEmpty ? nil : blocks
  }

  private func isConvolution(_ position: Int, window: Int, hasBias: Bool) -> Bool {
    guard position < convolutions.count, let kernel = convolutions[position].variables[0] else {
      return false
    }
    return kernel.rank == 4 && kernel[0] == window && kernel[1] == window
      && (convolutions[position].variables[1] != nil) == hasBias
  }
}

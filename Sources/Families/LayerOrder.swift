import Files
import ResNetV2
import Tensors

/// The order in which a family's own code makes or lists its layers: what tells counted layers apart.
struct LayerOrder: Sendable {
  /// What the numbers count.
  let counting: CountedLayers.Counting
  /// Whether a norm stands before its convolution or after it.
  let blockOrder: Configuration.Block.Order
  /// The height of the stem's kernel.
  let stemKernel: Int
  /// The convolutions of a block with a projection, by their names within the block.
  let projected: [String]
  /// The convolutions of any other block.
  let plain: [String]
  /// Whether the first stage has no projection.
  var beginsPlain = false
  /// The norms, in the order of the network.
  let norms: Norms

  struct Norms: Sendable {
    /// The norms before the first block, by their whole names.
    var stem: [String] = []
    /// The norms of the very first block; of a block with a projection; of any other.
    let first: [String]
    let projected: [String]
    let plain: [String]
    /// The norms after the last block, by their whole names.
    var end: [String] = []
  }

  /// Which layer is which node of the network, by canonical name.
  ///
  /// - Parameter checkingChannels: whether each convolution must read what the one before it puts out. Without, a
  ///   tensor of a wrong shape can still be named.
  /// - Returns: `nil` where the layers are not those of such a network. Norms beyond it are left to the head.
  func nodes(
    in network: CountedLayers.Network, checkingChannels: Bool
  ) -> [(node: String, layer: CountedLayers.Layer)]? {
    guard network.counting == counting, let stem = network.convolutions.first?.kernel,
      stem[0] == stemKernel, stem[1] == stemKernel,
      let blocks = blocks(
        of: network.convolutions, from: 1, reading: checkingChannels ? stem[3] : nil),
      !blocks.isEmpty
    else { return nil }
    var nodes = [(node: "stem.conv", layer: network.convolutions[0])]
    var normNames = norms.stem
    var position = 1
    for (index, block) in blocks.enumerated() {
      let parts = block.isProjected ? projected : plain
      for (offset, part) in parts.enumerated() {
        nodes.append(("\(block.name).\(part)", network.convolutions[position + offset]))
      }
      position += parts.count
      let own = index == 0 ? norms.first : block.isProjected ? norms.projected : norms.plain
      normNames += own.map { "\(block.name).\($0)" }
    }
    normNames += norms.end
    guard network.norms.count >= normNames.count,
      checkingChannels || network.norms.count == normNames.count
    else { return nil }
    let channels = normChannels(of: nodes)
    for (name, norm) in zip(normNames, network.norms) {
      if checkingChannels, norm.channels != channels[name] { return nil }
      nodes.append((name, norm))
    }
    return nodes
  }

  /// The channels of each norm, by canonical name, as the convolutions beside it have them.
  private func normChannels(
    of convolutions: [(node: String, layer: CountedLayers.Layer)]
  ) -> [String: Int] {
    var channels: [String: Int] = [:]
    for (node, layer) in convolutions {
      guard let kernel = layer.kernel else { continue }
      let isBefore = blockOrder == .preActivation && node != "stem.conv"
      channels[node.replacing("conv", with: "norm")] = kernel[isBefore ? 2 : 3]
      // The blocks end in the same number of channels as their last convolution.
      if !node.hasSuffix("shortcut.conv") { channels["final.norm"] = kernel[3] }
    }
    return channels
  }

  private struct Block {
    var name: String
    let isProjected: Bool
  }

  /// The blocks from a convolution on, by the heights of their kernels, and the channels where they are looked at.
  private func blocks(
    of convolutions: [CountedLayers.Layer], from start: Int, reading channels: Int?
  ) -> [Block]? {
    var blocks: [Block] = []
    var (position, channels) = (start, channels)
    var (stage, number) = (beginsPlain ? 1 : 0, 0)
    while position < convolutions.count {
      // A block with a projection has the kernels of one without, and one more: what follows tells.
      let candidates = [true, false].filter { isProjected in
        let parts = isProjected ? projected : plain
        return fits(parts, convolutions, at: position)
          && beginsBlock(convolutions, at: position + parts.count)
      }
      guard let isProjected = candidates.first else { return nil }
      let parts = isProjected ? projected : plain
      if let inputs = channels {
        guard let outputs = outputs(of: parts, convolutions, at: position, reading: inputs) else {
          return nil
        }
        channels = outputs
      }
      (stage, number) = isProjected ? (stage + 1, 1) : (stage, number + 1)
      guard stage > 0 else { return nil }
      blocks.append(Block(name: "stage\(stage).block\(number)", isProjected: isProjected))
      position += parts.count
    }
    return blocks
  }

  private func fits(_ parts: [String], _ layers: [CountedLayers.Layer], at start: Int) -> Bool {
    guard start + parts.count <= layers.count else { return false }
    return zip(parts, layers[start...]).allSatisfy { part, layer in
      guard let kernel = layer.kernel else { return false }
      return kernel[0] == self.kernel(of: part) && kernel[1] == kernel[0]
    }
  }

  private func beginsBlock(_ layers: [CountedLayers.Layer], at start: Int) -> Bool {
    start == layers.count || fits(plain, layers, at: start) || fits(projected, layers, at: start)
  }

  private func kernel(of part: String) -> Int {
    let isBottleneck = plain.contains("conv3")
    return part == "conv2" || part == "conv1" && !isBottleneck ? 3 : 1
  }

  /// The channels that a block puts out, where each of its convolutions reads what the one before it puts out.
  private func outputs(
    of parts: [String], _ layers: [CountedLayers.Layer], at start: Int, reading channels: Int
  ) -> Int? {
    let kernels = Dictionary(
      zip(parts, layers[start...].lazy.map { $0.kernel ?? [1, 1, 0, 0] })
    ) { first, _ in first }
    var current = channels
    for part in ["conv1", "conv2", "conv3"] {
      guard let kernel = kernels[part] else { continue }
      guard kernel[2] == current else { return nil }
      current = kernel[3]
    }
    let side = kernels["shortcut.conv"] ?? [1, 1, channels, channels]
    return side[2] == channels && side[3] == current ? current : nil
  }
}

extension Family {
  /// The names that the family gives to the layers of a file that counts them, by the names in the file.
  ///
  /// - Returns: `nil` where the file has no such network of the family.
  func names(of counted: CountedLayers, checkingChannels: Bool) -> [String: String]? {
    var names: [String: String] = [:]
    for network in counted.networks {
      let found = orders.lazy.compactMap {
        $0.nodes(in: network, checkingChannels: checkingChannels)
      }.first
      for (node, layer) in found ?? [] {
        for (role, tensor) in layer.tensors {
          names[tensor.name] = tensorNames(of: node, role).first.map { network.folder + $0 }
        }
      }
    }
    guard !names.isEmpty else { return nil }
    return counted.plainNames.merging(names) { $1 }
  }
}

extension CountedLayers {
  /// Checks that no two orders of layers fit the shapes alike.
  ///
  /// - Throws: `InputError` that names two layers of which either may be the other.
  func requireOneOrder(of families: [Family], path: String) throws(InputError) {
    let orders = families.flatMap(\.orders)
    for network in networks {
      // Networks with other layers are another matter.
      var seen: [Set<String>: [String: String]] = [:]
      for order in orders {
        guard let nodes = order.nodes(in: network, checkingChannels: true) else { continue }
        let paths = Dictionary(nodes.map { ($0.node, $0.layer.path) }) { first, _ in first }
        let nodeNames = Set(paths.keys)
        guard let first = seen[nodeNames] else {
          seen[nodeNames] = paths
          continue
        }
        guard let node = nodeNames.sorted().first(where: { first[$0] != paths[$0] }),
          let own = first[node], let other = paths[node]
        else { continue }
        throw InputError(
          .badData, path: path, "does not tell which of its counted layers is which",
          place: "\(own) or \(other) is the projection of a block: both have its shape",
          hint: "names tell it: save the weights with a newer Keras 3, or the whole model "
            + "(model.save('model.keras')); or give the family by --family")
      }
    }
  }
}

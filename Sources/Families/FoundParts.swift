import ResNetV2

extension CanonicalShapes {
  /// Reads which layers have a bias, a scale or a shift from the tensors that are there.
  ///
  /// A part that all layers of a kind have, or none, is an option of the network; where some have it, a tensor is
  /// missing, and the mapping names it.
  func readParts(into configuration: inout Configuration) throws(ConfigurationError) {
    var body = configuration
    body.head = .init(pooling: .none)
    var found: [Part: Set<Bool>] = [:]
    for node in try Graph(body).nodes {
      for (part, role) in Part.parts(of: node, in: configuration) {
        found[part, default: []].insert(isThere(node.name, role))
      }
    }
    func read(_ part: Part, _ option: inout Bool) {
      if let values = found[part], values.count == 1, let value = values.first { option = value }
    }
    for index in configuration.stem.convolutions.indices {
      read(.stemBias, &configuration.stem.convolutions[index].hasBias)
    }
    read(.innerBias, &configuration.block.hasInnerBiases)
    readSpatialBias(found[.spatialBias] ?? [], into: &configuration.block)
    read(.lastBias, &configuration.block.hasLastBias)
    read(.shortcutBias, &configuration.shortcut.hasBias)
    read(.scale, &configuration.hasNormScales)
    read(.shift, &configuration.hasNormShifts)
  }

  /// Reads whether a bottleneck's 3×3 convolution lacks a bias where the 1×1 before it has one.
  ///
  /// - Parameter found: whether such convolutions have one; both where some do.
  private func readSpatialBias(_ found: Set<Bool>, into block: inout Configuration.Block) {
    guard block.kind == .bottleneck, block.hasInnerBiases else {
      block.omitsSpatialBias = false
      return
    }
    if found.count == 1 { block.omitsSpatialBias = found == [false] }
  }

  /// What the layers of a kind may have or lack.
  private enum Part: Hashable {
    case stemBias, innerBias, spatialBias, lastBias, shortcutBias, scale, shift

    static func parts(
      of node: Node, in configuration: Configuration
    ) -> [(Part, Parameter.Role)] {
      switch node.operation {
      // The input's norm may differ from all others.
      case .norm where node.place == .input: return []
      case .norm: return [(.scale, .scale), (.shift, .shift)]
      case .convolution where node.name.hasPrefix("stem."): return [(.stemBias, .bias)]
      case .convolution where node.name.hasSuffix(".shortcut.conv"): return [(.shortcutBias, .bias)]
      case .convolution:
        let isBottleneck = configuration.block.kind == .bottleneck
        let parts: [String: Part] =
          isBottleneck
          ? [".conv1": .innerBias, ".conv2": .spatialBias, ".conv3": .lastBias]
          : [".conv1": .innerBias, ".conv2": .lastBias]
        return parts.filter { node.name.hasSuffix($0.key) }.map { ($0.value, .bias) }
      default: return []
      }
    }
  }
}

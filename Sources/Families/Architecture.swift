import ResNetV2

/// A network that has a name.
struct Architecture: Sendable {
  /// The name, such as `resnet50_v2`.
  let name: String
  /// The shape of its blocks.
  let kind: Configuration.Block.Kind
  /// The blocks of each stage.
  let blocks: [Int]
  /// Which of the family's variants it is, counted from 0.
  var variant = 0
  /// The inner channels of the first stage; each stage has twice as many as the one before.
  var width = 64
  /// The channels of the stem's convolutions, where they are not the variant's.
  var stem: [Int]?
  /// The channels of each stage, where they do not follow from the width.
  var channels: [(inner: Int, output: Int)] = []

  /// The networks of table 1 of “Deep Residual Learning” (He and others, 2015), in one of the two
  /// versions.
  static func all(version: String, depths: [Int]) -> [Architecture] {
    depths.compactMap { standard($0, name: "resnet\($0)_\(version)") }
  }

  /// The network of a depth of that table under another name.
  static func standard(
    _ depth: Int, name: String, variant: Int = 0, factor: Int = 1, stem: [Int]? = nil
  ) -> Architecture? {
    table[depth].map { kind, blocks in
      Architecture(
        name: name, kind: kind, blocks: blocks, variant: variant, width: 64 * factor, stem: stem)
    }
  }

  private static let table: [Int: (Configuration.Block.Kind, [Int])] = [
    18: (.basic, [2, 2, 2, 2]),
    34: (.basic, [3, 4, 6, 3]),
    50: (.bottleneck, [3, 4, 6, 3]),
    101: (.bottleneck, [3, 4, 23, 3]),
    152: (.bottleneck, [3, 8, 36, 3]),
    // Not of the table: “Identity Mappings”, section 5.
    200: (.bottleneck, [3, 24, 36, 3]),
  ]
}

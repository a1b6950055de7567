import ResNetV2

/// A network that has a name.
struct Architecture: Sendable {
  /// The name, such as `resnet50_v2`.
  let name: String
  /// The shape of its blocks.
  let kind: Configuration.Block.Kind
  /// The blocks of each stage.
  let blocks: [Int]

  /// The networks of table 1 of “Deep Residual Learning” (He and others, 2015), in one of the two
  /// versions.
  static func all(version: String, depths: [Int]) -> [Architecture] {
    depths.compactMap { depth in
      table[depth].map { kind, blocks in
        Architecture(name: "resnet\(depth)_\(version)", kind: kind, blocks: blocks)
      }
    }
  }

  private static let table: [Int: (Configuration.Block.Kind, [Int])] = [
    18: (.basic, [2, 2, 2, 2]),
    34: (.basic, [3, 4, 6, 3]),
    50: (.bottleneck, [3, 4, 6, 3]),
    101: (.bottleneck, [3, 4, 23, 3]),
    152: (.bottleneck, [3, 8, 36, 3]),
  ]
}
